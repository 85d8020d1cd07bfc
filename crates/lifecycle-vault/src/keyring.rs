//! Keyring: seals secrets with XChaCha20-Poly1305 under named keys, of which the first is the current one.

use std::fmt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::seal::{SealContext, SealError, Sealer, TenantSecret};

/// The first byte of what this version seals.
const VERSION: u8 = 1;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Seals secrets with XChaCha20-Poly1305 under keys of 32 bytes, with a random nonce for each.
///
/// The keys are text: `id:key`, the key in hex or base64, several parted by spaces, commas or lines. The first one seals;
/// all of them open. So a key is replaced by putting a new one in front, running [`Vault::reseal`](crate::Vault::reseal),
/// and taking the old one away. Each id stands in the open beside what its key has sealed, so that a missing key has a
/// name. `openssl rand -hex 32` makes a key.
///
/// ```
/// use lifecycle_vault::{Keyring, KeyringError};
///
/// let old = "2025:9c0f3d0e4f7a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6071829304";
/// let new = "2026:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";
/// assert_eq!(Keyring::parse(&format!("{new}\n{old}"))?.ids().collect::<Vec<_>>(), ["2026", "2025"]);
/// assert!(matches!(Keyring::parse("2026:hunter2"), Err(KeyringError::NotAKey { nth: 1 })));
/// # Ok::<(), KeyringError>(())
/// ```
///
/// A sealed secret is: a version byte (1), the length of the id, the id, the nonce of 24 bytes, the ciphertext with its
/// tag. All before the nonce and the place are its associated data; the place of a tenant's secret is
/// [its context](SealContext::associated_data).
pub struct Keyring {
    keys: Vec<(String, XChaCha20Poly1305)>,
}

impl Keyring {
    /// The keys in this text.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        let mut keys: Vec<(String, XChaCha20Poly1305)> = Vec::new();
        for (nth, entry) in (1..).zip(entries) {
            let (id, key) = entry.split_once(':').ok_or(KeyringError::NotAKey { nth })?;
            if !is_id(id) {
                return Err(KeyringError::NotAKey { nth });
            }
            if keys.iter().any(|(other, _)| other == id) {
                return Err(KeyringError::SameId { nth });
            }
            let key = decode(key).ok_or(KeyringError::NotAKey { nth })?;
            let cipher = XChaCha20Poly1305::new_from_slice(key.as_slice())
                .map_err(|_| KeyringError::NotAKey { nth })?;
            keys.push((id.to_owned(), cipher));
        }
        if keys.is_empty() {
            return Err(KeyringError::Empty);
        }
        Ok(Self { keys })
    }

    /// The keys in this environment variable.
    pub fn from_env(variable: &str) -> Result<Self, KeyringError> {
        let text = std::env::var(variable).map_err(|_| KeyringError::NotSet(variable.to_owned()))?;
        Self::parse(&Zeroizing::new(text))
    }

    /// The keys in this file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyringError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| KeyringError::NotRead { path: path.to_owned(), error: error.kind() })?;
        Self::parse(&Zeroizing::new(text))
    }

    /// Seals bytes for one place only, which any bytes name: [`open_at`](Self::open_at) fails with any other.
    ///
    /// # Errors
    /// [`SealError::Unavailable`] when the operating system gives no random bytes.
    pub fn seal_at(&self, place: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let (id, cipher) = &self.keys[0]; // there is always one
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| SealError::Unavailable(error.into()))?;
        let mut sealed = head(id);
        let data = [&sealed, place].concat();
        let payload = Payload { msg: secret, aad: &data };
        let ciphertext = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::DoesNotOpen)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Opens what [`seal_at`](Self::seal_at) sealed for this place, with any of the keys.
    ///
    /// # Errors
    /// [`SealError::DoesNotOpen`], [`SealError::Malformed`] and [`SealError::UnknownKey`].
    pub fn open_at(&self, place: &[u8], sealed: &[u8]) -> Result<TenantSecret, SealError> {
        let (id, rest) = split(sealed).ok_or(SealError::Malformed)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Malformed)?;
        let (_, cipher) = self
            .keys
            .iter()
            .find(|(own, _)| own == id)
            .ok_or_else(|| SealError::UnknownKey(id.to_owned()))?;
        let data = [&head(id), place].concat();
        let payload = Payload { msg: ciphertext, aad: &data };
        let opened = cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::DoesNotOpen)?;
        Ok(TenantSecret::new(opened))
    }

    /// The ids of the keys; the first one seals.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(id, _)| id.as_str())
    }
}

