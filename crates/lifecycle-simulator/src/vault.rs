//! Vault: seals the secrets that the database holds, under a key that lies in a file of its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::error::Error;

/// The first byte of what is sealed, so that another form may follow one day.
const FORM: u8 = 1;
const NONCE: usize = 24;

/// XChaCha20-Poly1305 under the master key. Sealed: form, random nonce, ciphertext with its tag.
pub(crate) struct Vault(XChaCha20Poly1305);

/// The sealed bytes are damaged, were sealed under another key, or stand in another place than they were sealed for.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Unreadable;

impl Vault {
    /// Reads the key file, or makes one where `create` is set and there is none.
    pub(crate) fn open(path: &Path, create: bool) -> Result<Self, Error> {
        let failed = |source| Error::Key { path: path.into(), source };
        match File::open(path) {
            Ok(file) => {
                refuse_shared(path, &file.metadata().map_err(failed)?)?;
                let text = Zeroizing::new(fs::read(path).map_err(failed)?);
                let mut key = Zeroizing::new([0; 32]);
                const_hex::decode_to_slice(text.trim_ascii(), &mut *key)
                    .map_err(|_| Error::KeyFormat(path.into()))?;
                Ok(Self(XChaCha20Poly1305::new((&*key).into())))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && create => Self::create(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::KeyMissing(path.into())),
            Err(source) => Err(failed(source)),
        }
    }

    /// Seals for one place: `place` names the row and the field, so that sealed values cannot be swapped.
    pub(crate) fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        random(&mut nonce);
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed =
            self.0.encrypt(&XNonce::from(nonce), payload).expect("a secret is far below the cipher's limit");
        [&[FORM][..], &nonce, &sealed].concat()
    }

    pub(crate) fn unseal(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        let (&form, rest) = sealed.split_first().ok_or(Unreadable)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(Unreadable)?;
        if form != FORM {
            return Err(Unreadable);
        }
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        self.0.decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| Unreadable)
    }

    fn create(path: &Path) -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; 32]);
        random(&mut *key);
        let text = Zeroizing::new(const_hex::encode(*key) + "\n");
        let write = || {
            let mut file = private().create_new(true).open(path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            // The name has to outlive a crash as well: without the key the database is lost.
            File::open(parent(path))?.sync_all()
        };
        write().map_err(|source| Error::Key { path: path.into(), source })?;
        Ok(Self(XChaCha20Poly1305::new((&*key).into())))
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(redacted)")
    }
}

/// Fills bytes from the system's source of random numbers.
pub(crate) fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has random numbers");
}

/// To write a file that only its owner may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn parent(path: &Path) -> PathBuf {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

#[cfg(unix)]
fn refuse_shared(path: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(Error::KeyPermissions(path.into()));
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "files have no mode here")]
fn refuse_shared(_: &Path, _: &fs::Metadata) -> Result<(), Error> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> (tempfile::TempDir, Vault) {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(&folder.path().join("key"), true).unwrap();
        (folder, vault)
    }

    #[test]
    fn what_is_sealed_is_read_again_after_a_restart_and_only_in_its_place() {
        let (folder, vault) = vault();
        let sealed = vault.seal("secret/1", b"hunter2");
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        let again = Vault::open(&folder.path().join("key"), false).unwrap();
        assert_eq!(&**again.unseal("secret/1", &sealed).unwrap(), b"hunter2");
        assert_eq!(again.unseal("secret/2", &sealed), Err(Unreadable));
        assert_ne!(sealed, vault.seal("secret/1", b"hunter2"), "each time under another nonce");
    }

    #[test]
    fn damaged_or_foreign_bytes_are_unreadable() {
        let (_folder, own) = vault();
        let (_other, foreign) = vault();
        let sealed = own.seal("p", b"hunter2");
        assert_eq!(foreign.unseal("p", &sealed), Err(Unreadable));
        for position in [0, 1, 24, 25, sealed.len() - 1] {
            let mut damaged = sealed.clone();
            damaged[position] ^= 1;
            assert_eq!(own.unseal("p", &damaged), Err(Unreadable), "byte {position}");
        }
        for length in [0, 1, 24, 25, 40] {
            assert_eq!(own.unseal("p", &sealed[..length]), Err(Unreadable), "{length} bytes");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, _) = vault();
        let path = folder.path().join("key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Vault::open(&path, false), Err(Error::KeyPermissions(_))));
    }

    #[test]
    fn a_missing_or_malformed_key_is_named_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(matches!(Vault::open(&path, false), Err(Error::KeyMissing(_))));
        for text in ["", "xyz", &"0".repeat(63), &"g".repeat(64)] {
            let _ = fs::remove_file(&path);
            private().create(true).truncate(true).open(&path).unwrap().write_all(text.as_bytes()).unwrap();
            assert!(matches!(Vault::open(&path, true), Err(Error::KeyFormat(_))), "{text:?}");
        }
    }
}
