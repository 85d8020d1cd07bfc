//! `SqliteEngine`: the inbox in an SQLite file.

mod deliveries;
mod installations;
mod secrets;

use std::fmt;
use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lifecycle_inbox::{EngineError, Notifier};
use rusqlite::Connection;
use tokio::sync::watch;

use crate::checkpoints;
use crate::files::Files;
use crate::handler::TransactionalHandler;
use crate::job::{Answer, Job, JobResult, Notifications, job};
use crate::open::{self, Older, OpenError};
use crate::readers;
use crate::runner::SqliteRunner;
use crate::writer::Writer;

/// The most jobs that wait for the writer. One more is refused at once: the caller is better off trying again.
const QUEUE: usize = 1_024;

/// The threads that read.
const READERS: usize = 2;

/// How long anything may take, also when the disk hangs.
const LIMIT: Duration = Duration::from_secs(5);

const NOT_IN_TIME: &str = "the database did not answer in time";

/// An inbox in an SQLite file, with no server to run.
///
/// One thread writes. All that waits for it shares one transaction and so one flush to the disk: under load, callbacks
/// are acknowledged many times faster than the disk can flush. What was acknowledged survives the crash of the process
/// and of the machine (write-ahead log, `synchronous=FULL`). Other processes on the same machine may use the same file
/// at the same time; they hear of each other's work within a quarter of a second. Do not put the file on a network file
/// system: SQLite's locks do not hold there.
///
/// | what | limit |
/// | --- | --- |
/// | writes that wait | 1024; the next fails at once |
/// | a write or a read | 5 s, then it fails; one that was not begun is taken back |
/// | another process's transaction | 4 s, then what waited for it fails |
///
/// Clones share the file. The threads end when the last clone is gone; who has to know when that is, and that the file is
/// whole then, calls [`close`](Self::close).
///
/// # Where the file goes away
///
/// The file, its `-wal` and its `-shm` must not be deleted, moved, replaced, overwritten or truncated while the engine is open. If
/// that happens, nothing more is acknowledged: all operations fail from then on, [`check`](lifecycle_inbox::Engine::check) too,
/// and one event at level `ERROR` names the path, at the latest after half a second. The same holds when SQLite finds a page that
/// it cannot read. Put the right file in place and restart the program.
///
/// What stands in the place of the file is not written to; a log that would spoil it is renamed to `-wal.orphan`. Where only
/// `-wal` is gone, what was acknowledged is copied from it into the file.
///
/// Two things may be noticed later, when a page is read that is lost or of the other file: another inbox that is copied *into* the
/// file and holds as many deliveries; and a truncation at the very moment in which the log is copied back, on a file system that does
/// not tell at once how much of a file is allocated (XFS, or one that compresses).
///
/// ```
/// use lifecycle_inbox::Store;
/// use lifecycle_inbox_sqlite::SqliteEngine;
///
/// # use lifecycle_core::{LifecycleHandler, run_handler};
/// # struct Seats;
/// # impl LifecycleHandler for Seats {}
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("inbox.db");
/// # let body = r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r"}"#;
/// # let delivery = lifecycle_testing::delivery(&lifecycle_core::seismic::PLATFORM, body);
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let store = Store::new(SqliteEngine::open(&path)?);
/// let (inbox, worker) = store.open(Seats); // the inbox is what an endpoint is given
///
/// # let within = std::time::Duration::from_secs(2);
/// run_handler(&inbox, &delivery, within).await?; // as an endpoint does
/// assert_eq!(store.stats().await?.pending, 1);
/// # drop(worker);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SqliteEngine {
    writer: Queue,
    readers: Queue,
    notifier: Arc<Notifier>,
    threads: Arc<watch::Sender<()>>,
}

