//! Files: whether the names still lead to the files that were opened, and what becomes of the files when they do not.
//!
//! An open file outlives its name. SQLite goes on writing to one that was deleted, moved or replaced, without an error,
//! and all of that is gone with the process. So the names are looked up again before anything is acknowledged: three
//! calls of `stat`, which cost nothing compared with a flush. What the file holds is for [`Content`] to tell.

use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::content::{self, Condition, Content};

/// The three files of a database, as they were when it was opened.
pub(crate) struct Files {
    /// By the name that was given.
    database: Name,
    /// By the name that a symbolic link led to; the others are beside it.
    target: Name,
    log: Name,
    index: Name,
    content: Content,
    inspection: Mutex<()>,
    loss: OnceLock<Loss>,
}

/// A name, and the file that it led to.
struct Name {
    path: PathBuf,
    opened: Identity,
}

/// The files are not what was opened. Only opening them again helps, for nobody knows what became of them
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
            content: Content::of(&target, &fs::metadata(&target)?),
            database: Name::of(path.to_owned())?,
            target: Name::of(target)?,
            inspection: Mutex::default(),
            loss: OnceLock::new(),
        })
    }

    /// Whether all three names lead to what was opened, and nothing says that the file holds something else. The connection is
    /// one of this database, and in no transaction.
    pub(crate) fn check(&self, connection: &Connection) -> Result<(), Loss> {
        if let Some(loss) = self.loss.get() {
            return Err(loss.clone());
        }
        self.look_up(&self.log, connection)?;
        self.look_up(&self.index, connection)?;
        let file = self.look_up(&self.database, connection)?;
        if self.content.seems_whole(&file) { Ok(()) } else { self.inspect(connection) }
    }

    /// The same, and whether the file still holds what was written to it.
    pub(crate) fn check_content(&self, connection: &Connection) -> Result<(), Loss> {
        self.check(connection)?;
        let file = self.look_up(&self.database, connection)?;
        if self.content.is_overwritten(&file) {
            return Err(self.lose(&self.database.path, "was overwritten", true, connection));
        }
        Ok(())
    }

    /// The same after a complete checkpoint, in which the file may have been truncated: then it has holes.
    pub(crate) fn check_copied(&self, connection: &Connection) -> Result<(), Loss> {
        if self.content.has_holes(&self.look_up(&self.database, connection)?) {
            self.content.suspect();
        }
        self.check(connection)
    }

    /// The same after one that was not complete: holes are less of a reason then, so nobody waits while the file is read.
    pub(crate) fn check_partly_copied(&self, connection: &Connection) -> Result<(), Loss> {
        let file = self.look_up(&self.database, connection)?;
        if !self.content.has_more_holes(&file) {
            return Ok(());
        }
        match content::is_whole(&file, connection) {
            Ok(true) => self.content.allow_for_now(&file),
            Ok(false) => return Err(self.lose(&self.database.path, "was truncated", true, connection)),
            Err(_) => {} // the next time
        }
        Ok(())
    }

    /// The same for a file that has just been opened, and may have been truncated before. Nobody waits here either: some file systems
    /// compress, and show holes in every file.
    pub(crate) fn check_opened(&self, connection: &Connection) -> Result<(), Loss> {
        let file = self.look_up(&self.database, connection)?;
        if self.content.had_holes() && content::is_whole(&file, connection).is_ok_and(|whole| !whole) {
            return Err(self.lose(&self.database.path, "was damaged", false, connection));
        }
        Ok(())
    }

    /// Has the next check read the file, if this error says that it is damaged.
    pub(crate) fn suspect_damage(&self, error: &rusqlite::Error) {
        if content::is_damage(error) {
            self.content.suspect();
        }
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

    /// Reads the file, for all threads that ask: nothing is acknowledged meanwhile.
    fn inspect(&self, connection: &Connection) -> Result<(), Loss> {
        let inspection = self.inspection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loss) = self.loss.get() {
            return Err(loss.clone());
        }
        let file = self.look_up(&self.database, connection)?;
        if self.content.seems_whole(&file) {
            return Ok(()); // another thread has read it
        }
        let state = self.content.inspect(&file, connection);
        drop(inspection);
        let path = &self.database.path;
        match state {
            Ok(Condition::Whole) => Ok(()),
            Ok(Condition::Cut) => Err(self.lose(path, "was truncated", true, connection)),
            Ok(Condition::Damaged) => Err(self.lose(path, "was damaged", false, connection)),
            Err(error) => {
                let text = format!("{} cannot be read: {error}", path.display());
                Err(Loss { text, is_overwritten: false }) // not for ever: the next check tries again
            }
        }
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
    /// begun another log. Another process may also have set the log aside, since the file holds something else.
    fn rescue(&self, connection: &Connection) {
        let Ok(file) = fs::metadata(&self.target.path) else { return };
        let is_ours = || {
            !self.content.is_overwritten(&file)
                && content::is_whole(&file, connection).is_ok_and(|whole| whole)
        };
        if !self.log.is_free() || !is_ours() {
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
