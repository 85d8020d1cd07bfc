//! Job: what a thread that owns a connection is asked to do, and the channel of its answer.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use lifecycle_inbox::EngineError;
use rusqlite::Connection;
use tokio::sync::oneshot;

/// Whom to notify after the commit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Notifications {
    /// A row may be claimable that was not.
    pub(crate) work: bool,
    /// An installation is another one.
    pub(crate) installation: bool,
}

impl Notifications {
    pub(crate) const NONE: Self = Self { work: false, installation: false };
    pub(crate) const WORK: Self = Self { work: true, installation: false };

    pub(crate) fn add(&mut self, other: Self) {
        self.work |= other.work;
        self.installation |= other.installation;
    }
}

/// The result of a job, and whether what it wrote is to stay.
pub(crate) struct JobResult<T> {
    value: T,
    disposition: Disposition,
}

impl<T> JobResult<T> {
    /// What was written stays.
    pub(crate) fn keep(value: T, notifications: Notifications) -> Self {
        Self { value, disposition: Disposition::Keep(notifications) }
    }

    /// What was written is undone.
    pub(crate) fn undo(value: T) -> Self {
        Self { value, disposition: Disposition::Undo }
    }

    pub(crate) fn map<U>(self, convert: impl FnOnce(T) -> U) -> JobResult<U> {
        JobResult { value: convert(self.value), disposition: self.disposition }
    }
}

/// Whether what a job wrote is committed.
#[derive(Clone, Copy)]
pub(crate) enum Disposition {
    Keep(Notifications),
    Undo,
}

/// One unit of work.
pub(crate) trait Job: Send {
    /// Whether somebody still waits for the answer. A job that nobody waits for is not begun.
    fn is_wanted(&self) -> bool;

    /// Does the work; again, if what it wrote could not be committed.
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<Disposition>;

    /// Tells what the last run found, or the error in its place.
    fn answer(self: Box<Self>, error: Option<String>);
}

/// A job that is a function.
struct FnJob<T, F> {
    work: F,
    found: Option<Result<T, Fault>>,
    answer: oneshot::Sender<Result<T, Fault>>,
}

/// Why there is no value.
pub(crate) enum Fault {
    Panic(Box<dyn Any + Send>),
    Store(EngineError),
}

/// A job, and where its answer will be.
pub(crate) fn job<T, F>(work: F) -> (Box<dyn Job>, Answer<T>)
where
    T: Send + 'static,
    F: FnMut(&Connection) -> rusqlite::Result<JobResult<T>> + Send + 'static,
{
    let (answer, receiver) = oneshot::channel();
    (Box::new(FnJob { work, found: None, answer }), Answer(receiver))
}

impl<T, F> Job for FnJob<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> rusqlite::Result<JobResult<T>> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(&mut self, connection: &Connection) -> rusqlite::Result<Disposition> {
        match catch_unwind(AssertUnwindSafe(|| (self.work)(connection))) {
            Ok(Ok(found)) => {
                self.found = Some(Ok(found.value));
                Ok(found.disposition)
            }
            Ok(Err(error)) => Err(error),
            Err(panic) => {
                self.found = Some(Err(Fault::Panic(panic)));
                Ok(Disposition::Undo)
            }
        }
    }

    fn answer(self: Box<Self>, error: Option<String>) {
        let found = match (error, self.found) {
            (Some(error), _) => Err(Fault::Store(EngineError::new(error))),
            (None, Some(found)) => found,
            (None, None) => return, // never run: whoever waits hears that the sender is gone
        };
        let _ = self.answer.send(found); // nobody waits any more
    }
}

/// Where a job's answer will be. Dropping it takes back a job that was not begun.
pub(crate) struct Answer<T>(oneshot::Receiver<Result<T, Fault>>);

impl<T> Answer<T> {
    /// Waits for the answer. A panic of the job goes on here.
    pub(crate) async fn wait(self) -> Result<T, EngineError> {
        match self.0.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Fault::Store(error))) => Err(error),
            Ok(Err(Fault::Panic(panic))) => resume_unwind(panic),
            Err(_) => Err(EngineError::new("the thread of the database has ended")),
        }
    }
}
