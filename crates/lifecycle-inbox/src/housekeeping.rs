//! Housekeeping: pruning, and reports of how much there is to do.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep_until};

use crate::engine::{CLOCK_SKEW, Engine};
use crate::error::EngineError;
use crate::operations::{Prune, Pruned, Retention};
use crate::record::Platforms;
use crate::telemetry;
use crate::timestamp::Timestamp;
use crate::worker::Settings;

const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// How evenly the clock has to have run, and for how long, before anything is deleted by it. A machine whose clock is a
/// year ahead as it starts, or jumps there, would otherwise forget all keys at once, and duplicates would run again.
const STEADY: Duration = Duration::from_secs(600);
/// After a failure.
const PRUNE_AGAIN: Duration = Duration::from_secs(60);
const REPORT_EVERY: Duration = Duration::from_secs(15);
/// As long as deliveries of unknown platforms wait.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// So few at a time that no callback waits long for the writer.
const PRUNE_LIMIT: usize = 500;

pub(crate) struct Housekeeping {
    engine: Arc<dyn Engine>,
    platforms: Platforms,
    retention: Retention,
    /// What the clock said, and when that was.
    clock: (Instant, Timestamp),
}

impl Housekeeping {
    pub(crate) fn new(engine: Arc<dyn Engine>, settings: &Settings) -> Self {
        let clock = (Instant::now(), engine.now());
        let platforms = settings.platforms.clone();
        Self { engine, platforms, retention: settings.retention, clock }
    }

    /// Prunes and reports until it is dropped.
    pub(crate) async fn run(&mut self) {
        let mut report = interval(REPORT_EVERY);
        let (mut prune_at, mut warn_at) = (Instant::now() + STEADY, Instant::now());
        loop {
            tokio::select! {
                _ = report.tick() => {
                    self.report_depth().await;
                    self.report_unknown(&mut warn_at).await;
                }
                () = sleep_until(prune_at) => prune_at = Instant::now() + self.prune().await,
            }
        }
    }

    async fn report_depth(&self) {
        if !cfg!(feature = "metrics") {
            return;
        }
        match self.engine.stats(self.engine.now()).await {
            Ok(stats) => telemetry::depth(&stats),
            Err(error) => telemetry::store_failed("stats", &error, REPORT_EVERY),
        }
    }

    /// What this worker leaves alone because it does not know its platform: in a rolling deployment for a moment, else until
    /// somebody notices.
    async fn report_unknown(&self, warn_at: &mut Instant) {
        match self.engine.unknown_platforms(&self.platforms.names(), self.engine.now()).await {
            Ok(unknown) => {
                telemetry::unknown_waiting(&unknown);
                if !unknown.is_empty() && *warn_at <= Instant::now() {
                    telemetry::unknown_platforms(&unknown);
                    *warn_at = Instant::now() + WARN_EVERY;
                }
            }
            Err(error) => telemetry::store_failed("unknown_platforms", &error, REPORT_EVERY),
        }
    }

    /// Returns after which time to do it again.
    async fn prune(&mut self) -> Duration {
        if !self.is_steady() {
            return STEADY;
        }
        match prune(&*self.engine, self.retention).await {
            Ok(_) => PRUNE_EVERY,
            Err(error) => {
                telemetry::store_failed("prune", &error, PRUNE_AGAIN);
                PRUNE_AGAIN
            }
        }
    }

    /// Whether the clock has not jumped since this was asked last.
    fn is_steady(&mut self) -> bool {
        let now = (Instant::now(), self.engine.now());
        let before = std::mem::replace(&mut self.clock, now);
        let expected = before.1 + now.0.duration_since(before.0);
        now.1.since(expected).max(expected.since(now.1)) <= CLOCK_SKEW
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