#[async_trait]
impl Sealer for Keyring {
    async fn seal(&self, secret: &[u8], context: SealContext<'_>) -> Result<Vec<u8>, SealError> {
        self.seal_at(&context.associated_data(), secret)
    }

    async fn open(&self, sealed: &[u8], context: SealContext<'_>) -> Result<TenantSecret, SealError> {
        self.open_at(&context.associated_data(), sealed)
    }

    fn is_current(&self, sealed: &[u8]) -> bool {
        split(sealed).is_some_and(|(id, _)| id == self.keys[0].0)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("ids", &self.ids().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

/// Why there is no keyring. It never holds a part of a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// There is nothing in the text.
    #[error("there is no key: is the variable or file empty?")]
    Empty,
    /// This entry, counted from 1, is not `id:key`.
    #[error(
        "entry {nth} of the keys is not `id:key` with 32 bytes of key in hex or base64, not all the same; an id has up to 32 letters, digits, `-`, `_` or `.`"
    )]
    NotAKey {
        /// Counted from 1.
        nth: usize,
    },
    /// The file could not be read.
    #[error("the file of keys {path} could not be read: {error}")]
    NotRead {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::ErrorKind,
    },
    /// The environment variable is not set, or not text.
    #[error("the environment variable {0}, which holds the keys, is not set")]
    NotSet(String),
    /// The id of this entry, counted from 1, was there before.
    #[error("entry {nth} of the keys has the id of one before it")]
    SameId {
        /// Counted from 1.
        nth: usize,
    },
}

