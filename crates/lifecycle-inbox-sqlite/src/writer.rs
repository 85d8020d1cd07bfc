//! Writer: the one thread that writes, many jobs to a transaction.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use lifecycle_inbox::Notifier;
use rusqlite::Connection;

use crate::checkpoints::Checkpoints;
use crate::files::Files;
use crate::job::{Job, News, Verdict};

/// The most jobs that share a transaction.
const BATCH: usize = 256;

/// After how long a transaction takes no further jobs, so that the first of them does not wait for slow ones.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// How often it looks whether another process wrote to the file.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long it leaves the file to other processes that write, between two transactions. They try as often.
const TURN: Duration = Duration::from_millis(1);

pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) queue: Receiver<Box<dyn Job>>,
    pub(crate) signals: Arc<Notifier>,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) files: Arc<Files>,
}

/// Why a transaction is over, and with it all that its jobs wrote.
struct Lost(String);

impl From<rusqlite::Error> for Lost {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl Writer {
    /// Works until the engine is gone and the queue is empty. While one transaction is flushed to the disk, the jobs
    /// of the next gather in the queue, and what comes before its own flush joins it; there is no other wait.
    pub(crate) fn work(mut self) {
        self.work_off();
        self.files.close(self.connection);
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
            self.gather(&mut waiting, BATCH);
            waiting.retain(|job| job.is_wanted());
            if !waiting.is_empty() {
                self.group(&mut waiting, BATCH);
                if is_shared {
                    thread::sleep(TURN);
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
                    self.tell(News { work: true, installation: true });
                }
            }
        }
    }

    /// Has the jobs of the queue wait, until so many do.
    fn gather(&self, waiting: &mut VecDeque<Box<dyn Job>>, most: usize) {
        waiting.extend(self.queue.try_iter().take(most.saturating_sub(waiting.len())));
    }

    /// Runs jobs in one transaction, at most so many with those that come meanwhile, and answers them after its commit.
    /// If that fails, each is tried again alone, so that none suffers from another.
    fn group(&mut self, waiting: &mut VecDeque<Box<dyn Job>>, most: usize) {
        if let Err(error) = self.begin() {
            // Locked by another process for longer than it is worth waiting for: everyone has waited as long.
            return answer_all(waiting.drain(..), &error);
        }
        let started = Instant::now();
        let mut group = Vec::new();
        let mut news = News::NONE;
        let mut lost = None;
        while let Some(mut job) = waiting.pop_front() {
            let ran = self.run(&mut *job);
            let error = match ran {
                Ok(Ok(verdict)) => {
                    if let Verdict::Keep(own) = verdict {
                        news.add(own);
                    }
                    None
                }
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => {
                    lost = Some(error);
                    None
                }
            };
            group.push((job, error));
            if lost.is_some() || started.elapsed() > BATCH_TIME {
                break;
            }
            if waiting.is_empty() {
                self.gather(waiting, most - group.len());
                waiting.retain(|job| job.is_wanted());
            }
        }
        if lost.is_none() && !group.iter().all(|(job, _)| job.is_wanted()) {
            return self.repeat_wanted(group.into_iter().map(|(job, _)| job).collect());
        }
        match lost.map_or_else(|| self.commit(), Err) {
            Ok(()) => {
                // What was committed to a file that has lost its name is gone with this process.
                if let Err(loss) = self.files.check(&self.connection) {
                    return answer_all(group.into_iter().map(|(job, _)| job), &loss.to_string());
                }
                self.tell(news);
                let jobs = group.len();
                for (job, error) in group {
                    job.answer(error);
                }
                self.checkpoints.committed(&self.connection, jobs);
            }
            Err(Lost(error)) => {
                self.abandon();
                self.each_alone(group.into_iter().map(|(job, _)| job).collect(), error);
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
            self.group(&mut others, most);
        }
        if let Some(last) = last {
            self.group(&mut VecDeque::from([last]), 1);
        }
    }

    fn each_alone(&mut self, jobs: Vec<Box<dyn Job>>, error: String) {
        let is_alone = jobs.len() == 1;
        for job in jobs.into_iter().filter(|job| job.is_wanted()) {
            if is_alone {
                return job.answer(Some(error));
            }
            self.group(&mut VecDeque::from([job]), 1);
        }
    }

    /// Runs a job in a savepoint, so that its error undoes its own writes only.
    fn run(&self, job: &mut dyn Job) -> Result<rusqlite::Result<Verdict>, Lost> {
        self.execute("SAVEPOINT lifecycle_job")?;
        let ran = job.run(&self.connection).inspect_err(|error| self.files.suspect_damage(error));
        if self.connection.is_autocommit() {
            // A full disk, for one, ends the whole transaction. So does a handler that must not.
            let from_inside = || Lost("the transaction was ended from inside".to_owned());
            return Err(ran.err().map_or_else(from_inside, Lost::from));
        }
        if !matches!(ran, Ok(Verdict::Keep(_))) {
            self.execute("ROLLBACK TO lifecycle_job")?;
        }
        self.execute("RELEASE lifecycle_job")?;
        Ok(ran)
    }

    fn begin(&self) -> Result<(), String> {
        self.files.check(&self.connection).map_err(|loss| loss.to_string())?;
        self.execute("BEGIN IMMEDIATE").map_err(|error| error.to_string())
    }

    fn commit(&self) -> Result<(), Lost> {
        Ok(self.execute("COMMIT")?)
    }

    fn abandon(&self) {
        if !self.connection.is_autocommit() {
            let _ = self.execute("ROLLBACK"); // if it fails, so does the next BEGIN, with an error to its callers
        }
    }

    fn tell(&self, news: News) {
        if news.installation {
            self.signals.installation_changed();
        }
        if news.work {
            self.signals.ring();
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
