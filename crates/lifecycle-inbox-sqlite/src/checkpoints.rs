//! Checkpoints: a thread of its own copies the write-ahead log back into the file, so that no commit waits for that.
//!
//! It copies beside the writer, who writes on meanwhile: so it is never done, and the log could not begin anew. Therefore
//! the writer itself copies the little that is left, now and then and between two transactions. Should the thread not
//! get anywhere, a commit copies as SQLite has it, once the log is very long; see `open`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::files::Files;

/// The log is copied after the first commit, for it may hold what a process left that has crashed; then after so many jobs
/// of the writer, and at the first commit after this time.
const COPY_AFTER: (usize, Duration) = (2_000, Duration::from_secs(1));

/// The log is to begin anew at so many pages of 4 KiB, and at the first copy after this time. A short log takes no time
/// to read after a crash, and a flush of what overwrites a file takes less than one of what makes it longer. But each
/// time the writer flushes twice for nobody.
const RESTART_AFTER: (i64, Duration) = (20_000, Duration::from_secs(1));

/// How often it looks whether the file still holds what was written to it, beside each time before it copies.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The writer's side.
pub(crate) struct Checkpoints {
    wake: SyncSender<()>,
    wanted: Arc<Wanted>,
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
    let checkpoints = Checkpoints { wake, wanted: wanted.clone(), jobs: 0, woken_at: None };
    (checkpoints, Checkpointer { connection, files, woken, wanted })
}

impl Checkpoints {
    /// To be called after each commit, when all have their answers.
    pub(crate) fn committed(&mut self, connection: &Connection, jobs: usize) {
        if self.wanted.copy.swap(false, Ordering::Relaxed) {
            let _ = copy(connection); // the thread tries again before long, and tells of errors
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
        self.copy_on_call();
        self.files.close(self.connection);
    }

    fn copy_on_call(&self) {
        let mut restarted_at = None;
        loop {
            match self.woken.recv_timeout(LOOK_EVERY) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.files.check_content(&self.connection);
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let Some(pages) = self.copy() else { continue };
            let (enough, time) = RESTART_AFTER;
            if pages < enough && !is_over(restarted_at, time) {
                continue;
            }
            // What was written meanwhile, once more; right after a commit. Until the next one there is nothing else in
            // the log, and only when it has copied all does SQLite flush the file: better here than in the writer.
            self.wanted.wake.store(true, Ordering::Relaxed);
            if self.woken.recv().is_err() {
                return;
            }
            if self.copy().is_some() {
                self.wanted.copy.store(true, Ordering::Relaxed);
                restarted_at = Some(Instant::now());
            }
        }
    }

    /// Tells how many pages are in the log, unless another process is copying it, or it went wrong.
    fn copy(&self) -> Option<i64> {
        self.files.check_content(&self.connection).ok()?; // what was put in the place of the file is not ours to write to
        match copy(&self.connection) {
            Ok(pages) => pages,
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

/// Copies what is in the log, without waiting for anybody. Tells how many pages that is, and nothing where another
/// connection is at it.
fn copy(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let mut checkpoint = connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    checkpoint.query_row([], |row| {
        let is_busy: bool = row.get(0)?;
        Ok(if is_busy { None } else { Some(row.get(1)?) })
    })
}
