//! `IdempotencyKey`: the same for every delivery of the same event.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::event::LifecycleEvent;
use crate::freshness;

/// The same for every delivery of the same event, and different for different events.
///
/// It is a SHA-256 over the platform's name, the app, the tenant and what the platform's [`IdempotencySource`] names. The time
/// of an attempt is not part of it, as a retry has another one. Nor is anything unproven, where the platform proves something: so
/// nobody can use up the id of a genuine event with other bytes. The key is a digest, so it may be logged and stored where a
/// tenant's name may not.
///
/// Text form: 64 lower-case hex digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IdempotencyKey([u8; 32]);

/// What distinguishes one event from another on a platform. A decoder chooses it.
///
/// A text that is blank or the nil UUID (RFC 9562, 5.9) is a placeholder, and is taken as absent; a source without text is the
/// whole document. `Debug` shows the variant only.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum IdempotencySource<'a> {
    /// All proven bytes, and an id that the proof does not cover, if the platform sends one: a redelivery is a duplicate, and so
    /// is one whose kind was changed where the proof does not cover the kind.
    Document(Option<Cow<'a, str>>),
    /// A text that the proof covers and that each delivery of the event repeats: its id, or its time.
    Event(Cow<'a, str>),
    /// A text that the proof does not cover. It stops repeats, not replays.
    Told(Cow<'a, str>),
}

impl<'a> IdempotencySource<'a> {
    /// The first of these texts that is not a placeholder, as [`Event`](Self::Event); the document when all are.
    pub fn event(texts: impl IntoIterator<Item = Option<Cow<'a, str>>>) -> Self {
        let told = texts.into_iter().flatten().find(|text| !is_placeholder(text));
        told.map_or(Self::Document(None), Self::Event)
    }

    /// The same as [`Told`](Self::Told).
    pub fn told(texts: impl IntoIterator<Item = Option<Cow<'a, str>>>) -> Self {
        match Self::event(texts) {
            Self::Event(text) => Self::Told(text),
            other => other,
        }
    }
}

impl fmt::Debug for IdempotencySource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Document(_) => "Document",
            Self::Event(_) => "Event",
            Self::Told(_) => "Told",
        })
    }
}

impl IdempotencyKey {
    /// The key of this event of a platform, whose proof covers its kind or does not.
    pub(crate) fn of(platform: &str, event: &LifecycleEvent, is_kind_proven: bool) -> Self {
        let (kind, document) = (event.kind().name(), event.document());
        let mut digest = Parts(Sha256::new());
        digest.add(platform).add(event.app()).add(event.tenant());
        match &event.identity() {
            IdempotencySource::Event(text) if !is_placeholder(text) => {
                digest.add("event").add(text.as_ref());
                if is_kind_proven {
                    digest.add(kind);
                }
            }
            IdempotencySource::Told(text) if !is_placeholder(text) => {
                digest.add("told").add(text.as_ref()).add(kind);
            }
            IdempotencySource::Document(Some(id)) if !is_placeholder(id) => {
                digest.add("document").add(document.digest()).add(id.as_ref());
            }
            _ => {
                digest.add("document").add(document.digest());
            }
        }
        Self(digest.0.finalize().into())
    }

    /// The key of these bytes, as [`as_bytes`](Self::as_bytes) gave them.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Whether an id is a placeholder: blank, or the nil UUID (RFC 9562, 5.9), as bare digits or with hyphens, braces or parentheses.
pub(crate) fn is_placeholder(id: &str) -> bool {
    // Almost every id ends this at its first character.
    if id.bytes().any(|byte| byte.is_ascii_alphanumeric() && byte != b'0') {
        return false;
    }
    let id = id.trim();
    let zeros = id.bytes().filter(|byte| *byte == b'0').count();
    let is_nil = zeros == 32 && id.bytes().all(|byte| b"0-{}()".contains(&byte));
    id.is_empty() || is_nil
}

/// Whether a time is a placeholder: blank, or before the year 2000. A text that cannot be read as a time may still differ from
/// event to event.
pub(crate) fn is_placeholder_of_a_time(time: &str) -> bool {
    time.trim().is_empty() || freshness::parse_time(time).is_some_and(freshness::is_before_all_platforms)
}

/// Parts of a digest, each with its length in front, so that no two lists of parts run together.
struct Parts(Sha256);

impl Parts {
    fn add(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }
}

impl std::str::FromStr for IdempotencyKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let mut bytes = [0; 32];
        if text.len() != 64 || const_hex::decode_to_slice(text, &mut bytes).is_err() {
            return Err(InvalidKey);
        }
        Ok(Self(bytes))
    }
}

/// The text is not 64 hex digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an idempotency key is 64 hex digits")]
pub struct InvalidKey;

impl Serialize for IdempotencyKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IdempotencyKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(const_hex::const_encode::<32, false>(&self.0).as_str())
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdempotencyKey({self})")
    }
}
