//! Public keys: platforms whose signature anybody can check and only they can make.

use std::fmt;
use std::sync::Arc;

use ring::signature::{ED25519, UnparsedPublicKey};

use crate::head::HeaderNames;
use crate::rejection::Rejection;
use crate::scheme::{Scheme, find};
use crate::secret::KeyName;
use crate::signature::Presented;

/// How a platform signs with a private key: by Ed25519 (RFC 8032), over what, written how, in which headers.
///
/// The algorithm is the platform's. No request chooses it.
#[derive(Clone, Copy, Debug)]
pub struct PublicScheme(Scheme);

impl PublicScheme {
    /// The bytes of an Ed25519 signature.
    pub(crate) const LENGTH: usize = 64;

    /// Ed25519 over the parts that the scheme signs.
    pub const fn ed25519(scheme: Scheme) -> Self {
        Self(scheme)
    }

    /// Which header has the signature, and what it covers.
    pub const fn scheme(&self) -> &Scheme {
        &self.0
    }

    /// The header value that this platform would send, signed by whoever holds its private key: for tests and tools. Headers and
    /// fields are given as to [`Scheme::sign`].
    pub fn sign_with(
        &self,
        headers: &[(&str, &[u8])],
        body: &[u8],
        sign: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> String {
        let find = |name: &str| find(headers, name);
        self.0.write(find, &sign(&self.message(find, find, body)))
    }

    /// What is signed, in one piece, as the signature covers one.
    fn message<'h, 'f>(
        &self,
        header: impl Fn(&str) -> &'h [u8],
        field: impl Fn(&str) -> &'f [u8],
        body: &[u8],
    ) -> Vec<u8> {
        let mut message = Vec::with_capacity(body.len() + 128);
        self.0.message(header, field, body, |part| message.extend_from_slice(part));
        message
    }

    pub(crate) const fn header_names(&self) -> HeaderNames {
        self.0.header_names()
    }
}

/// A public key of a platform's, with the name that logs show.
#[derive(Clone, Eq, PartialEq)]
pub struct PublicKey {
    name: KeyName,
    bytes: [u8; 32],
}

impl PublicKey {
    /// An Ed25519 key from its 64 hex digits.
    ///
    /// ```
    /// use lifecycle_core::PublicKey;
    ///
    /// let shown = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    /// assert!(PublicKey::ed25519("portal", shown).is_ok());
    /// assert!(PublicKey::ed25519("portal", &shown[1..]).is_err());
    /// ```
    ///
    /// # Errors
    /// [`InvalidPublicKey`] for anything else.
    pub fn ed25519(name: &str, hex: &str) -> Result<Self, InvalidPublicKey> {
        let mut bytes = [0; 32];
        if hex.len() != 64 || const_hex::decode_to_slice(hex, &mut bytes).is_err() {
            return Err(InvalidPublicKey);
        }
        Ok(Self { name: KeyName::new(name), bytes })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.name).finish()
    }
}

/// The text is not a public key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an Ed25519 public key is 64 hex digits")]
pub struct InvalidPublicKey;

/// The public keys that a verifier accepts: normally one; two or more during rotation. There is always at least one.
#[derive(Clone, Debug)]
pub struct KeySet(Arc<[PublicKey]>);

impl KeySet {
    /// Adds a key that is accepted too.
    #[must_use]
    pub fn or(self, key: PublicKey) -> Self {
        Self(self.0.iter().cloned().chain([key]).collect())
    }
}

impl From<PublicKey> for KeySet {
    fn from(key: PublicKey) -> Self {
        Self([key].into())
    }
}

/// Finds the key and the header that prove the bytes.
pub(crate) fn verify<'k, 'v>(
    scheme: &PublicScheme,
    keys: &'k KeySet,
    presented: &Presented,
    header: impl Fn(&str) -> &'v [u8],
    body: &[u8],
) -> Result<(&'k KeyName, &'static str), Rejection> {
    let message = scheme.message(header, |_| presented.field().as_bytes(), body);
    for key in keys.0.iter() {
        let verifying = UnparsedPublicKey::new(&ED25519, key.bytes);
        for (header, signature) in presented.candidates() {
            if verifying.verify(&message, signature).is_ok() {
                return Ok((&key.name, header));
            }
        }
    }
    Err(Rejection::SignatureMismatch)
}
