//! Checkpoints: a thread copies the write-ahead log back into the file, so that no commit waits for that.
//!
//! The writer goes on writing meanwhile, so the copy is never complete and the log could not start again from its beginning.
//! Therefore the writer itself copies the little that is left, now and then, between two transactions. If the thread makes no
//! progress, a commit copies as SQLite does by default, once the log is very long; see `open`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::files::Files;

/// The log is copied after the first commit, for it may hold what a process left that has crashed; then after so many jobs
/// of the writer, and at the first commit after this time.
const COPY_AFTER: (usize, Duration) = (2_000, Duration::from_secs(1));

/// The log is to begin again at so many pages of 4 KiB, and at the first copy after this time. A short log takes no time
/// to read after a crash, and a flush of what overwrites a file takes less than one of what makes it longer. But each
/// time the writer flushes twice for nobody.
const RESTART_AFTER: (i64, Duration) = (20_000, Duration::from_secs(1));

/// How often it looks whether the file still holds what was written to it, beside each time before it copies.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The writer's side.
pub(crate) struct Checkpoints {
    wake: SyncSender<()>,
    wanted: Arc<Wanted>,
    files: Arc<Files>,
    jobs: usize,
    woken_at: Option<Instant>,
}

/// The thread's side. It ends when the writer does.
pub(crate) struct Checkpointer {
    connection: Connection,
    files: Arc<Files>,
    woken: Receiver<()>,
    wanted: Arc<Wanted>,
}

/// What the thread wants the writer to do after a commit.
#[derive(Default)]
struct Wanted {
    wake: AtomicBool,
    copy: AtomicBool,
}

/// Both sides; the connection is the thread's.
pub(crate) fn sides(connection: Connection, files: Arc<Files>) -> (Checkpoints, Checkpointer) {
    let (wake, woken) = sync_channel(1);
    let wanted = Arc::<Wanted>::default();
    let checkpoints =
        Checkpoints { wake, wanted: wanted.clone(), files: files.clone(), jobs: 0, woken_at: None };
    (checkpoints, Checkpointer { connection, files, woken, wanted })
}

impl Checkpoints {
    /// To be called after each commit, when all have their answers.
    pub(crate) fn committed(&mut self, connection: &Connection, jobs: usize) {
        if self.wanted.copy.swap(false, Ordering::Relaxed) {
            let _ = copy(connection, &self.files); // the thread tries again before long, and tells of errors
        }
        self.jobs += jobs;
        let (enough, time) = COPY_AFTER;
        let is_due = self.jobs >= enough || is_over(self.woken_at, time);
        if self.wanted.wake.swap(false, Ordering::Relaxed) || is_due {
            let _ = self.wake.try_send(()); // full: the thread has yet to hear the last one
            (self.jobs, self.woken_at) = (0, Some(Instant::now()));
        }
    }
}

impl Checkpointer {
    pub(crate) fn work(self) {
        let _ = self.files.check_opened(&self.connection);
        self.copy_on_call();
        self.files.close(self.connection);
    }

    fn copy_on_call(&self) {
        let mut restarted_at = None;
        let mut is_repeating = false;
        let mut is_complete = true;
        loop {
            let is_called = match self.woken.recv_timeout(LOOK_EVERY) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if self.files.check_content(&self.connection).is_err() || (is_complete && !is_called) {
                continue;
            }
            let Some(copied) = self.copy() else { continue };
            is_complete = copied.is_complete;
            let (enough, time) = RESTART_AFTER;
            if is_called && is_repeating {
                self.wanted.copy.store(true, Ordering::Relaxed);
                (is_repeating, restarted_at) = (false, Some(Instant::now()));
            } else if is_called && (copied.pages >= enough || is_over(restarted_at, time)) {
                // What was written meanwhile, once more; right after a commit. Until the next one there is nothing else in
                // the log, and only when it has copied all does SQLite flush the file: better here than in the writer.
                self.wanted.wake.store(true, Ordering::Relaxed);
                is_repeating = true;
            }
        }
    }

    /// Nothing if another process is copying, or it went wrong.
    fn copy(&self) -> Option<Checkpoint> {
        match copy(&self.connection, &self.files) {
            Ok(Some(copied)) if !copied.is_complete => {
                self.files.check_partly_copied(&self.connection).ok().map(|()| copied)
            }
            Ok(copied) => copied,
            Err(error) => {
                tracing::warn!(
                    target: "lifecycle::inbox",
                    error = %error,
                    "could not copy the write-ahead log into its file; it grows until that succeeds"
                );
                None
            }
        }
    }
}

