//! Inbox: the handler that writes a delivery durably and accepts, so that the work can be done afterwards.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, Outcome};
use tokio::time::timeout;

use crate::engine::{Accepted, DeliveryId, Engine};
use crate::error::EngineError;
use crate::housekeeping::prune;
use crate::operations::{
    DeliveryFilter, DeliverySummary, Pruned, Retention, Stats, StoredDelivery, UnknownPlatform,
};
use crate::record::{Platforms, Record};
use crate::telemetry;

/// A handler that writes each delivery durably, once, and accepts it. A [`Worker`](crate::Worker) does the rest.
///
/// Give it to an adapter's endpoint as you would any handler. The platform has its acknowledgement after one write,
/// however long the work takes. A duplicate of a delivery that is known is accepted and not written again. When the
/// store cannot write in time, the answer is 503 and the caller may try again: if the write was finished after all, the
/// next try is a duplicate.
///
/// It is also how an operator looks at what was accepted: [`stats`](Self::stats), [`list`](Self::list),
/// [`show`](Self::show), [`retry`](Self::retry), [`delete`](Self::delete), [`prune`](Self::prune).
///
/// ```
/// use lifecycle_core::{LifecycleHandler, Outcome};
/// use lifecycle_inbox::{Inbox, MemoryEngine};
/// use std::sync::Arc;
///
/// # use lifecycle_core::{Delivery, Trust, seismic};
/// # let body = r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r"}"#;
/// # let delivery = Delivery::from_store_unverified(&seismic::PLATFORM, body, [], Trust::Unsigned, std::time::SystemTime::now())?;
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let inbox = Inbox::new(Arc::new(MemoryEngine::new()));
/// assert_eq!(inbox.handle(&delivery).await?, Outcome::Accept);
/// assert_eq!(inbox.handle(&delivery).await?, Outcome::Accept); // a duplicate
/// assert_eq!(inbox.stats().await?.pending, 1);
/// # Ok::<(), lifecycle_core::HandlerError>(())
/// # }).map_err(|error| error.to_string())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Inbox {
    engine: Arc<dyn Engine>,
    gate: Option<Arc<dyn LifecycleHandler>>,
    platforms: Platforms,
    timeout: Duration,
}

impl Inbox {
    /// How long the store may take unless [`timeout`](Self::with_timeout) says otherwise: 2.4 s, so that it is the inbox that
    /// gives up, and not the verifier 0.1 s later. Where writes share commits, one waits for the commit before its own
    /// too: a store that takes a second for each is in time.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(2_400);

    /// An inbox that writes to this engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, gate: None, platforms: Platforms::default(), timeout: Self::DEFAULT_TIMEOUT }
    }

    /// Asks this handler first, and writes only what it accepts. What it refuses is refused to the platform, which
    /// blocks the administrator's action on purpose; what it fails at is answered as its failure.
    ///
    /// It runs while the platform waits, and may run more than once for the same delivery. A duplicate of what it let
    /// through before is accepted without asking again.
    #[must_use]
    pub fn gate(mut self, gate: impl LifecycleHandler) -> Self {
        self.gate = Some(Arc::new(gate));
        self
    }

    /// The platforms whose deliveries it accepts; the built-in ones by default. One of another platform is answered 503 and not
    /// written, since no [worker](crate::Worker::platforms) would know what to do with it.
    #[must_use]
    pub fn with_platforms(mut self, platforms: Platforms) -> Self {
        self.platforms = platforms;
        self
    }

    /// How long the store may take to write; [2.4 s](Self::DEFAULT_TIMEOUT) by default. The verifier's own timeout, which
    /// the gate also counts against, should be longer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How much there is to do, and how much went wrong.
    pub async fn stats(&self) -> Result<Stats, EngineError> {
        self.engine.stats(self.engine.now()).await
    }

    /// What waits for a worker that knows other [platforms](Self::with_platforms) than this inbox does.
    pub async fn unknown_platforms(&self) -> Result<Vec<UnknownPlatform>, EngineError> {
        self.engine.unknown_platforms(&self.platforms.names(), self.engine.now()).await
    }

    /// Deliveries in the order of acceptance, in pages.
    pub async fn list(&self, filter: &DeliveryFilter) -> Result<Vec<DeliverySummary>, EngineError> {
        self.engine.list(filter).await
    }

    /// One delivery with its bytes.
    pub async fn show(&self, id: DeliveryId) -> Result<Option<StoredDelivery>, EngineError> {
        self.engine.show(id).await
    }

    /// Has a dead letter handled again, or a waiting delivery at once; at its old place in its tenant's order, and with
    /// all its attempts before it. `false` when there is none such.
    pub async fn retry(&self, id: DeliveryId) -> Result<bool, EngineError> {
        self.engine.retry(id, self.engine.now()).await
    }

    /// Deletes a delivery, in whatever state it is. If it comes again, it is still a duplicate. `false` when there is
    /// none such.
    pub async fn delete(&self, id: DeliveryId) -> Result<bool, EngineError> {
        self.engine.delete(id).await
    }

    /// Deletes deliveries and forgets keys that were kept for as long as this says. A worker does it by itself every hour.
    pub async fn prune(&self, retention: Retention) -> Result<Pruned, EngineError> {
        prune(&*self.engine, retention).await
    }

    /// For a health check: whether the store can be written to, within the timeout.
    pub async fn check(&self) -> Result<(), EngineError> {
        self.in_time(self.engine.check()).await
    }

    async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        match timeout(self.timeout, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(EngineError::new("the store did not answer in time")),
        }
    }

    fn check_platform(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        if self.platforms.find(delivery.platform().name()).is_some() {
            return Ok(());
        }
        let error = EngineError::new("the inbox was not told of this platform");
        telemetry::not_stored(delivery, &error, Duration::ZERO);
        Err(HandlerError::unavailable(error))
    }

    async fn pass_gate(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        let Some(gate) = &self.gate else { return Ok(Outcome::Accept) };
        let known = self.in_time(self.engine.is_known(delivery.idempotency_key())).await;
        if known.map_err(HandlerError::unavailable)? {
            return Ok(Outcome::Accept);
        }
        gate.handle(delivery).await
    }

    async fn write(&self, delivery: &Delivery) -> Result<Accepted, EngineError> {
        self.in_time(self.engine.accept(Record::from(delivery), self.engine.now())).await
    }
}

#[async_trait]
impl LifecycleHandler for Inbox {
    async fn handle(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        self.check_platform(delivery)?;
        let outcome = self.pass_gate(delivery).await?;
        if outcome != Outcome::Accept {
            return Ok(outcome);
        }
        let started = Instant::now();
        match self.write(delivery).await {
            Ok(accepted) => {
                telemetry::stored(delivery, accepted, started.elapsed());
                Ok(Outcome::Accept)
            }
            Err(error) => {
                telemetry::not_stored(delivery, &error, started.elapsed());
                Err(HandlerError::unavailable(error))
            }
        }
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
