//! `Inbox`: writes a delivery durably while the platform waits, so that the work can be done afterwards.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use futures_util::FutureExt;
use lifecycle_core::{Decision, Delivery, EndpointHandler, HandlerError, Observation};
use tokio::time::{Instant, timeout_at};

use crate::engine::Accepted;
use crate::error::EngineError;
use crate::record::Record;
use crate::runner::Runner;
use crate::store::Store;
use crate::telemetry;

/// How long before the end of the time to answer the store has to have written: then it is the inbox that gives up, and
/// not the endpoint, which could not tell why.
const FOR_THE_ANSWER: Duration = Duration::from_millis(100);

/// How long before that the engine has to have given up by itself: what it is still at when nobody waits any more could be
/// kept, though the answer was 503.
const FOR_THE_ENGINE: Duration = Duration::from_millis(100);

/// How long the store has where the time to answer is longer, or has no end.
const LONGEST: Duration = Duration::from_secs(60);

/// How long an observation may take to be recorded.
const RECORD: Duration = Duration::from_secs(5);

/// Asks the handler to [decide](lifecycle_core::LifecycleHandler::decide) about a delivery, and writes what it accepts down,
/// durably and once. Its [`Worker`](crate::Worker) does the rest. Made by [`Store::open`].
///
/// Give it to an adapter's endpoint as you would the handler. The platform has its acknowledgement after one write, however
/// long the work takes. A duplicate of a delivery that is known is accepted, whatever the handler would decide about it now,
/// and not written again.
///
/// The write has to be done 0.2 s before the time to answer is over. When the store cannot, the answer is 503, nothing was
/// kept, and the caller may try again. Only a commit that had begun by then may still end well: then the next try is a
/// duplicate.
#[derive(Clone)]
pub struct Inbox {
    store: Store,
    runner: Arc<dyn Runner>,
}

impl Inbox {
    pub(crate) fn new(store: Store, runner: Arc<dyn Runner>) -> Self {
        Self { store, runner }
    }

    /// Writes down what the app has seen by itself, since its platform sends no callback for it: most often an install, at the
    /// end of the OAuth flow. The worker runs the event's method in the order of the tenant, with a delivery of
    /// [`Trust::Observed`](lifecycle_core::Trust::Observed) and an empty body; the handler is not asked to decide. The same
    /// [observation](Observation::id) again is a duplicate. Ends within 5 s.
    ///
    /// ```
    /// use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, Observation, Status, async_trait, slack};
    /// use lifecycle_inbox::{InstallationStore, MemoryEngine, Store, TenantKey};
    /// use std::time::SystemTime;
    ///
    /// # struct Seats;
    /// # #[async_trait]
    /// # impl LifecycleHandler for Seats {}
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let engine = MemoryEngine::new();
    /// let (inbox, worker) = Store::new(engine.clone()).open(Seats);
    ///
    /// // In the route to which Slack sends the browser back, once the code was exchanged for a token:
    /// let install = Observation::install(&slack::PLATFORM, "A0APP", "T0TEAM", SystemTime::now());
    /// inbox.record(install.actor("U0ADMIN")).await?;
    ///
    /// worker.run_until_idle().await?; // in a test; else `worker.run(shutdown)`
    /// let tenant = TenantKey::new("slack", "A0APP", "T0TEAM");
    /// let installation = engine.installation(&tenant).await?.ok_or("it is there")?;
    /// assert_eq!(installation.status(), Status::Enabled);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EngineError`] when it was not written: the store does not answer, or was not told of the platform
    /// ([`Store::with`]).
    pub async fn record(&self, observation: Observation) -> Result<Accepted, EngineError> {
        let delivery = Delivery::observed(&observation, SystemTime::now());
        self.check_platform(&delivery)?;
        self.write(&delivery, Instant::now() + RECORD).await
    }

    fn check_platform(&self, delivery: &Delivery) -> Result<(), EngineError> {
        if self.store.platforms.find(delivery.platform().name()).is_some() {
            return Ok(());
        }
        let error = EngineError::new("the store was not told of this platform");
        telemetry::not_stored(delivery, &error, Duration::ZERO);
        Err(error)
    }

    /// A duplicate of what was accepted must not be refused because things have changed, perhaps by the very event. Most
    /// handlers accept at once, and then there is nothing to look up: the write finds duplicates by itself.
    async fn decide(&self, delivery: &Delivery, until: Instant) -> Result<Decision, HandlerError> {
        let mut deciding = self.runner.decide(delivery);
        let at_once = deciding.as_mut().now_or_never();
        if let Some(Ok(Decision::Accept)) = at_once {
            return Ok(Decision::Accept);
        }
        let known = in_time(until, self.store.engine.is_known(delivery.idempotency_key())).await;
        if known.map_err(HandlerError::unavailable)? {
            return Ok(Decision::Accept);
        }
        let decision = match at_once {
            Some(decided) => decided?,
            None => deciding.await?,
        };
        Ok(decision.applied_to(delivery))
    }

    async fn write(&self, delivery: &Delivery, until: Instant) -> Result<Accepted, EngineError> {
        let (engine, started) = (&self.store.engine, Instant::now());
        let within = until.saturating_duration_since(started).saturating_sub(FOR_THE_ENGINE);
        let written = in_time(until, engine.accept(Record::from(delivery), engine.now(), within)).await;
        match &written {
            Ok(accepted) => telemetry::stored(delivery, *accepted, started.elapsed()),
            Err(error) => telemetry::not_stored(delivery, error, started.elapsed()),
        }
        written
    }
}

#[async_trait]
impl EndpointHandler for Inbox {
    async fn answer(&self, delivery: &Delivery, within: Duration) -> Result<Decision, HandlerError> {
        self.check_platform(delivery).map_err(HandlerError::unavailable)?;
        let until = Instant::now() + within.saturating_sub(FOR_THE_ANSWER).min(LONGEST);
        let decision = self.decide(delivery, until).await?;
        if decision != Decision::Accept {
            return Ok(decision);
        }
        self.write(delivery, until).await.map_err(HandlerError::unavailable)?;
        Ok(Decision::Accept)
    }
}

/// The store's answer, if it comes in time. Where no time is left, the store is not asked: it might do what nobody waits for.
pub(crate) async fn in_time<T>(
    until: Instant,
    asked: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    let late = || EngineError::new("the store did not answer in time");
    if Instant::now() >= until {
        return Err(late());
    }
    timeout_at(until, asked).await.unwrap_or_else(|_| Err(late()))
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("store", &self.store).finish_non_exhaustive()
    }
}