fn is_id(id: &str) -> bool {
    (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn decode(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if text.len() == 2 * KEY_BYTES {
        const_hex::decode_to_slice(text, key.as_mut_slice()).ok()?;
    } else {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let alphabet = if text.contains(['-', '_']) { alphabet::URL_SAFE } else { alphabet::STANDARD };
        let bytes = Zeroizing::new(GeneralPurpose::new(&alphabet, config).decode(text).ok()?);
        if bytes.len() != KEY_BYTES {
            return None;
        }
        key.copy_from_slice(&bytes);
    }
    let is_placeholder = key.iter().all(|byte| *byte == key[0]);
    (!is_placeholder).then_some(key)
}

fn head(id: &str) -> Vec<u8> {
    let length = u8::try_from(id.len()).unwrap_or(u8::MAX); // an id has at most 32 bytes
    let mut head = vec![VERSION, length];
    head.extend_from_slice(id.as_bytes());
    head
}

/// The id, and all behind it.
fn split(sealed: &[u8]) -> Option<(&str, &[u8])> {
    let [VERSION, length, rest @ ..] = sealed else { return None };
    let (id, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(id).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lifecycle_core::TenantKey;

    const HEX: &str = "9c0f3d0e4f7a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6071829304";

    fn seal(keyring: &Keyring, tenant: &TenantKey, name: &str) -> Vec<u8> {
        keyring.seal_at(&SealContext { tenant, name }.associated_data(), b"hunter2").unwrap()
    }

    fn open(
        keyring: &Keyring,
        sealed: &[u8],
        tenant: &TenantKey,
        name: &str,
    ) -> Result<TenantSecret, SealError> {
        keyring.open_at(&SealContext { tenant, name }.associated_data(), sealed)
    }

    #[test]
    fn a_key_is_wiped_when_it_is_dropped() {
        fn wipes<T: zeroize::ZeroizeOnDrop>() {}
        wipes::<XChaCha20Poly1305>();
        wipes::<Zeroizing<[u8; KEY_BYTES]>>();
    }

    #[test]
    fn a_secret_opens_where_it_was_sealed_and_nowhere_else() {
        let keyring = Keyring::parse(&format!("a:{HEX}")).unwrap();
        let tenant = TenantKey::new("p", "app", "t");
        let sealed = seal(&keyring, &tenant, "name");
        assert_eq!(open(&keyring, &sealed, &tenant, "name").unwrap().as_bytes(), b"hunter2");
        let others = [
            (TenantKey::new("q", "app", "t"), "name"),
            (TenantKey::new("p", "ap", "pt"), "name"),
            (TenantKey::new("p", "app", "u"), "name"),
            (TenantKey::new("p", "app", "tn"), "ame"),
            (tenant, "other"),
        ];
        for (other, name) in others {
            assert!(matches!(open(&keyring, &sealed, &other, name), Err(SealError::DoesNotOpen)));
        }
    }

    #[test]
    fn no_altered_byte_opens() {
        let keyring = Keyring::parse(&format!("a:{HEX}")).unwrap();
        let tenant = TenantKey::new("p", "app", "t");
        let sealed = seal(&keyring, &tenant, "name");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(open(&keyring, &altered, &tenant, "name").is_err(), "byte {at}");
            assert!(open(&keyring, &sealed[..at], &tenant, "name").is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let keyring = Keyring::parse(&format!("a:{HEX}")).unwrap();
        let tenant = TenantKey::new("p", "app", "t");
        assert_ne!(seal(&keyring, &tenant, "name"), seal(&keyring, &tenant, "name"));
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let old = Keyring::parse(&format!("old:{HEX}")).unwrap();
        let tenant = TenantKey::new("p", "app", "t");
        let sealed = seal(&old, &tenant, "name");
        let new_key = HEX.replace('9', "8");
        let both = Keyring::parse(&format!("new:{new_key}, old:{HEX}")).unwrap();
        assert!(open(&both, &sealed, &tenant, "name").is_ok());
        assert!(old.is_current(&sealed) && !both.is_current(&sealed));
        assert!(both.is_current(&seal(&both, &tenant, "name")));
        let new = Keyring::parse(&format!("new:{new_key}")).unwrap();
        let error = open(&new, &sealed, &tenant, "name").unwrap_err();
        assert!(matches!(&error, SealError::UnknownKey(id) if id == "old"), "{error}");
        let wrong = Keyring::parse(&format!("old:{new_key}")).unwrap();
        assert!(matches!(open(&wrong, &sealed, &tenant, "name"), Err(SealError::DoesNotOpen)));
    }

    #[test]
    fn a_key_reads_as_hex_and_as_both_kinds_of_base64() {
        let bytes: Vec<u8> = (200..232).collect();
        let standard = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes);
        assert!(standard.contains(['+', '/']) && url.contains(['-', '_']), "the alphabets differ");
        let hex = const_hex::encode_upper(&bytes);
        for text in [standard, url, hex] {
            assert_eq!(decode(&text).unwrap().as_slice(), bytes, "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_told_by_its_place_and_never_shown() {
        let zeros = "0".repeat(64);
        let short = &HEX[2..];
        let entries = [
            HEX,
            "hunter2",
            "id:hunter2",
            &format!("id:{zeros}"),
            &format!("id:{short}"),
            &format!(":{HEX}"),
        ];
        for entry in entries {
            let error = Keyring::parse(&format!("first:{HEX} {entry}")).unwrap_err();
            assert!(matches!(error, KeyringError::NotAKey { nth: 2 }), "{error}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2") && !shown.contains(short), "{shown}");
        }
        let twice = Keyring::parse(&format!("a:{HEX} a:{HEX}")).unwrap_err();
        assert!(matches!(twice, KeyringError::SameId { nth: 2 }));
        assert!(matches!(Keyring::parse(" \n"), Err(KeyringError::Empty)));
        assert!(matches!(Keyring::from_env("NO_SUCH_KEYS"), Err(KeyringError::NotSet(_))));
        assert!(matches!(Keyring::from_file("/no/such/file"), Err(KeyringError::NotRead { .. })));
        let keyring = Keyring::parse(&format!("a:{HEX}")).unwrap();
        assert_eq!(format!("{keyring:?}"), r#"Keyring { ids: ["a"], .. }"#);
    }
}
