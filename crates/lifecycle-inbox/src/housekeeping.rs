//! Housekeeping: what a worker does beside its work, which is pruning and telling how much there is to do.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep_until};

use crate::engine::Engine;
use crate::error::StoreError;
use crate::operations::Prune;
use crate::telemetry;
use crate::worker::Settings;

const PRUNE_EVERY: Duration = Duration::from_secs(3600);
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
                () = sleep_until(prune_at) => {
                    if let Err(error) = self.prune().await {
                        telemetry::store_failed("prune", &error, PRUNE_EVERY);
                    }
                    prune_at = Instant::now() + PRUNE_EVERY;
                }
            }
        }
    }

    async fn tell(&self) {
        match self.engine.stats(self.engine.now()).await {
            Ok(stats) => telemetry::depth(&stats),
            Err(error) => telemetry::store_failed("stats", &error, TELL_EVERY),
        }
    }

    async fn prune(&self) -> Result<(), StoreError> {
        let now = self.engine.now();
        let prune = Prune {
            done_before: now - self.keep_finished,
            keys_before: now - self.remember_keys,
            limit: PRUNE_LIMIT,
        };
        loop {
            let pruned = self.engine.prune(prune).await?;
            telemetry::pruned(pruned);
            if pruned.rows.max(pruned.keys) < PRUNE_LIMIT as u64 {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }
}
