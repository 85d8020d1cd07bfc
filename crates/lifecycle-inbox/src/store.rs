//! `Store`: an engine and the platforms that are kept in it; from it come an inbox and its worker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lifecycle_core::{LifecycleHandler, Platform};
use tokio::time::Instant;

use crate::engine::{DeliveryId, Engine};
use crate::error::EngineError;
use crate::housekeeping::prune;
use crate::inbox::{Inbox, in_time};
use crate::operations::{
    DeliveryFilter, DeliverySummary, Ended, Pruned, Retention, Stats, StoredDelivery, UnknownPlatform,
};
use crate::record::Platforms;
use crate::runner::{HandlerRunner, Runner};
use crate::timestamp::Timestamp;
use crate::worker::Worker;

/// Where deliveries are kept, and of which platforms. [`open`](Self::open) makes an [`Inbox`] and a [`Worker`] of it.
///
/// It is also how an operator looks at what was accepted, for which it takes no handler: [`stats`](Self::stats),
/// [`list`](Self::list), [`show`](Self::show), [`retry`](Self::retry), [`delete`](Self::delete), [`prune`](Self::prune).
/// Clones share the engine.
///
/// ```
/// use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, async_trait};
/// use lifecycle_inbox::{MemoryEngine, Store};
///
/// struct Seats;
///
/// #[async_trait]
/// impl LifecycleHandler for Seats {
///     async fn install(&self, delivery: &Delivery) -> Result<(), HandlerError> {
///         println!("making an account for {}", delivery.event().tenant());
///         Ok(())
///     }
/// }
///
/// # use lifecycle_core::{run_handler, seismic};
/// # let body = r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r"}"#;
/// # let delivery = lifecycle_testing::delivery(&seismic::PLATFORM, body);
/// # let within = std::time::Duration::from_secs(2);
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
/// let store = Store::new(MemoryEngine::new());
/// let (inbox, worker) = store.open(Seats);
///
/// run_handler(&inbox, &delivery, within).await?; // as an endpoint does
/// assert_eq!(store.stats().await?.pending, 1);
///
/// let until_ctrl_c = async { /* tokio::signal::ctrl_c().await */ };
/// # let until_ctrl_c = tokio::time::sleep(std::time::Duration::from_secs(1));
/// worker.run(until_ctrl_c).await;
/// assert_eq!(store.stats().await?.pending, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Store {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) platforms: Platforms,
}

impl Store {
    /// How long a [health check](Self::check) may take.
    const CHECK: Duration = Duration::from_millis(2_400);

    /// Keeps deliveries of the built-in platforms in this engine.
    pub fn new(engine: impl Engine) -> Self {
        Self::from(Arc::new(engine) as Arc<dyn Engine>)
    }

    /// Keeps deliveries of this platform too, one of the app's own. It takes the place of one of the same name.
    ///
    /// What a store was not told of is not accepted: the answer is 503, since no worker would know what to do with it. What is
    /// kept already waits for a worker that knows it.
    #[must_use]
    pub fn with(mut self, platform: &'static Platform) -> Self {
        self.platforms = self.platforms.with(platform);
        self
    }

    /// An inbox and its worker, for this handler: the inbox asks it to [decide](LifecycleHandler::decide), and the worker runs
    /// the methods of its events.
    ///
    /// A process that only receives drops the worker, and one that only works drops the inbox.
    pub fn open(&self, handler: impl LifecycleHandler) -> (Inbox, Worker) {
        self.open_with(HandlerRunner(handler))
    }

    /// The same for a runner: an engine's own, which gives the handler its transaction.
    pub fn open_with(&self, runner: impl Runner) -> (Inbox, Worker) {
        let runner: Arc<dyn Runner> = Arc::new(runner);
        (Inbox::new(self.clone(), runner.clone()), Worker::new(self, runner))
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// How much there is to do, and how much went wrong.
    pub async fn stats(&self) -> Result<Stats, EngineError> {
        self.engine.stats(self.engine.now()).await
    }

    /// How many deliveries were done, and how many died, from this time on; [`Timestamp::MIN`] for all that are kept. It counts entries of an index,
    /// which takes a second for some million of them.
    pub async fn ended(&self, since: Timestamp) -> Result<Ended, EngineError> {
        self.engine.ended(since).await
    }

    /// What waits for a worker whose store knows [other platforms](Self::with) than this one does.
    pub async fn unknown_platforms(&self) -> Result<Vec<UnknownPlatform>, EngineError> {
        self.engine.unknown_platforms(&self.platforms.names(), self.engine.now()).await
    }

    /// Deliveries in the order of acceptance, or the other way round, in pages.
    pub async fn list(&self, filter: &DeliveryFilter) -> Result<Vec<DeliverySummary>, EngineError> {
        self.engine.list(filter).await
    }

    /// One delivery with its bytes.
    pub async fn show(&self, id: DeliveryId) -> Result<Option<StoredDelivery>, EngineError> {
        self.engine.show(id).await
    }

    /// Has a dead letter handled again, or a waiting delivery at once; at its old place in its tenant's order, and with
    /// all its attempts before it. `false` when there is none such. Its handler can ask whether later deliveries have
    /// [overtaken](DeliverySummary::overtaken_by) it.
    pub async fn retry(&self, id: DeliveryId) -> Result<bool, EngineError> {
        self.engine.retry(id, self.engine.now()).await
    }

    /// Deletes a delivery, in whatever state it is. If it comes again, it is still a duplicate. `false` when there is
    /// none such.
    pub async fn delete(&self, id: DeliveryId) -> Result<bool, EngineError> {
        self.engine.delete(id).await
    }

    /// Deletes deliveries and forgets keys that were kept for as long as this says. A worker does it by itself every hour, once its clock has run
    /// evenly for ten minutes; this does it at once, by the clock as it is.
    pub async fn prune(&self, retention: Retention) -> Result<Pruned, EngineError> {
        prune(&*self.engine, retention).await
    }

    /// For a health check: whether the store can be written to, within 2.4 s.
    pub async fn check(&self) -> Result<(), EngineError> {
        in_time(Instant::now() + Self::CHECK, self.engine.check()).await
    }
}

/// The built-in platforms in an engine that is shared already.
impl From<Arc<dyn Engine>> for Store {
    fn from(engine: Arc<dyn Engine>) -> Self {
        Self { engine, platforms: Platforms::default() }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("platforms", &self.platforms).finish_non_exhaustive()
    }
}
