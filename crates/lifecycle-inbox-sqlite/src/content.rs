//! Content: whether the file still holds what was written to it.
//!
//! The name of a file says nothing about a truncation. Its length does, until a checkpoint makes the file as long as before;
//! pages that were cut off and are not in the log are holes then, and the file occupies less of the disk than its length says.
//! So the length is compared at each check, and the holes after each checkpoint. What looks wrong is read by SQLite, which is
//! slow where a file is large, and exact.

use std::fmt::Write;
use std::fs::Metadata;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

/// How often, and after which pauses, content that looks wrong is read again: another process may be copying its log
/// into the file meanwhile.
const TRIES: (u32, Duration) = (20, Duration::from_millis(20));

/// The smallest page of SQLite, in bytes. Of a shorter file nothing is left, and SQLite deletes the log of an empty one.
const SMALLEST_PAGE: u64 = 512;

/// What is known about the content of the file.
pub(crate) struct Content {
    /// How SQLite is told to read the file alone, without its log and its locks.
    alone: String,
    length: AtomicU64,
    /// The bytes of holes up to which the file need not be read. Some file systems compress, or count late: so each time
    /// that holes turn out to be harmless, twice as many are allowed.
    harmless: AtomicU64,
    /// The same while the log holds what is not in the file yet.
    passing: AtomicU64,
    is_suspect: AtomicBool,
    seen: Mutex<Snapshot>,
}

/// What reading the database found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Condition {
    Whole,
    /// Pages are missing.
    Cut,
    /// Pages cannot be read, and nothing says that they were cut off.
    Damaged,
}

/// What the content was when it was last looked at.
#[derive(Default)]
struct Snapshot {
    at: Option<(u64, SystemTime)>,
    newest: Option<i64>,
}

impl Content {
    /// The content of a file that has just been opened.
    pub(crate) fn of(path: &Path, file: &Metadata) -> Self {
        Self {
            alone: alone(path),
            length: AtomicU64::new(file.len()),
            harmless: AtomicU64::new(holes(file) * 2),
            passing: AtomicU64::new(0),
            is_suspect: AtomicBool::new(false),
            seen: Mutex::default(),
        }
    }

    /// Whether there is no reason to read the file.
    pub(crate) fn seems_whole(&self, file: &Metadata) -> bool {
        let is_shorter = file.len() < self.length.load(Ordering::Relaxed);
        if is_shorter || self.is_suspect.load(Ordering::Relaxed) {
            return false;
        }
        self.length.fetch_max(file.len(), Ordering::Relaxed);
        true
    }

    /// Has the next check read the file.
    pub(crate) fn suspect(&self) {
        self.is_suspect.store(true, Ordering::Relaxed);
    }

    /// Whether the file has more holes than are known to be harmless. After a complete checkpoint there should be none; before,
    /// the page of a hole may be in the log.
    pub(crate) fn has_holes(&self, file: &Metadata) -> bool {
        holes(file) > self.harmless.load(Ordering::Relaxed)
    }

    /// Whether it has more than were harmless after earlier checkpoints that were not complete.
    pub(crate) fn has_more_holes(&self, file: &Metadata) -> bool {
        self.has_holes(file) && holes(file) > self.passing.load(Ordering::Relaxed)
    }

    /// The database was read, and is whole with so many holes.
    pub(crate) fn allow_for_now(&self, file: &Metadata) {
        self.passing.fetch_max(holes(file) * 2, Ordering::Relaxed);
    }

    /// Whether it had holes when it was opened; to be asked before any check.
    pub(crate) fn had_holes(&self) -> bool {
        self.harmless.load(Ordering::Relaxed) > 0
    }

    /// Reads what looks wrong, through a connection that is in no transaction.
    pub(crate) fn inspect(&self, file: &Metadata, connection: &Connection) -> rusqlite::Result<Condition> {
        let is_shorter = file.len() < self.length.load(Ordering::Relaxed);
        let is_suspect = self.is_suspect.load(Ordering::Relaxed) || self.has_holes(file);
        let is_whole = (!is_suspect && is_long_enough(file, connection)?) || is_whole(file, connection)?;
        if !is_whole {
            let is_cut = is_shorter || self.has_holes(file);
            return Ok(if is_cut { Condition::Cut } else { Condition::Damaged });
        }
        self.length.store(file.len(), Ordering::Relaxed);
        self.harmless.fetch_max(holes(file) * 2, Ordering::Relaxed);
        self.is_suspect.store(false, Ordering::Relaxed);
        Ok(Condition::Whole)
    }

    /// Deliveries have ids that only grow, also in the file alone: it is overwritten if it holds fewer than it did, or
    /// nothing that can be read. It is read again only when it has changed.
    pub(crate) fn is_overwritten(&self, file: &Metadata) -> bool {
        if !cfg!(unix) {
            return false;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let at = file.modified().ok().map(|modified| (file.len(), modified));
        if at.is_some() && seen.at == at {
            return false;
        }
        let (tries, pause) = TRIES;
        for _ in 0..tries {
            match newest(&self.alone) {
                Ok(newest) if newest >= seen.newest => {
                    *seen = Snapshot { at, newest };
                    return false;
                }
                Err(error) if error.sqlite_error_code() != Some(ErrorCode::NotADatabase) => {
                    // What looks damaged without its log may be whole with it: a process that was killed while it
                    // copied the log back leaves some pages of before and some of after.
                    return false;
                }
                Ok(_) | Err(_) => thread::sleep(pause),
            }
        }
        true
    }
}

/// Whether an error says that the database is damaged.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Reads all of the database, as the connection sees it: the file and what is in the log.
pub(crate) fn is_whole(file: &Metadata, connection: &Connection) -> rusqlite::Result<bool> {
    if file.len() < SMALLEST_PAGE {
        return Ok(false);
    }
    unless_damaged(|| {
        connection.execute_batch("PRAGMA shrink_memory")?; // or it would find in its cache what is no longer in the file
        connection.query_row("PRAGMA quick_check(1)", [], |row| Ok(row.get::<_, String>(0)? == "ok"))
    })
}

/// Whether all pages are within the file: then it is shorter since somebody made the database smaller.
fn is_long_enough(file: &Metadata, connection: &Connection) -> rusqlite::Result<bool> {
    let length = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    unless_damaged(|| {
        let length: i64 = connection.query_row(length, [], |row| row.get(0))?;
        Ok(u64::try_from(length).is_ok_and(|length| length <= file.len()))
    })
}

fn unless_damaged(read: impl FnOnce() -> rusqlite::Result<bool>) -> rusqlite::Result<bool> {
    read().or_else(|error| match error.sqlite_error_code() {
        _ if is_damage(&error) => Ok(false),
        // A table of the app's own may need a function or a collation that only the app's connections have.
        Some(ErrorCode::Unknown) => Ok(true),
        _ => Err(error),
    })
}

/// The bytes that are in no block of the file system.
fn holes(file: &Metadata) -> u64 {
    #[cfg(unix)]
    let allocated = std::os::unix::fs::MetadataExt::blocks(file) * 512;
    #[cfg(not(unix))]
    let allocated = u64::MAX;
    file.len().saturating_sub(allocated)
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
