//! Signing: how a platform signs what a fixture describes, by its writing half.
//!
//! That this signs right is proven apart from here, by the published vectors in `fixtures/vectors`.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lifecycle_core::{Platform, Proof, Secret};
use lifecycle_testing::{RSA_OTHER_TEST_KEY, RSA_TEST_KEY, Sender, SigningKeys, registry};
use sha2::{Digest, Sha256};

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
    /// The public key as if it were a secret: what a receiver would compute with that takes the algorithm from the token.
    Public,
    /// One that no receiver has.
    Unknown,
}

impl SecretName {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "current" => Some(Self::Current),
            "empty" => Some(Self::Empty),
            "previous" => Some(Self::Previous),
            "public" => Some(Self::Public),
            "unknown" => Some(Self::Unknown),
            _ => None,
        }
    }

    /// The keys themselves, and `None` for previous ones where the receiver has none, or where they are no keys.
    pub(crate) fn keys(self, platform: &Platform, credentials: &Credentials) -> Option<SigningKeys> {
        let text = match self {
            Self::Current => credentials.current.clone(),
            // HMAC fills a short key up with zeros, so this is the empty key, which `Secret` rightly refuses.
            Self::Empty => return Secret::new(vec![0]).ok().map(SigningKeys::from),
            Self::Previous => credentials.previous.clone()?,
            Self::Public => {
                let keys = SigningKeys::parse(platform, &credentials.current).ok()?;
                return Secret::new(keys.public_key()?.trim_end()).ok().map(SigningKeys::from);
            }
            Self::Unknown if platform.proof().uses_rsa() => RSA_OTHER_TEST_KEY.to_owned(),
            Self::Unknown => key(platform, UNKNOWN),
        };
        SigningKeys::parse(platform, &text).ok()
    }
}

/// A key of the form that this platform has, made of a text.
pub(crate) fn key(platform: &Platform, text: &str) -> String {
    match platform.proof() {
        _ if platform.proof().uses_rsa() => RSA_TEST_KEY.to_owned(),
        Proof::PublicKey(_) => const_hex::encode(Sha256::digest(text)),
        Proof::Hmac(scheme) if scheme.secret(text).is_err() => STANDARD.encode(Sha256::digest(text)),
        _ => text.to_owned(),
    }
}

/// The writing half of the platform with this name.
pub(crate) fn sender(platform: &str) -> Option<&'static Sender> {
    registry().iter().copied().find(|sender| sender.platform().name() == platform)
}

/// The value of the signature header, as the platform would send it at this time; `None` where a secret is missing or blank, or
/// where the platform signs nothing.
pub(crate) fn sign(
    platform: &Platform,
    keys: &SigningKeys,
    headers: &[(String, Vec<u8>)],
    body: &[u8],
    sent: SystemTime,
) -> Option<String> {
    if matches!(platform.proof(), Proof::Token(_)) {
        return None; // it signs claims, not bodies
    }
    let lower: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let lines: Vec<(&str, &[u8])> =
        lower.iter().map(String::as_str).zip(headers.iter().map(|(_, value)| value.as_slice())).collect();
    keys.signatures(platform, &lines, body, sent).into_iter().next().map(|(_, value)| value)
}