fn is_over(since: Option<Instant>, time: Duration) -> bool {
    since.is_none_or(|since| since.elapsed() >= time)
}

/// What a checkpoint did.
struct Checkpoint {
    /// How many pages are in the log.
    pages: i64,
    /// Whether all of them are in the file too.
    is_complete: bool,
}

/// Copies what is in the log, without waiting for anybody. Does nothing where the file is lost, or another connection is
/// copying.
fn copy(connection: &Connection, files: &Files) -> rusqlite::Result<Option<Checkpoint>> {
    if files.check(connection).is_err() {
        return Ok(None); // what was put in the place of the file is not ours to write to
    }
    let mut checkpoint = connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    let copied = checkpoint.query_row([], |row| {
        let (is_busy, pages, copied): (bool, i64, i64) = row.try_into()?;
        Ok((!is_busy).then_some(Checkpoint { pages, is_complete: copied == pages }))
    });
    let copied = copied.inspect_err(|error| files.suspect_damage(error))?;
    let is_lost = copied.as_ref().is_some_and(|it| it.is_complete) && files.check_copied(connection).is_err();
    Ok(copied.filter(|_| !is_lost))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::os::unix::fs::FileExt;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::content;

    const PAGE: usize = 4096;

    /// A database of some hundred pages, of which a log of some ten holds changes to old ones and new ones.
    struct Scene {
        folder: TempDir,
        connection: Connection,
        files: Files,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("inbox.db");
            let connection = Connection::open(&path).unwrap();
            connection
                .execute_batch(
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0;
                     CREATE TABLE app (id INTEGER PRIMARY KEY, text BLOB);
                     WITH RECURSIVE ids (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < 40)
                     INSERT INTO app SELECT id, zeroblob(3000) FROM ids;
                     PRAGMA wal_checkpoint(TRUNCATE);",
                )
                .unwrap();
            let files = Files::of(&path).unwrap();
            let scene = Self { folder, connection, files };
            assert!(copy(&scene.connection, &scene.files).unwrap().unwrap().is_complete);
            let change = "UPDATE app SET text = zeroblob(3001) WHERE id % 9 = 0;
                          INSERT INTO app SELECT id + 40, text FROM app WHERE id < 4";
            scene.connection.execute_batch(change).unwrap();
            scene.files.check(&scene.connection).unwrap();
            scene
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("inbox.db")
        }

        fn length(&self) -> u64 {
            fs::metadata(self.path()).unwrap().len()
        }

        fn truncate(&self, length: u64) {
            OpenOptions::new().write(true).open(self.path()).unwrap().set_len(length).unwrap();
        }

        /// The pages that are in the log, each once, in the order in which a checkpoint writes them.
        fn logged(&self) -> Vec<u64> {
            let log = fs::read(self.folder.path().join("inbox.db-wal")).unwrap();
            let frames = log[32..].chunks(24 + PAGE);
            let mut pages: Vec<u64> =
                frames.map(|frame| u32::from_be_bytes(frame[..4].try_into().unwrap()).into()).collect();
            pages.sort_unstable();
            pages.dedup();
            pages
        }

        /// Whether the file alone, which is all that is left when the log starts again, is a whole database.
        fn is_whole(&self) -> bool {
            let alone = self.folder.path().join("alone.db");
            fs::copy(self.path(), &alone).unwrap();
            let connection = Connection::open(&alone).unwrap();
            content::is_whole(&fs::metadata(&alone).unwrap(), &connection).unwrap()
        }
    }

    /// What a checkpoint wrote before the truncation is lost as well, and what it writes afterwards makes the file as long as
    /// before. So each step is played by hand: SQLite copies everything, the file is truncated, and what SQLite would have
    /// written after that step is written again.
    #[test]
    fn a_truncation_at_any_step_of_a_checkpoint_is_noticed() {
        let (mut lost, mut kept) = (0, 0);
        let steps = Scene::new().logged().len() + 2;
        for step in 0..steps {
            for part in 0..4 {
                let scene = Scene::new();
                let pages = scene.logged();
                copy(&scene.connection, &scene.files).unwrap();
                let length = scene.length();
                let at = [0, PAGE as u64, length / 2, length - PAGE as u64][part];
                let copied = fs::read(scene.path()).unwrap();
                scene.truncate(at);
                let file = OpenOptions::new().write(true).open(scene.path()).unwrap();
                for page in pages.iter().skip(step) {
                    let offset = (page - 1) * PAGE as u64;
                    let start = usize::try_from(offset).unwrap();
                    file.write_all_at(&copied[start..start + PAGE], offset).unwrap();
                }
                if step <= pages.len() {
                    file.set_len(copied.len() as u64).unwrap(); // the last step of a checkpoint
                }
                drop(file);

                let found = scene.files.check_copied(&scene.connection);
                assert_eq!(
                    found.is_ok(),
                    scene.is_whole(),
                    "step {step}, truncated to {at} bytes: {found:?}"
                );
                if found.is_ok() { kept += 1 } else { lost += 1 }
            }
        }
        assert!(lost > steps && kept > steps / 2, "{lost} lost, {kept} kept");
    }

    #[test]
    fn a_truncation_before_a_checkpoint_stops_it() {
        for part in 0..3 {
            let scene = Scene::new();
            let at = [0, PAGE as u64, scene.length() / 2][part];
            scene.truncate(at);
            assert!(copy(&scene.connection, &scene.files).unwrap().is_none());
            assert_eq!(scene.length(), at, "nothing is written to it");
            assert!(scene.files.check(&scene.connection).is_err());
        }
    }

    #[test]
    fn a_truncation_between_the_check_and_the_copy_is_noticed() {
        for part in 0..3 {
            let scene = Scene::new();
            scene.truncate([0, PAGE as u64, scene.length() / 2][part]);
            // As another process copies, or this one whose check came just before.
            let copied = scene.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            copied.inspect_err(|error| scene.files.suspect_damage(error)).ok();
            assert!(scene.files.check_copied(&scene.connection).is_err());
        }
    }

    /// Another process has found out first, and has set the log aside.
    #[test]
    fn the_log_is_not_copied_into_what_was_put_into_the_file() {
        let scene = Scene::new();
        let other = scene.folder.path().join("other.db");
        let filled = "CREATE TABLE other (bytes); INSERT INTO other VALUES (zeroblob(200000))";
        Connection::open(&other).unwrap().execute_batch(filled).unwrap();
        let other = fs::read(&other).unwrap();
        fs::rename(scene.folder.path().join("inbox.db-wal"), scene.folder.path().join("orphan")).unwrap();
        fs::write(scene.path(), &other).unwrap();
        assert!(scene.files.check(&scene.connection).is_err());
        scene.files.close(scene.connection);
        assert!(fs::read(scene.folder.path().join("inbox.db")).unwrap() == other);
    }

    #[test]
    fn a_truncation_during_a_copy_that_leaves_pages_to_the_log_is_noticed() {
        let scene = Scene::new();
        let reader = Connection::open(scene.path()).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM app").unwrap();
        scene.connection.execute_batch("UPDATE app SET text = zeroblob(3002) WHERE id = 1").unwrap();
        let length = scene.length();
        scene.truncate(0);
        scene.truncate(length); // as the copy does in the end
        assert!(!copy(&scene.connection, &scene.files).unwrap().unwrap().is_complete);
        assert!(scene.files.check_partly_copied(&scene.connection).is_err());
    }

    /// The process was killed before it noticed, and started again.
    #[test]
    fn a_truncation_before_the_start_is_noticed() {
        let scene = Scene::new();
        let length = scene.length();
        scene.truncate(length / 2);
        scene.truncate(length); // as the copy did in the end
        let files = Files::of(&scene.path()).unwrap();
        assert!(files.check_opened(&scene.connection).is_err());
        let sound = Scene::new();
        Files::of(&sound.path()).unwrap().check_opened(&sound.connection).unwrap();
    }

    #[test]
    fn a_copy_that_leaves_pages_to_the_log_is_no_loss() {
        let scene = Scene::new();
        let reader = Connection::open(scene.path()).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM app").unwrap();
        let more = "INSERT INTO app SELECT id + 100, text FROM app; UPDATE app SET text = zeroblob(3002)";
        scene.connection.execute_batch(more).unwrap();
        assert!(!copy(&scene.connection, &scene.files).unwrap().unwrap().is_complete);
        scene.files.check_partly_copied(&scene.connection).unwrap();
        reader.execute_batch("COMMIT").unwrap();
        assert!(copy(&scene.connection, &scene.files).unwrap().unwrap().is_complete);
        scene.files.check(&scene.connection).unwrap();
    }
}
