//! Opening a file: its connections, and what can be wrong with it.

use std::cell::Cell;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{io, thread};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{deliveries, schema};

/// How long a transaction waits for another process to end its own.
const BUSY: Duration = Duration::from_secs(4);

/// After how many pages of 4 KiB a commit copies the log back into the file, and waits for it: the fallback of
/// [`checkpoints`](crate::checkpoints), which do so sooner.
const CHECKPOINT_PAGES: u32 = 40_000;

/// The writer's cache, in KiB. The index of keys is hit all over: of ten million, its inner pages alone are 4 MiB.
const WRITER_CACHE: u32 = 16_384;

/// Why a file cannot be an inbox. Nothing was changed in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process holds the file in a way that lets no one else in.
    #[error("{} is locked by another process", .0.display())]
    Locked(PathBuf),
    /// The file is of a newer release: upgrade this program.
    #[error("{} has schema version {found}, and this program knows {known} at most: use a newer release", .path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// This release's.
        known: i64,
    },
    /// The folder that the file is to be in does not exist.
    #[error("there is no folder {}", .0.display())]
    NoFolder(PathBuf),
    /// It is a file of another kind, a folder, or damaged at its very beginning.
    #[error("{} is not an SQLite database", .0.display())]
    NotADatabase(PathBuf),
    /// The process has to read and write the file, and to create files beside it.
    #[error("no permission to read and write {}, or to create files beside it", .0.display())]
    NotPermitted(PathBuf),
    /// The database stores text in another encoding, and so in another order.
    #[error("{} stores text as {encoding}: make a new file", .path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Its encoding.
        encoding: String,
    },
    /// The file is of an older release, or new, and was to be opened as it is: migrate it.
    #[error("{} has schema version {found}, and this program needs {known}: migrate it first", .path.display())]
    OlderSchema {
        /// The file.
        path: PathBuf,
        /// Its version; 0 is none.
        found: i64,
        /// This release's.
        known: i64,
    },
    /// The file or its file system can only be read.
    #[error("{} is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// Anything else: a disk that is full or broken, a file system without shared memory.
    #[error("{} cannot be opened: {why}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system or SQLite says.
        why: String,
    },
    /// Not the URL of a file; see [`path_from_url`](crate::path_from_url).
    #[error("the database URL cannot be used: {0}")]
    Url(String),
}

/// What to do about a schema that is older than this release's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Older {
    Migrate,
    Refuse,
}

/// Opens the writer's connection, with the schema of this release.
pub(crate) fn open(path: &Path, older: Older) -> Result<Connection, OpenError> {
    let is_new = older == Older::Migrate && create(path)?;
    if !is_new {
        refuse_lost(path)?;
    }
    let explain = |error| explain(path, &error);
    let mut connection = connect(path).map_err(explain)?;
    let found = schema::version(&connection).map_err(explain)?;
    let known = schema::KNOWN;
    if found > known {
        return Err(OpenError::NewerSchema { path: path.to_owned(), found, known });
    }
    if found < known && older == Older::Refuse {
        return Err(OpenError::OlderSchema { path: path.to_owned(), found, known });
    }
    let encoding: String = connection.query_row("PRAGMA encoding", [], |row| row.get(0)).map_err(explain)?;
    if encoding != "UTF-8" {
        return Err(OpenError::NotUtf8 { path: path.to_owned(), encoding });
    }
    log_ahead(&connection, path)?;
    connection.execute_batch(&format!("PRAGMA cache_size = -{WRITER_CACHE}")).map_err(explain)?;
    if older == Older::Migrate {
        schema::migrate(&mut connection).map_err(explain)?;
    }
    // A write: a file that can only be read was let through so far.
    deliveries::find_heads(&connection).map_err(explain)?;
    #[cfg(unix)]
    warn_of_other_readers(path);
    Ok(connection)
}

