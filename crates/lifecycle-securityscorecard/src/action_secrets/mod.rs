//! The secrets that one user gave at installation, as they come with each action.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::ActionError;
use lifecycle_core::Secret;
use lifecycle_core::header_text;

/// The header that carries the secrets.
pub const SECRETS_HEADER: &str = "x-ssc-app-secrets";

/// What the installing user entered, by the keys that the manifest declares.
///
/// These values are all that authenticates an action: its body, path and time are not signed. Declare a random token of
/// your own among the secrets, fill it in with `InstallForm::prefill`, and check it here with [`matches`](Self::matches).
///
/// The header is a JSON object of key to value; an array of `{"key", "value"}` is read too. It is read as UTF-8 and, where
/// it is not that, as ISO-8859-1: HTTP clients write both (Node's `fetch`, Python's `http.client`). A value that is not a string
/// is kept as its JSON text; `null` counts as absent. A repeated key is refused, as two readers could pick
/// different values. `Debug` shows keys only. The values are wiped from memory when dropped; the copy that the HTTP
/// server holds of its headers is out of reach, and so is the JSON reader's scratch space if a value has escapes.
///
/// ```
/// use lifecycle_core::Secret;
/// use lifecycle_securityscorecard::{ActionError, ActionSecrets};
///
/// let required = ["ACCESS_TOKEN", "APP_TOKEN"]; // or `manifest.required_secrets()`
/// let secrets = ActionSecrets::parse(br#"{"ACCESS_TOKEN":"s3cr3t","APP_TOKEN":"8f1b"}"#)?;
/// secrets.require(required)?;
/// assert_eq!(secrets.get("ACCESS_TOKEN"), Some("s3cr3t"));
/// assert!(secrets.matches("APP_TOKEN", &Secret::new("8f1b").unwrap()));
///
/// // Installed before APP_TOKEN was declared:
/// let error = ActionSecrets::parse(br#"{"ACCESS_TOKEN":"s3cr3t"}"#)?.require(required).unwrap_err();
/// assert_eq!(error, ActionError::ReinstallRequired { missing: vec!["APP_TOKEN".into()] });
/// assert_eq!(error.reply().status(), 403);
/// # Ok::<(), ActionError>(())
/// ```
#[derive(Clone)]
pub struct ActionSecrets(BTreeMap<String, Option<Zeroizing<String>>>);

impl ActionSecrets {
    /// The longest header value that is read, in bytes: 16 KiB.
    pub const MAX_LEN: usize = 16 * 1024;

    /// Reads the secrets from a request's header lines, pairs of name (in any case) and value. The header may stand
    /// more than once only if it says the same each time.
    ///
    /// # Errors
    /// [`ActionError::MissingSecrets`], [`ActionError::MalformedSecrets`] or [`ActionError::SecretsTooLarge`].
    pub fn read<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Result<Self, ActionError> {
        let mut first = None;
        for (name, value) in headers {
            if name.eq_ignore_ascii_case(SECRETS_HEADER) && *first.get_or_insert(value) != value {
                return Err(ActionError::MalformedSecrets);
            }
        }
        Self::parse(first.ok_or(ActionError::MissingSecrets)?)
    }

    /// Reads the value of the header alone. An empty value and `null` are as good as no header.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(value: &[u8]) -> Result<Self, ActionError> {
        if value.len() > Self::MAX_LEN {
            return Err(ActionError::SecretsTooLarge);
        }
        match header_text(value) {
            Cow::Borrowed(text) => parse(text),
            Cow::Owned(copy) => parse(&Zeroizing::new(copy)),
        }
    }

    /// The value under a key: a string's text, or the JSON text of a value of another type. It is what a person entered and
    /// may hold any character, also line breaks and NUL (a private key has some): check it before it goes into a header, a
    /// command or a query.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_ref().map(|value| value.as_str())
    }

    /// The keys that have a value, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key.as_str())
    }

    /// Whether the value under `key` is `expected`, compared in constant time.
    pub fn matches(&self, key: &str, expected: &Secret) -> bool {
        self.get(key).is_some_and(|value| expected.matches(value.as_bytes()))
    }

    /// Checks that every secret is there that the app cannot do without; `Manifest::required_secrets` lists those that
    /// its manifest requires.
    ///
    /// # Errors
    /// [`ActionError::ReinstallRequired`] with the keys of those that are missing or blank.
    pub fn require<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Result<(), ActionError> {
        let missing: Vec<String> = self.missing(keys).into_iter().map(str::to_owned).collect();
        if missing.is_empty() { Ok(()) } else { Err(ActionError::ReinstallRequired { missing }) }
    }

    /// Which of these keys have no value, or a blank one.
    pub fn missing<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
        keys.into_iter().filter(|key| self.get(key).is_none_or(|value| value.trim().is_empty())).collect()
    }
}

impl fmt::Debug for ActionSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.keys().collect();
        f.debug_struct("ActionSecrets").field("keys", &keys).finish_non_exhaustive()
    }
}

/// Values are cut out of the header's own text, so that no copy is made that would not be wiped.
type Raw<'a> = Vec<(String, Option<&'a RawValue>)>;

fn parse(text: &str) -> Result<ActionSecrets, ActionError> {
    let members = match text.trim_ascii() {
        "" | "null" => return Err(ActionError::MissingSecrets),
        array if array.starts_with('[') => pairs(array),
        object => serde_json::from_str(object).map(|Members(members)| members),
    };
    collect(members.map_err(|_| ActionError::MalformedSecrets)?)
}

fn collect(members: Raw<'_>) -> Result<ActionSecrets, ActionError> {
    let mut secrets = BTreeMap::new();
    for (key, value) in members {
        let value = match value.map(RawValue::get) {
            None | Some("null") => None,
            Some(json) => Some(text(json)?),
        };
        if secrets.insert(key, value).is_some() {
            return Err(ActionError::MalformedSecrets);
        }
    }
    Ok(ActionSecrets(secrets))
}

fn text(json: &str) -> Result<Zeroizing<String>, ActionError> {
    if !json.starts_with('"') {
        return Ok(Zeroizing::new(json.to_owned()));
    }
    serde_json::from_str(json).map(|Text(text)| text).map_err(|_| ActionError::MalformedSecrets)
}

fn pairs(array: &str) -> serde_json::Result<Raw<'_>> {
    let pairs: Vec<Pair<'_>> = serde_json::from_str(array)?;
    Ok(pairs.into_iter().map(|pair| (pair.key, pair.value)).collect())
}

#[derive(Deserialize)]
struct Pair<'a> {
    key: String,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

struct Members<'a>(Raw<'a>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        from.deserialize_map(InOrder)
    }
}

/// A string that goes straight into memory that is wiped.
struct Text(Zeroizing<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Wiped;

        impl Visitor<'_> for Wiped {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Zeroizing::new(text.to_owned())))
            }
        }

        from.deserialize_str(Wiped)
    }
}

#[cfg(test)]
mod tests;
