//! Files: whether the names still lead to the files that were opened.
//!
//! An open file outlives its name. SQLite goes on writing to one that was deleted, moved or replaced, without an error,
//! and all of that is gone with the process. So the names are looked up again before anything is acknowledged: three
//! calls of `stat`, which are nothing beside a flush. Of a file that was overwritten where it is, its name tells nothing:
//! there the content is read, whenever the file has changed.

use std::fmt::{self, Write};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};
use std::{io, thread};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

/// How often, and after which pauses, content that looks wrong is read again: another process may be copying its log
/// into the file meanwhile.
const TRIES: (u32, Duration) = (20, Duration::from_millis(20));

/// The three files of a database, as they were when it was opened.
pub(crate) struct Files {
    /// By the name that was given.
    database: Name,
    /// By the name that a symbolic link led to; the others are beside it.
    target: Name,
    log: Name,
    index: Name,
    /// How SQLite is told to read the file alone, without its log and its locks.
    alone: String,
    length: AtomicU64,
    seen: Mutex<Seen>,
    loss: OnceLock<Loss>,
}

/// A name, and the file that it led to.
struct Name {
    path: PathBuf,
    opened: Identity,
}

/// What the content was when it was last looked at.
#[derive(Default)]
struct Seen {
    at: Option<(u64, SystemTime)>,
    newest: Option<i64>,
}

/// The files are not what was opened. Nothing heals that but opening them anew, for nobody knows what became of them
/// meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    text: String,
    is_overwritten: bool,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What tells a file from any other as long as it is open: the numbers of its file system and of its inode. Elsewhere
/// than on Unix, an open file cannot be replaced.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Identity {
    #[cfg(unix)]
    numbers: (u64, u64),
}

impl Identity {
    #[cfg(unix)]
    fn of(file: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { numbers: (file.dev(), file.ino()) }
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self {}
    }
}

impl Name {
    fn of(path: PathBuf) -> io::Result<Self> {
        let opened = Identity::of(&fs::metadata(&path)?);
        Ok(Self { path, opened })
    }

    fn is_kept(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|file| Identity::of(&file) == self.opened)
    }

    fn is_free(&self) -> bool {
        fs::metadata(&self.path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }
}