impl SqliteEngine {
    /// Opens the file, creates it if there is none, and brings its schema to this release's. Blocks meanwhile.
    ///
    /// A new file can be read by the process's user only. The folder must exist.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::start(path.as_ref(), Older::Migrate)
    }

    /// Opens a file that has this release's schema already, and changes nothing in another: for those who call
    /// [`migrate`](Self::migrate) when they deploy.
    pub fn open_without_migrating(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::start(path.as_ref(), Older::Refuse)
    }

    /// Brings a file to this release's schema, in one transaction, and creates it if there is none.
    pub fn migrate(path: impl AsRef<Path>) -> Result<(), OpenError> {
        open::open(&absolute(path.as_ref())?, Older::Migrate).map(drop)
    }

    /// A runner for a [`Worker`](lifecycle_inbox::Worker) whose handler writes to this file, in the transaction that
    /// completes the delivery.
    pub fn runner(&self, handler: impl TransactionalHandler) -> SqliteRunner {
        SqliteRunner::new(self.clone(), handler)
    }

    /// Closes the file, for all clones: finishes what was asked before, and ends the threads. From then on every operation
    /// fails. When it returns, the log is copied back into the file and gone, unless somebody else has the file open: other
    /// processes, or a connection of the app's own.
    ///
    /// Call it last in `main`, when the server and the worker have ended. Without it nothing is lost either: the next start
    /// reads the log.
    pub async fn close(&self) {
        self.writer.close();
        self.readers.close();
        self.threads.closed().await;
    }

    fn start(path: &Path, older: Older) -> Result<Self, OpenError> {
        let path = &absolute(path)?;
        let connection = open::open(path, older)?;
        let files = Files::of(path)
            .map_err(|error| OpenError::Unusable { path: path.to_owned(), why: error.to_string() })?;
        let files = Arc::new(files);
        let notifier = Arc::new(Notifier::default());
        let threads = Arc::new(watch::Sender::default());
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| spawn(name, path, &threads, work);
        let (checkpoints, checkpointer) = checkpoints::sides(open::open_reader(path)?, files.clone());
        let mut others = vec![spawn("inbox-checkpointer", Box::new(move || checkpointer.work()))?];
        let (readers, queue) = sync_channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..READERS {
            let (connection, files, queue) = (open::open_reader(path)?, files.clone(), queue.clone());
            let work = Box::new(move || readers::read(connection, &files, &queue));
            others.push(spawn("inbox-reader", work)?);
        }
        let (writer, queue) = sync_channel(QUEUE);
        let work = Writer { connection, queue, notifier: notifier.clone(), checkpoints, files, others };
        spawn("inbox-writer", Box::new(move || work.work()))?;
        Ok(Self { writer: Queue::to(writer), readers: Queue::to(readers), notifier, threads })
    }

    /// Sends a job to the writer. It may run more than once; see [`Job::run`].
    pub(crate) fn begin<T, F>(&self, work: F) -> Result<Answer<T>, EngineError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<JobResult<T>> + Send + 'static,
    {
        self.writer.send(work)
    }

    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, EngineError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<JobResult<T>> + Send + 'static,
    {
        in_time(self.begin(work)?).await
    }

    pub(crate) async fn read<T, F>(&self, mut work: F) -> Result<T, EngineError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let work = move |connection: &Connection| Ok(JobResult::keep(work(connection)?, Notifications::NONE));
        in_time(self.readers.send(work)?).await
    }
}

/// SQLite takes some relative names as something else than a file.
fn absolute(path: &Path) -> Result<std::path::PathBuf, OpenError> {
    std::path::absolute(path)
        .map_err(|error| OpenError::Unusable { path: path.to_owned(), why: error.to_string() })
}

/// A thread that [`SqliteEngine::close`] waits for.
fn spawn(
    name: &str,
    path: &Path,
    threads: &watch::Sender<()>,
    work: Box<dyn FnOnce() + Send>,
) -> Result<JoinHandle<()>, OpenError> {
    let is_running = threads.subscribe();
    let work = move || {
        work();
        drop(is_running);
    };
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    let unusable =
        |error: std::io::Error| OpenError::Unusable { path: path.to_owned(), why: error.to_string() };
    spawned.map_err(unusable)
}

/// The way to a thread, until it is closed. Clones are the same way.
#[derive(Clone)]
struct Queue(Arc<RwLock<Option<Jobs>>>);

type Jobs = SyncSender<Box<dyn Job>>;

impl Queue {
    fn to(thread: Jobs) -> Self {
        Self(Arc::new(RwLock::new(Some(thread))))
    }

    fn close(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn send<T, F>(&self, work: F) -> Result<Answer<T>, EngineError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<JobResult<T>> + Send + 'static,
    {
        let (job, answer) = job(work);
        let thread = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(thread) = &*thread else { return Err(EngineError::new("the database was closed")) };
        thread.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => EngineError::new("too much waits for the database already"),
            TrySendError::Disconnected(_) => EngineError::new("the thread of the database has ended"),
        })?;
        Ok(answer)
    }
}

async fn in_time<T>(answer: Answer<T>) -> Result<T, EngineError> {
    let answered = tokio::time::timeout(LIMIT, answer.wait()).await;
    answered.unwrap_or_else(|_| Err(EngineError::new(NOT_IN_TIME)))
}

impl fmt::Debug for SqliteEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteEngine").finish_non_exhaustive()
    }
}
