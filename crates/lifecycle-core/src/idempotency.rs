//! `IdempotencyKey`: the same for every delivery of the same event.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::delivery::Delivery;
use crate::freshness;

/// The same for every delivery of the same event, and different for different events.
///
/// It is a SHA-256 over the platform's name, the app, the tenant, the kind and, of what follows, the first that the
/// platform tells: the event's id, the time of sending, the whole body. A placeholder tells nothing: an id that is blank or
/// the nil UUID, a time that is blank or before the year 2000. No time joins an id, as a platform may give each attempt a
/// time of its own. No platform documents a delivery id for its lifecycle callbacks; Seismic's `requestId` is its event's
/// id. Being a digest, the key may be logged and stored where a tenant's name may not.
///
/// Text form: 64 lower-case hex digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IdempotencyKey([u8; 32]);

impl IdempotencyKey {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let event = delivery.event();
        let (source, identity) = match (event.request_id(), event.sent_at()) {
            (Some(id), _) => ("request", id.as_bytes()),
            (None, Some(time)) if !is_placeholder_of_a_time(time) => ("sent", time.as_bytes()),
            _ => ("body", &**delivery.body()),
        };
        let parts = [
            delivery.platform().name().as_bytes(),
            event.app().as_bytes(),
            event.tenant().as_bytes(),
            event.kind().name().as_bytes(),
            source.as_bytes(),
            identity,
        ];
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_be_bytes()); // so that no two lists of parts run together
            digest.update(part);
        }
        Self(digest.finalize().into())
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

/// Whether an id is what software writes where it has none: blank, or the nil UUID (RFC 9562, 5.9), as bare digits or with
/// hyphens, braces or parentheses.
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

/// The same of a time. What does not read as one may still differ from event to event.
fn is_placeholder_of_a_time(time: &str) -> bool {
    time.trim().is_empty() || freshness::parse_time(time).is_some_and(freshness::is_before_all_platforms)
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
