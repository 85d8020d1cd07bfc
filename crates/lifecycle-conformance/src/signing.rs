//! Signing: how the sender signs, with the same scheme data as the receiver's core.
//!
//! That core signs right is proven apart from here, by the published vectors in `fixtures/vectors`.

use lifecycle_core::{Secret, SecretError, seismic};

use crate::target::Credentials;

/// A secret that no receiver is configured with.
const UNKNOWN: &str = "a-secret-that-nobody-was-told";

/// A secret, as fixtures name it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SecretName {
    /// The receiver's.
    Current,
    /// The empty key: what a receiver would compute with whose secret is unset.
    Empty,
    /// The receiver's from before the last rotation.
    Previous,
    /// One that no receiver has.
    Unknown,
}

impl SecretName {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "current" => Some(Self::Current),
            "empty" => Some(Self::Empty),
            "previous" => Some(Self::Previous),
            "unknown" => Some(Self::Unknown),
            _ => None,
        }
    }

    /// The secret itself, and `None` for a previous one where the receiver has none.
    fn secret(self, credentials: &Credentials) -> Option<Result<Secret, SecretError>> {
        Some(match self {
            Self::Current => Secret::new(credentials.current.as_str()),
            // HMAC fills a short key up with zeros, so this is the empty key, which `Secret` rightly refuses.
            Self::Empty => Secret::new(vec![0]),
            Self::Previous => Secret::new(credentials.previous.as_deref()?),
            Self::Unknown => Secret::new(UNKNOWN),
        })
    }
}

/// The signature in lower-case hex, as Seismic would send it; `None` where the secret is missing or blank.
pub(crate) fn sign(name: SecretName, credentials: &Credentials, body: &[u8]) -> Option<String> {
    let secret = name.secret(credentials)?.ok()?;
    Some(seismic::SCHEME.sign(&secret, &[], body))
}
