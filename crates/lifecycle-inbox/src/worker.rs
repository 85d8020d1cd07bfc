//! Worker: runs the app's handler for every delivery in the store, one after the other in a tenant.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::backoff::Backoff;
use crate::dispatcher::Dispatcher;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::housekeeping::Housekeeping;
use crate::leases::Leases;
use crate::operations::Retention;
use crate::record::Platforms;
use crate::runner::Runner;
use crate::slots::Slots;
use crate::store::Store;
use crate::telemetry;

/// Runs the app's handler for every delivery that an [`Inbox`](crate::Inbox) has accepted. Made by
/// [`Store::open`](crate::Store::open), together with that inbox.
///
/// Each delivery is handled *at least once*: a handler that was cut off by a crash runs again. Deliveries of one
/// (platform, app, tenant) are handled strictly one after the other, in the order of acceptance; different tenants
/// in parallel. Any number of workers, in any number of processes, may share a store. The handler does not
/// [decide](lifecycle_core::LifecycleHandler::decide) any more: it was asked before the platform got its acknowledgement.
///
/// | the event's method | then |
/// | --- | --- |
/// | ends well | the delivery is done, and the event is folded into its installation |
/// | fails, panics, takes too long | the next attempt follows after a [`Backoff`]; after the last, the delivery is a dead letter |
/// | loses its lease | it is dropped where it waits, as by a crash; another worker has the delivery |
///
/// A dead letter lets its tenant's later deliveries go on, and is not folded, with one exception: a disable or an uninstall
/// closes its installation also as a dead letter, so that an [`EnabledGate`](crate::EnabledGate) turns its tenant away.
/// So that an installation is closed does not say that the handler's work was done. Look after dead letters:
/// [`Store::retry`](crate::Store::retry) brings one back to its old place, until it is [too old](Retention). What can no longer be read is a
/// dead letter at once, with its bytes. One of a platform that its [`Store`](crate::Store) was not told of is left for a worker that
/// knows it, as in a rolling deployment; an event at level `ERROR` says so once a minute.
///
/// Errors of the store are logged and tried again, for ever. They never end a worker.
pub struct Worker {
    engine: Arc<dyn Engine>,
    runner: Arc<dyn Runner>,
    pub(crate) settings: Settings,
}

/// How a worker works.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) platforms: Platforms,
    pub(crate) concurrency: usize,
    pub(crate) lease: Duration,
    pub(crate) attempts: u32,
    pub(crate) backoff: Backoff,
    pub(crate) time_limit: Duration,
    pub(crate) drain: Duration,
    pub(crate) poll: Duration,
    pub(crate) retention: Retention,
}

impl Worker {
    pub(crate) fn new(store: &Store, runner: Arc<dyn Runner>) -> Self {
        let settings = Settings {
            name: format!("worker-{}", std::process::id()),
            platforms: store.platforms.clone(),
            concurrency: 16,
            lease: Duration::from_secs(30),
            attempts: 20,
            backoff: Backoff::default(),
            time_limit: Duration::from_secs(120),
            drain: Duration::from_secs(25),
            poll: Duration::from_secs(5),
            retention: Retention::default(),
        };
        Self { engine: store.engine.clone(), runner, settings }
    }

    /// The name that a leased delivery shows; `worker-` and the process id by default. It need not be unique.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// How many deliveries, each of another tenant, it handles at a time; 16 by default, at least 1. Those that run for more than
    /// 30 s do not count, up to as many again: a few tenants whose handlers hang do not hold up the others. When even these places are
    /// taken, a warning says so.
    #[must_use]
    pub fn concurrency(mut self, deliveries: usize) -> Self {
        self.settings.concurrency = deliveries.max(1);
        self
    }

