//! Slots: the running attempts, and how many more may be started.
//!
//! An attempt that runs for long no longer takes a slot, as long as there are no more such attempts than slots. So a few tenants
//! whose handlers hang do not hold up all others.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use crate::telemetry;

/// After how long an attempt is slow.
const SLOW: Duration = Duration::from_secs(30);

/// The least time between two warnings that slow attempts have all slots.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The running attempts. Each returns after which time its delivery is due again, if it is.
pub(crate) struct Slots {
    most: usize,
    jobs: JoinSet<Option<Duration>>,
    since: HashMap<Id, Instant>,
    warned_at: Option<Instant>,
}

/// An attempt that is over.
#[derive(Clone, Copy)]
pub(crate) struct Ended {
    /// After which time its delivery is due again, if it is.
    pub(crate) due_after: Option<Duration>,
}

impl Slots {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, jobs: JoinSet::new(), since: HashMap::new(), warned_at: None }
    }

    pub(crate) fn spawn(&mut self, attempt: impl Future<Output = Option<Duration>> + Send + 'static) {
        let id = self.jobs.spawn(attempt).id();
        self.since.insert(id, Instant::now());
    }

    /// How many more may be started now.
    pub(crate) fn free(&self) -> usize {
        let slow = self.slow();
        let counted = self.since.len() - slow.min(self.most);
        self.most.saturating_sub(counted)
    }

    /// When a slot may become free though no attempt has ended: the oldest one becomes slow.
    pub(crate) fn next_free(&self) -> Option<Instant> {
        if self.free() > 0 || self.slow() >= self.most {
            return None;
        }
        let now = Instant::now();
        self.since.values().map(|since| *since + SLOW).filter(|slow_at| *slow_at > now).min()
    }

    /// Warns, at most once a minute, where slow attempts have all slots.
    pub(crate) fn warn_if_taken(&mut self) {
        if self.free() > 0 || self.slow() < self.most {
            return;
        }
        if self.warned_at.is_none_or(|warned_at| warned_at.elapsed() >= WARN_EVERY) {
            telemetry::slots_taken(self.since.len());
            self.warned_at = Some(Instant::now());
        }
    }

    /// Waits for one to end; nothing where none runs.
    pub(crate) async fn join_next(&mut self) -> Option<Ended> {
        let ended = self.jobs.join_next_with_id().await?;
        Some(self.note(ended))
    }

    pub(crate) fn try_join_next(&mut self) -> Option<Ended> {
        let ended = self.jobs.try_join_next_with_id()?;
        Some(self.note(ended))
    }

    /// Drops all where they wait.
    pub(crate) async fn shutdown(&mut self) {
        self.jobs.shutdown().await;
        self.since.clear();
    }

    fn slow(&self) -> usize {
        self.since.values().filter(|since| since.elapsed() >= SLOW).count()
    }

    fn note(&mut self, ended: Result<(Id, Option<Duration>), tokio::task::JoinError>) -> Ended {
        let (id, wait) = ended.unwrap_or_else(|error| (error.id(), None));
        self.since.remove(&id);
        Ended { due_after: wait }
    }
}