impl Files {
    /// The files of a database that has just been opened.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let target = fs::canonicalize(path)?;
        let beside = |suffix: &str| {
            let mut name = target.clone().into_os_string();
            name.push(suffix);
            Name::of(PathBuf::from(name))
        };
        Ok(Self {
            log: beside("-wal")?,
            index: beside("-shm")?,
            alone: alone(&target),
            database: Name::of(path.to_owned())?,
            target: Name::of(target)?,
            length: AtomicU64::new(0),
            seen: Mutex::default(),
            loss: OnceLock::new(),
        })
    }

    /// Whether all three names lead to what was opened. The connection is one of this database, and in no transaction.
    pub(crate) fn check(&self, connection: &Connection) -> Result<(), Loss> {
        if let Some(loss) = self.loss.get() {
            return Err(loss.clone());
        }
        self.look_up(&self.log, connection)?;
        self.look_up(&self.index, connection)?;
        let file = self.look_up(&self.database, connection)?;
        if self.length.swap(file.len(), Ordering::Relaxed) > file.len() {
            return self.look_inside(&file, connection);
        }
        Ok(())
    }

    /// The same, and whether the file still holds what was written to it.
    pub(crate) fn check_content(&self, connection: &Connection) -> Result<(), Loss> {
        self.check(connection)?;
        let file = self.look_up(&self.database, connection)?;
        self.look_inside(&file, connection)
    }

    /// Closes a connection. One that has lost its files must neither copy its log back nor delete one by its name.
    pub(crate) fn close(&self, connection: Connection) {
        if self.check_content(&connection).is_err() {
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
        drop(connection);
    }

    /// Once the files are lost: another may have been put in the place of the database since.
    pub(crate) fn spare_what_came(&self) {
        if let Some(loss) = self.loss.get() {
            self.set_aside(loss.is_overwritten);
        }
    }

    fn look_up(&self, name: &Name, connection: &Connection) -> Result<Metadata, Loss> {
        let what = match fs::metadata(&name.path) {
            Ok(file) if Identity::of(&file) == name.opened => return Ok(file),
            Ok(_) => "was replaced".to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => "was deleted or moved".to_owned(),
            Err(error) => format!("could not be looked up ({error})"),
        };
        Err(self.lose(&name.path, &what, false, connection))
    }

    /// Deliveries have ids that only grow, also in the file alone: it is overwritten if it holds fewer than it did, or
    /// nothing that can be read.
    fn look_inside(&self, file: &Metadata, connection: &Connection) -> Result<(), Loss> {
        if !cfg!(unix) {
            return Ok(());
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let at = file.modified().ok().map(|modified| (file.len(), modified));
        if at.is_some() && seen.at == at {
            return Ok(());
        }
        let (tries, pause) = TRIES;
        for _ in 0..tries {
            match newest(&self.alone) {
                Ok(newest) if newest >= seen.newest => {
                    *seen = Seen { at, newest };
                    return Ok(());
                }
                Err(error) if !is_damage(&error) => return Ok(()), // at the next look, and SQLite itself tells of what lasts
                Ok(_) | Err(_) => thread::sleep(pause),
            }
        }
        drop(seen);
        Err(self.lose(&self.database.path, "was overwritten", true, connection))
    }

    /// Tells it once, and leaves the files as well as can be.
    fn lose(&self, path: &Path, what: &str, is_overwritten: bool, connection: &Connection) -> Loss {
        let lose = || {
            let path = path.display();
            let text =
                format!("{path} {what} while it was in use: nothing is accepted until the app restarts");
            tracing::error!(target: "lifecycle::inbox", path = %path, "{text}");
            if self.target.is_kept() && !is_overwritten {
                self.rescue(connection);
            } else {
                self.set_aside(is_overwritten);
            }
            Loss { text, is_overwritten }
        };
        self.loss.get_or_init(lose).clone()
    }

    /// Where only the log lost its name, all that it holds still fits the database: it is copied back, unless somebody has
    /// begun another log.
    fn rescue(&self, connection: &Connection) {
        if !self.log.is_free() {
            return;
        }
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())) {
            tracing::error!(target: "lifecycle::inbox", error = %error, "could not copy the log back");
            return;
        }
        self.remove_index();
    }

    /// Whoever opens the file that stands there now must not find our log beside it: SQLite would take it for that file's
    /// own, and spoil it. Where none stands there, the log stays: it belongs to the file that was moved away.
    fn set_aside(&self, is_overwritten: bool) {
        if self.target.is_kept() && !is_overwritten {
            return;
        }
        self.remove_index();
        if self.target.is_free() || !self.log.is_kept() {
            return;
        }
        let mut aside = self.log.path.clone().into_os_string();
        aside.push(".orphan");
        let aside = PathBuf::from(aside);
        if fs::rename(&self.log.path, &aside).is_ok() {
            tracing::error!(
                target: "lifecycle::inbox",
                path = %aside.display(),
                "the log of the lost database was set aside, so that it does not spoil what stands there now"
            );
        }
    }

    fn remove_index(&self) {
        if self.index.is_kept() {
            let _ = fs::remove_file(&self.index.path);
        }
    }
}

/// The newest id that the file alone tells of; none where it has none yet.
fn newest(alone: &str) -> rusqlite::Result<Option<i64>> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(alone, flags)?;
    let table = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    if file.query_row(table, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    file.query_row("SELECT seq FROM sqlite_sequence WHERE name = 'lifecycle_keys'", [], |row| row.get(0))
        .optional()
}

/// Whether it is no database at all. One that looks damaged without its log may be whole with it: a process that was killed while
/// it copied the log back leaves some pages of before and some of after.
fn is_damage(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::NotADatabase)
}

/// It is opened and closed by SQLite, never by us: closing a file ends all locks that the process has on it.
fn alone(file: &Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in file.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            let _ = write!(uri, "%{byte:02x}");
        }
    }
    uri + "?immutable=1"
}
