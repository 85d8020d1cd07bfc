//! Housekeeping: what a worker does beside its work, which is pruning and telling how much there is to do.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep_until};

use crate::engine::Engine;
use crate::error::StoreError;
use crate::operations::{Prune, Pruned};
use crate::telemetry;
use crate::worker::Settings;

const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// After a failure.
const PRUNE_AGAIN: Duration = Duration::from_secs(60);
const TELL_EVERY: Duration = Duration::from_secs(15);

/// So few at a time that no callback waits long for the writer.
const PRUNE_LIMIT: usize = 500;

pub(crate) struct Housekeeping {
    engine: Arc<dyn Engine>,
    keep_finished: Duration,
    remember_keys: Duration,
}

impl Housekeeping {
    pub(crate) fn new(engine: Arc<dyn Engine>, settings: &Settings) -> Self {
        let Settings { keep_finished, remember_keys, .. } = *settings;
        Self { engine, keep_finished, remember_keys }
    }

    /// Keeps house for ever.
    pub(crate) async fn keep(&self) {
        let mut tell = interval(TELL_EVERY);
        let mut prune_at = Instant::now();
        loop {
            tokio::select! {
                _ = tell.tick(), if cfg!(feature = "metrics") => self.tell().await,
                () = sleep_until(prune_at) => prune_at = Instant::now() + self.prune().await,
            }
        }
    }

    async fn tell(&self) {
        match self.engine.stats(self.engine.now()).await {
            Ok(stats) => telemetry::depth(&stats),
            Err(error) => telemetry::store_failed("stats", &error, TELL_EVERY),
        }
    }

    /// Tells after which time to do it again.
    async fn prune(&self) -> Duration {
        match prune(&*self.engine, self.keep_finished, self.remember_keys).await {
            Ok(pruned) => {
                telemetry::pruned(pruned);
                PRUNE_EVERY
            }
            Err(error) => {
                telemetry::store_failed("prune", &error, PRUNE_AGAIN);
                PRUNE_AGAIN
            }
        }
    }
}

/// Deletes rows that were done, and forgets keys that were accepted, longer ago than these times. In small transactions.
pub(crate) async fn prune(
    engine: &dyn Engine,
    keep_finished: Duration,
    remember_keys: Duration,
) -> Result<Pruned, StoreError> {
    let now = engine.now();
    let (done_before, keys_before) = (now - keep_finished, now - remember_keys);
    let prune = Prune { done_before, keys_before, limit: PRUNE_LIMIT };
    let mut all = Pruned::default();
    loop {
        let pruned = engine.prune(prune).await?;
        all.rows += pruned.rows;
        all.keys += pruned.keys;
        if pruned.rows.max(pruned.keys) < PRUNE_LIMIT as u64 {
            return Ok(all);
        }
        tokio::task::yield_now().await;
    }
}
