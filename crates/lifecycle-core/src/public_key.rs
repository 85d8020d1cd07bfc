//! Public keys: platforms whose signature anybody can check and only they can make.

use std::fmt;
use std::sync::Arc;

use ring::signature::{ED25519, UnparsedPublicKey};

use crate::rsa_key::RsaKey;
use crate::secret::KeyName;

/// A public key of a platform's, with the name that logs show.
#[derive(Clone, Eq, PartialEq)]
pub struct PublicKey {
    name: KeyName,
    id: Option<Arc<str>>,
    material: KeyMaterial,
}

#[derive(Clone, Eq, PartialEq)]
enum KeyMaterial {
    Ed25519([u8; 32]),
    Rsa(Arc<RsaKey>),
}

/// What a public key is a key of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeySort {
    Ed25519,
    Rsa,
}

impl KeySort {
    /// Several of it, in words.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519 public keys",
            Self::Rsa => "RSA public keys",
        }
    }
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
    /// [`InvalidPublicKey::Ed25519`] for anything else.
    pub fn ed25519(name: &str, hex: &str) -> Result<Self, InvalidPublicKey> {
        let mut bytes = [0; 32];
        if hex.len() != 64 || const_hex::decode_to_slice(hex, &mut bytes).is_err() {
            return Err(InvalidPublicKey::Ed25519);
        }
        Ok(Self::new(name, KeyMaterial::Ed25519(bytes)))
    }

    /// An RSA key of 2048 to 8192 bits from its PEM, as a platform's dashboard shows it and `openssl pkey -pubout` writes it.
    ///
    /// ```
    /// use lifecycle_core::{InvalidPublicKey, PublicKey};
    ///
    /// let private = "-----BEGIN PRIVATE KEY-----\nMIIEvgIB\n-----END PRIVATE KEY-----\n";
    /// assert_eq!(PublicKey::rsa_pem("dashboard", private), Err(InvalidPublicKey::Rsa));
    /// ```
    ///
    /// # Errors
    /// [`InvalidPublicKey::Rsa`] for anything else.
    pub fn rsa_pem(name: &str, pem: &str) -> Result<Self, InvalidPublicKey> {
        let key = RsaKey::from_pem(pem).ok_or(InvalidPublicKey::Rsa)?;
        Ok(Self::new(name, KeyMaterial::Rsa(Arc::new(key))))
    }

    /// A key of a set, by the name that tokens call it.
    pub(crate) fn rsa(id: &str, key: RsaKey) -> Self {
        Self::new(id, KeyMaterial::Rsa(Arc::new(key))).with_id(id)
    }

    /// The id by which tokens name this key (`kid`). It then proves those that do, and no others; a key without an id is tried
    /// whatever a token says. A signature that names no key, such as one by Ed25519, is tried with every key.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The name that logs show.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id by which tokens name it.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(crate) fn sort(&self) -> KeySort {
        match self.material {
            KeyMaterial::Ed25519(_) => KeySort::Ed25519,
            KeyMaterial::Rsa(_) => KeySort::Rsa,
        }
    }

    /// Whether its private key signed this.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            KeyMaterial::Ed25519(bytes) => {
                UnparsedPublicKey::new(&ED25519, bytes).verify(message, signature).is_ok()
            }
            KeyMaterial::Rsa(key) => key.verifies(message, signature),
        }
    }

    fn new(name: &str, material: KeyMaterial) -> Self {
        Self { name: KeyName::new(name), id: None, material }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.name).finish()
    }
}

/// The text is not a public key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPublicKey {
    /// Not one for Ed25519.
    #[error("an Ed25519 public key is 64 hex digits")]
    Ed25519,
    /// Not one for RS256.
    #[error("an RSA public key is a PEM that begins with BEGIN PUBLIC KEY, of 2048 to 8192 bits")]
    Rsa,
}