    /// After how long without a sign of life another worker takes a delivery over; 30 s by default, at least 1 s. It is
    /// renewed three times in that time while the handler runs. The clocks of the replicas should agree better than
    /// this.
    ///
    /// A lease that is not renewed in time ends its attempt, which [counts](Self::attempts). So it should be longer than
    /// the longest time for which process, database or network may stand still: a few seconds are for tests. On an
    /// overloaded machine, leases of 1 s are lost one after the other, until sound deliveries are dead letters.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// After how many attempts a delivery is a dead letter; 20 by default, which with the default backoff is one to two
    /// hours. An attempt that lost its lease counts: whether its process died of this very delivery, or was only late,
    /// nobody can tell.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.settings.attempts = attempts.max(1);
        self
    }

    /// How long a failed delivery, and with it its tenant, waits for the next attempt.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.settings.backoff = backoff;
        self
    }

    /// How long a handler may take; 2 minutes by default. Then it is dropped where it waits, and the attempt has failed.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.settings.time_limit = limit;
        self
    }

    /// How long running handlers may take to end after the shutdown; 25 s by default, for most systems kill a process 30 s after
    /// they have asked it to stop; the crate's documentation tells which do not. Then they are dropped where they
    /// wait, and their deliveries are given back for any worker to take at once, the attempt not counted.
    #[must_use]
    pub fn drain(mut self, limit: Duration) -> Self {
        self.settings.drain = limit;
        self
    }

    /// The interval of the fallback poll, which finds what no notification tells of; 5 s by default. Deliveries of this process, and
    /// of others where the engine is notified of them, wake the worker at once.
    #[must_use]
    pub fn poll(mut self, interval: Duration) -> Self {
        self.settings.poll = interval;
        self
    }

    /// How long deliveries are kept that are done, and dead letters, and what tells duplicates. Once an hour it deletes what is
    /// older; where dead letters are among it, the log says how many.
    ///
    /// ```
    /// use lifecycle_inbox::Retention;
    /// use std::time::Duration;
    ///
    /// let day = Duration::from_secs(24 * 3600);
    /// let mut retention = Retention::default();
    /// retention.dead = day * 30;
    /// assert_eq!((retention.done, retention.keys), (day * 7, day * 30));
    /// ```
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.settings.retention = retention;
        self
    }

    /// Works until `shutdown` ends; then takes nothing new, and ends when the running handlers have, or the drain time
    /// is over. When this future is dropped instead, running handlers are dropped with it, and their deliveries are taken
    /// over when their leases end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        telemetry::worker_started(&self.settings.name);
        let mut housekeeping = Housekeeping::new(self.engine.clone(), &self.settings);
        let (dispatcher, mut slots) = self.dispatcher();
        let released = tokio::select! {
            () = dispatcher.leases.renew_loop() => 0,
            () = housekeeping.run() => 0,
            released = async {
                dispatcher.work(&mut slots, shutdown).await;
                dispatcher.drain(&mut slots).await
            } => released,
        };
        telemetry::worker_stopped(&dispatcher.settings.name, released);
    }

    /// For tests: handles all that is due now, and returns how many attempts that took. A failed attempt whose retry is due
    /// now is made again; one that waits for its [`Backoff`] is left for a later call, as is what another worker holds.
    ///
    /// # Errors
    /// [`EngineError`] when nothing can be claimed. What was running is dropped then.
    ///
    /// ```
    /// # use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, async_trait, run_handler, seismic};
    /// # use std::time::Duration;
    /// # struct Seats;
    /// # #[async_trait]
    /// # impl LifecycleHandler for Seats {
    /// #     async fn install(&self, _: &Delivery) -> Result<(), HandlerError> { Err("the directory is away".into()) }
    /// # }
    /// use lifecycle_inbox::{Backoff, MemoryEngine, Store};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let store = Store::new(MemoryEngine::new());
    /// let (inbox, worker) = store.open(Seats); // whose `install` fails today
    /// let worker = worker.attempts(3).backoff(Backoff::new(Duration::ZERO, Duration::ZERO));
    ///
    /// let body = r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r"}"#;
    /// let delivery = lifecycle_testing::delivery(&seismic::PLATFORM, body);
    /// run_handler(&inbox, &delivery, Duration::from_secs(2)).await?; // as an endpoint does
    ///
    /// assert_eq!(worker.run_until_idle().await?, 3);
    /// assert_eq!(store.stats().await?.dead, 1);
    /// assert_eq!(worker.run_until_idle().await?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn run_until_idle(&self) -> Result<usize, EngineError> {
        let (dispatcher, mut slots) = self.dispatcher();
        tokio::select! {
            () = dispatcher.leases.renew_loop() => Ok(0),
            attempts = dispatcher.work_off(&mut slots) => attempts,
        }
    }

    fn dispatcher(&self) -> (Arc<Dispatcher>, Slots) {
        let (engine, runner, settings) = (self.engine.clone(), self.runner.clone(), self.settings.clone());
        let leases = Leases::new(engine.clone(), settings.lease);
        let slots = Slots::new(settings.concurrency);
        (Arc::new(Dispatcher { engine, runner, leases, settings }), slots)
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("settings", &self.settings).finish_non_exhaustive()
    }
}
