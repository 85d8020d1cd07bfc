//! Housekeeping: what a worker does beside its work, which is pruning and telling how much there is to do.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep_until};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::operations::{Prune, Pruned, Retention};
use crate::record::Platforms;
use crate::telemetry;
use crate::worker::Settings;

const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// After a failure.
const PRUNE_AGAIN: Duration = Duration::from_secs(60);
const TELL_EVERY: Duration = Duration::from_secs(15);
/// As long as deliveries of unknown platforms wait.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// So few at a time that no callback waits long for the writer.
const PRUNE_LIMIT: usize = 500;

pub(crate) struct Housekeeping {
    engine: Arc<dyn Engine>,
    platforms: Platforms,
    retention: Retention,
}

impl Housekeeping {
    pub(crate) fn new(engine: Arc<dyn Engine>, settings: &Settings) -> Self {
        Self { engine, platforms: settings.platforms.clone(), retention: settings.retention }
    }

    /// Keeps house for ever.
    pub(crate) async fn keep(&self) {
        let mut tell = interval(TELL_EVERY);
        let (mut prune_at, mut warn_at) = (Instant::now(), Instant::now());
        loop {
            tokio::select! {
                _ = tell.tick() => {
                    self.tell().await;
                    self.tell_unknown(&mut warn_at).await;
                }
                () = sleep_until(prune_at) => prune_at = Instant::now() + self.prune().await,
            }
        }
    }

    async fn tell(&self) {
        if !cfg!(feature = "metrics") {
            return;
        }
        match self.engine.stats(self.engine.now()).await {
            Ok(stats) => telemetry::depth(&stats),
            Err(error) => telemetry::store_failed("stats", &error, TELL_EVERY),
        }
    }

    /// What this worker leaves alone because it does not know its platform: in a rolling deployment for a moment, else until
    /// somebody notices.
    async fn tell_unknown(&self, warn_at: &mut Instant) {
        match self.engine.unknown_platforms(&self.platforms.names(), self.engine.now()).await {
            Ok(unknown) => {
                telemetry::unknown_waiting(&unknown);
                if !unknown.is_empty() && *warn_at <= Instant::now() {
                    telemetry::unknown_platforms(&unknown);
                    *warn_at = Instant::now() + WARN_EVERY;
                }
            }
            Err(error) => telemetry::store_failed("unknown_platforms", &error, TELL_EVERY),
        }
    }

    /// Tells after which time to do it again.
    async fn prune(&self) -> Duration {
        match prune(&*self.engine, self.retention).await {
            Ok(_) => PRUNE_EVERY,
            Err(error) => {
                telemetry::store_failed("prune", &error, PRUNE_AGAIN);
                PRUNE_AGAIN
            }
        }
    }
}

/// Deletes what was kept for as long as it was to be, in small transactions.
pub(crate) async fn prune(engine: &dyn Engine, retention: Retention) -> Result<Pruned, EngineError> {
    let now = engine.now();
    let prune = Prune {
        done_before: now - retention.done,
        dead_before: now - retention.dead,
        keys_before: now - retention.keys,
        limit: PRUNE_LIMIT,
    };
    let mut all = Pruned::default();
    let result = loop {
        let Pruned { done, dead, keys } = match engine.prune(prune).await {
            Ok(pruned) => pruned,
            Err(error) => break Err(error),
        };
        all.done += done;
        all.dead += dead;
        all.keys += keys;
        if done.max(dead).max(keys) < PRUNE_LIMIT as u64 {
            break Ok(all);
        }
        tokio::task::yield_now().await;
    };
    telemetry::pruned(all); // also of what went before an error
    result
}
