//! Writer: the one thread that writes, many jobs to a transaction.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lifecycle_inbox::Notifier;
use rusqlite::Connection;

use crate::checkpoints::Checkpoints;
use crate::files::Files;
use crate::job::{Disposition, Job, Notifications};

/// The most jobs that share a transaction.
const BATCH: usize = 256;

/// After how long a transaction takes no further jobs, so that the first of them does not wait for slow ones.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// How often it looks whether another process wrote to the file.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long it leaves the file to other processes that write, between two transactions. They try as often.
const PAUSE: Duration = Duration::from_millis(1);

pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) queue: Receiver<Box<dyn Job>>,
    pub(crate) notifier: Arc<Notifier>,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) files: Arc<Files>,
    /// The threads that have the other connections.
    pub(crate) others: Vec<JoinHandle<()>>,
}

/// Why a transaction was rolled back, with all that its jobs wrote.
struct Aborted(String);

impl From<rusqlite::Error> for Aborted {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl Writer {
    /// Works until the engine is gone and the queue is empty. While one transaction is flushed to the disk, the jobs
    /// of the next one collect in the queue. It never waits for more jobs.
    pub(crate) fn work(mut self) {
        self.work_off();
        let Self { connection, checkpoints, files, others, .. } = self;
        drop(checkpoints); // the thread that copies the log ends with them
        // SQLite copies the log back when the last connection closes. Of two that close at once, neither may be the last.
        for other in others {
            drop(other.join());
        }
        files.close(connection);
    }

