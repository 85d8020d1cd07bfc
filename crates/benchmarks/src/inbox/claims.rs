//! Claims: how many deliveries a second a worker leases, handles and completes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, async_trait};
use lifecycle_inbox::{Engine, MemoryEngine, Store};
use lifecycle_inbox_sqlite::SqliteEngine;
use serde::{Deserialize, Serialize};
use test_postgres::Server;
use tokio::sync::Notify;

use super::callbacks::Callbacks;
use super::senders::{Load, send};
use super::stores::{AcceptAll, Kind, postgres_engine};
use crate::measure::Spread;
use crate::{Effort, Failure};

pub(crate) const ENGINES: [&str; 3] = ["memory", "SQLite", "PostgreSQL"];

/// How many deliveries a worker handles at a time: as it does by default, and more.
pub(crate) const CONCURRENCY: [usize; 2] = [16, 64];

/// What was measured on one disk.
#[derive(Deserialize, Serialize)]
pub(crate) struct Claims {
    /// How many callbacks a second are written one by one, round by round.
    each: Vec<f64>,
    /// Deliveries a second: for each concurrency, for each engine, round by round.
    worked: Vec<Vec<Vec<f64>>>,
}

impl Claims {
    /// Measures all engines in turns.
    pub(crate) async fn measure(effort: Effort) -> Result<Self, Failure> {
        let (rounds, count) = match effort {
            Effort::Full => (5, 3_000),
            Effort::Quick => (1, 300),
        };
        let server = Server::start();
        let folder = tempfile::tempdir()?;
        let each = Kind::SqliteEach.open(folder.path(), &server.url(), "claims").await?;
        let engines: [Arc<dyn Engine>; 3] = [
            Arc::new(MemoryEngine::new()),
            Arc::new(SqliteEngine::open(folder.path().join("claims"))?),
            Arc::new(postgres_engine(&server.url(), "claims").await?),
        ];
        let callbacks = Arc::new(Callbacks::to(1_000));
        let mut measured = Self { each: Vec::new(), worked: vec![vec![Vec::new(); 3]; CONCURRENCY.len()] };
        for _ in 0..rounds {
            let load = Load::lasting(Duration::from_millis(500), 1);
            measured.each.push(send(&each, &callbacks, load).await?.per_second);
            for (nth, concurrency) in CONCURRENCY.into_iter().enumerate() {
                for (engine, worked) in engines.iter().zip(&mut measured.worked[nth]) {
                    let inbox = Arc::new(Store::from(engine.clone()).open(AcceptAll).0);
                    send(&inbox, &callbacks, Load::of(count, 64)).await?;
                    worked.push(work(engine.clone(), count, concurrency).await?);
                }
            }
        }
        Ok(measured)
    }

    /// The deliveries a second.
    pub(crate) fn per_second(&self, concurrency: usize, engine: usize) -> f64 {
        Spread::of(self.worked[concurrency][engine].iter().copied()).median
    }

    /// How many times as many as are written one by one.
    pub(crate) fn ratio(&self, concurrency: usize, engine: usize) -> Spread {
        let pairs = self.worked[concurrency][engine].iter().zip(&self.each);
        Spread::of(pairs.map(|(worked, each)| worked / each))
    }
}

/// Has all that waits handled, which is so many deliveries; tells how many a second.
pub(crate) async fn work(engine: Arc<dyn Engine>, count: usize, concurrency: usize) -> Result<f64, Failure> {
    let counter = Counter(Arc::new((AtomicUsize::new(count), Notify::new())));
    let all = counter.clone();
    let started = Instant::now();
    // It ends when what it handles then is completed.
    let store = Store::from(engine);
    let (_, worker) = store.open(counter);
    worker.concurrency(concurrency).run(all.0.1.notified()).await;
    let elapsed = started.elapsed().as_secs_f64();
    let stats = store.stats().await?;
    if stats.depth() + stats.dead > 0 {
        return Err(format!("{count} deliveries were handled, and {} are left", stats.depth()).into());
    }
    #[expect(clippy::cast_precision_loss, reason = "the count is far below 2^52")]
    Ok(count as f64 / elapsed)
}

/// A handler that does nothing, and tells when it did so often enough.
#[derive(Clone)]
struct Counter(Arc<(AtomicUsize, Notify)>);

#[async_trait]
impl LifecycleHandler for Counter {
    async fn event(&self, _delivery: &Delivery) -> Result<(), HandlerError> {
        let (left, all) = &*self.0;
        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
            all.notify_one();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_worker_is_timed_until_all_is_done() {
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
        let inbox = Arc::new(Store::from(engine.clone()).open(AcceptAll).0);
        send(&inbox, &Arc::new(Callbacks::to(7)), Load::of(100, 4)).await.unwrap();
        assert!(work(engine.clone(), 100, 16).await.is_ok());
        assert_eq!(engine.stats(engine.now()).await.unwrap().depth(), 0);
    }
}
