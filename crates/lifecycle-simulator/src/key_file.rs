//! Key file: holds the key under which the database's secrets are sealed, readable for its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lifecycle_vault::Keyring;
use zeroize::Zeroizing;

use crate::error::Error;

/// Reads the key file, or makes one where `create` is set and there is none.
pub(crate) fn open(path: &Path, create: bool) -> Result<Keyring, Error> {
    let failed = |source| Error::Key { path: path.into(), source };
    let text = match File::open(path) {
        Ok(file) => {
            refuse_shared(path, &file.metadata().map_err(failed)?)?;
            Zeroizing::new(fs::read(path).map_err(failed)?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && create => make(path).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::KeyMissing(path.into())),
        Err(source) => return Err(failed(source)),
    };
    let key = std::str::from_utf8(text.trim_ascii()).map_err(|_| Error::KeyFormat(path.into()))?;
    Keyring::parse(&Zeroizing::new(format!("simulator:{key}"))).map_err(|_| Error::KeyFormat(path.into()))
}

fn make(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new([0; 32]);
    random(&mut *key);
    let text = Zeroizing::new((const_hex::encode(*key) + "\n").into_bytes());
    let mut file = private().create_new(true).open(path)?;
    file.write_all(&text)?;
    file.sync_all()?;
    // The name has to outlive a crash as well: without the key the database is lost.
    File::open(parent(path))?.sync_all()?;
    Ok(text)
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

    #[test]
    fn what_is_sealed_is_read_again_after_a_restart_and_under_no_other_key() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path().join("key");
        let sealed = open(&path, true).unwrap().seal_at(b"secret/1", b"hunter2").unwrap();
        let again = open(&path, false).unwrap();
        assert_eq!(again.open_at(b"secret/1", &sealed).unwrap().as_bytes(), b"hunter2");
        let foreign = open(&other.path().join("key"), true).unwrap();
        assert!(foreign.open_at(b"secret/1", &sealed).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        open(&path, true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(open(&path, false), Err(Error::KeyPermissions(_))));
    }

    #[test]
    fn a_missing_or_malformed_key_is_named_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(matches!(open(&path, false), Err(Error::KeyMissing(_))));
        for text in ["", "xyz", &"0".repeat(63), &"0".repeat(64), &"g".repeat(64)] {
            let _ = fs::remove_file(&path);
            private().create(true).truncate(true).open(&path).unwrap().write_all(text.as_bytes()).unwrap();
            assert!(matches!(open(&path, true), Err(Error::KeyFormat(_))), "{text:?}");
        }
    }
}