    fn work_off(&mut self) {
        let mut waiting: VecDeque<Box<dyn Job>> = VecDeque::new();
        let mut version = self.data_version();
        let mut look_at = Instant::now() + LOOK_EVERY;
        let mut is_shared = false;
        loop {
            if waiting.is_empty() {
                match self.queue.recv_timeout(look_at.saturating_duration_since(Instant::now())) {
                    Ok(job) => waiting.push_back(job),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            self.fill(&mut waiting, BATCH);
            waiting.retain(|job| job.is_wanted());
            if !waiting.is_empty() {
                self.run_batch(&mut waiting, BATCH);
                if is_shared {
                    thread::sleep(PAUSE);
                }
            }
            if Instant::now() >= look_at {
                look_at = Instant::now() + LOOK_EVERY;
                if self.files.check(&self.connection).is_err() {
                    self.files.spare_what_came();
                    continue;
                }
                let before = std::mem::replace(&mut version, self.data_version());
                is_shared = version != before;
                if is_shared {
                    self.notify(Notifications { work: true, installation: true });
                }
            }
        }
    }

    /// Takes jobs from the queue, until so many are waiting.
    fn fill(&self, waiting: &mut VecDeque<Box<dyn Job>>, most: usize) {
        waiting.extend(self.queue.try_iter().take(most.saturating_sub(waiting.len())));
    }

    /// Runs jobs in one transaction, at most so many with those that come meanwhile, and answers them after its commit.
    /// If that fails, each is tried again alone, so that none suffers from another.
    fn run_batch(&mut self, waiting: &mut VecDeque<Box<dyn Job>>, most: usize) {
        if let Err(error) = self.begin() {
            // Locked by another process for longer than it is worth waiting for: everyone has waited as long.
            return answer_all(waiting.drain(..), &error);
        }
        let started = Instant::now();
        let mut batch = Vec::new();
        let mut notifications = Notifications::NONE;
        let mut aborted = None;
        while let Some(mut job) = waiting.pop_front() {
            let ran = self.run(&mut *job);
            let error = match ran {
                Ok(Ok(disposition)) => {
                    if let Disposition::Keep(own) = disposition {
                        notifications.add(own);
                    }
                    None
                }
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => {
                    aborted = Some(error);
                    None
                }
            };
            batch.push((job, error));
            if aborted.is_some() || started.elapsed() > BATCH_TIME {
                break;
            }
            if waiting.is_empty() {
                self.fill(waiting, most - batch.len());
                waiting.retain(|job| job.is_wanted());
            }
        }
        if aborted.is_none() && !batch.iter().all(|(job, _)| job.is_wanted()) {
            return self.repeat_wanted(batch.into_iter().map(|(job, _)| job).collect());
        }
        match aborted.map_or_else(|| self.commit(), Err) {
            Ok(()) => {
                // What was committed to a file that has aborted its name is gone with this process.
                if let Err(loss) = self.files.check(&self.connection) {
                    return answer_all(batch.into_iter().map(|(job, _)| job), &loss.to_string());
                }
                self.notify(notifications);
                let jobs = batch.len();
                for (job, error) in batch {
                    job.answer(error);
                }
                self.checkpoints.committed(&self.connection, jobs);
            }
            Err(Aborted(error)) => {
                self.abandon();
                self.each_alone(batch.into_iter().map(|(job, _)| job).collect(), error);
            }
        }
    }

    /// Undoes a transaction before its commit, because the caller of one of its jobs has given up, and was told that nothing is
    /// kept. Repeats the other jobs; the last of them alone, since it may be the slow one.
    fn repeat_wanted(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        self.abandon();
        let last = jobs.pop().filter(|job| job.is_wanted());
        let mut others: VecDeque<Box<dyn Job>> = jobs.into_iter().filter(|job| job.is_wanted()).collect();
        while !others.is_empty() {
            let most = others.len();
            self.run_batch(&mut others, most);
        }
        if let Some(last) = last {
            self.run_batch(&mut VecDeque::from([last]), 1);
        }
    }

    fn each_alone(&mut self, jobs: Vec<Box<dyn Job>>, error: String) {
        let is_alone = jobs.len() == 1;
        for job in jobs.into_iter().filter(|job| job.is_wanted()) {
            if is_alone {
                return job.answer(Some(error));
            }
            self.run_batch(&mut VecDeque::from([job]), 1);
        }
    }

    /// Runs a job in a savepoint, so that its error undoes its own writes only.
    fn run(&self, job: &mut dyn Job) -> Result<rusqlite::Result<Disposition>, Aborted> {
        self.execute("SAVEPOINT lifecycle_job")?;
        let ran = job.run(&self.connection).inspect_err(|error| self.files.suspect_damage(error));
        if self.connection.is_autocommit() {
            // A full disk, for one, ends the whole transaction. So does a handler that must not.
            let from_inside = || Aborted("the transaction was ended from inside".to_owned());
            return Err(ran.err().map_or_else(from_inside, Aborted::from));
        }
        if !matches!(ran, Ok(Disposition::Keep(_))) {
            self.execute("ROLLBACK TO lifecycle_job")?;
        }
        self.execute("RELEASE lifecycle_job")?;
        Ok(ran)
    }

    fn begin(&self) -> Result<(), String> {
        self.files.check(&self.connection).map_err(|loss| loss.to_string())?;
        self.execute("BEGIN IMMEDIATE").map_err(|error| error.to_string())
    }

    fn commit(&self) -> Result<(), Aborted> {
        Ok(self.execute("COMMIT")?)
    }

    fn abandon(&self) {
        if !self.connection.is_autocommit() {
            let _ = self.execute("ROLLBACK"); // if it fails, so does the next BEGIN, with an error to its callers
        }
    }

    fn notify(&self, notifications: Notifications) {
        if notifications.installation {
            self.notifier.installation_changed();
        }
        if notifications.work {
            self.notifier.notify();
        }
    }

    /// A number that changes when another connection writes; of no meaning if it cannot be read.
    fn data_version(&self) -> Option<i64> {
        let mut statement = self.connection.prepare_cached("PRAGMA data_version").ok()?;
        statement.query_row([], |row| row.get(0)).ok()
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        let executed = self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        executed.map(drop).inspect_err(|error| self.files.suspect_damage(error))
    }
}

fn answer_all(jobs: impl Iterator<Item = Box<dyn Job>>, error: &str) {
    for job in jobs {
        job.answer(Some(error.to_owned()));
    }
}