/// Opens a connection that only reads, to a file that [`open`] has opened.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(path).map_err(|error| explain(path, &error))?;
    connection.execute_batch("PRAGMA query_only = ON").map_err(|error| explain(path, &error))?;
    // From its first read on it has a part in the log, which then is there until it is closed.
    schema::version(&connection).map_err(|error| explain(path, &error))?;
    Ok(connection)
}

/// A new file holds payloads and sealed secrets: only the process's user reads it. SQLite gives its other files the
/// same permissions. Tells whether there was none.
fn create(path: &Path) -> Result<bool, OpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let path = || path.to_owned();
    match options.open(path()) {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(false),
            io::ErrorKind::NotFound => {
                Err(OpenError::NoFolder(path().parent().map(Path::to_owned).unwrap_or_default()))
            }
            io::ErrorKind::PermissionDenied => Err(OpenError::NotPermitted(path())),
            io::ErrorKind::ReadOnlyFilesystem => Err(OpenError::ReadOnly(path())),
            _ => Err(OpenError::Unusable { path: path(), why: error.to_string() }),
        },
    }
}

/// Refuses a file that was truncated to nothing while its log was not: SQLite would delete the log, and begin a new database.
/// The log is looked at first, since another process may be creating both.
fn refuse_lost(path: &Path) -> Result<(), OpenError> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut log = target.clone().into_os_string();
    log.push("-wal");
    if length(Path::new(&log)) == 0 || length(&target) > 0 {
        return Ok(());
    }
    let why =
        "it is empty, and its log (-wal) is not: put the right file in place, or remove the log".to_owned();
    Err(OpenError::Unusable { path: path.to_owned(), why })
}

/// A file that was there already may be open to others on purpose, such as a group that makes backups: so it is told, not
/// changed.
#[cfg(unix)]
fn warn_of_other_readers(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = std::fs::metadata(path) else { return };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        tracing::warn!(
            target: "lifecycle::inbox",
            path = %path.display(), mode = format!("{mode:o}"),
            "other users of the machine may open this file, which holds payloads: chmod 600, unless that is meant"
        );
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    wait_for_others(&mut connection)?;
    connection.set_prepared_statement_cache_capacity(64);
    // What a large transaction can take back stays in memory: payloads belong into no other file, and a container may have no
    // folder for temporary ones.
    let settings = "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;";
    connection.execute_batch(settings)?;
    connection.query_row(&format!("PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}"), [], |_| Ok(()))?;
    Ok(connection)
}

/// The newer versions of `rusqlite` ask for `&mut`, the older ones do not: a `mut` of its own would be one too many there.
fn wait_for_others(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(wait))
}

/// Waits for another process's transaction. SQLite's own waits grow to 100 ms, in which a busy process begins its next
/// one: the other would never have its turn.
fn wait(tries: i32) -> bool {
    thread_local!(static BEGAN: Cell<Instant> = Cell::new(Instant::now()));
    if tries == 0 {
        BEGAN.set(Instant::now());
    }
    let goes_on = BEGAN.get().elapsed() < BUSY;
    if goes_on {
        thread::sleep(Duration::from_millis(1));
    }
    goes_on
}

/// Writes go to a log beside the file, so that a commit is one flush and readers do not wait.
fn log_ahead(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(|error| explain(path, &error))?;
    if mode != "wal" {
        let why = format!("its file system allows no write-ahead log (journal mode {mode})");
        return Err(OpenError::Unusable { path: path.to_owned(), why });
    }
    Ok(())
}

fn explain(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked(path),
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase(path),
        Some(ErrorCode::ReadOnly) => OpenError::ReadOnly(path),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) if path.is_dir() => {
            OpenError::NotADatabase(path)
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) if !path.exists() => {
            OpenError::Unusable { path, why: "there is no such file".to_owned() }
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => OpenError::NotPermitted(path),
        _ => OpenError::Unusable { path, why: error.to_string() },
    }
}
