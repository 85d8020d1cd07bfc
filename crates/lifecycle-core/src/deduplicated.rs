//! `Deduplicated`: a handler that runs once per event, however often the event is delivered.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::decision::Decision;
use crate::delivery::Delivery;
use crate::endpoint_handler::EndpointHandler;
use crate::handler::LifecycleHandler;
use crate::handler_error::HandlerError;
use crate::single_flight::SingleFlight;

/// Runs a handler once per [`IdempotencyKey`](crate::IdempotencyKey): a duplicate of an accepted delivery is accepted, and
/// neither decided about nor run again. For an endpoint without an inbox; an inbox detects duplicates itself.
///
/// A duplicate that comes while the first still runs waits for it. When the first fails, refuses, or is dropped
/// because its time is over, its key is free again, and the next delivery, or the one that waits, runs. Only the keys of accepted
/// deliveries are remembered, in memory, up to the capacity, and the oldest are forgotten first: after a restart, or with
/// several replicas, a handler may run again. Clones share what they remember.
///
/// ```
/// # use lifecycle_core::{Deduplicated, Delivery, HandlerError, LifecycleHandler, async_trait, run_handler, seismic};
/// # use std::sync::atomic::{AtomicU32, Ordering};
/// # use std::time::{Duration, SystemTime};
/// #[derive(Default)]
/// struct Counter(AtomicU32);
///
/// #[async_trait]
/// impl LifecycleHandler for Counter {
///     async fn install(&self, _: &Delivery) -> Result<(), HandlerError> {
///         self.0.fetch_add(1, Ordering::Relaxed);
///         Ok(())
///     }
/// }
///
/// # let body = r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r"}"#;
/// # let delivery = lifecycle_testing::delivery(&seismic::PLATFORM, body);
/// # let within = Duration::from_secs(2);
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let handler = Deduplicated::new(Counter::default());
/// for _ in 0..3 {
///     run_handler(&handler, &delivery, within).await?; // as an endpoint does
/// }
/// assert_eq!(handler.inner().0.load(Ordering::Relaxed), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Deduplicated<H> {
    handler: Arc<H>,
    keys: Arc<SingleFlight>,
}

impl<H> Deduplicated<H> {
    /// How many keys are remembered unless [`with_capacity`](Self::with_capacity) says otherwise: 10 000, about 1 MB.
    pub const DEFAULT_CAPACITY: usize = 10_000;

    /// Wraps a handler.
    pub fn new(handler: H) -> Self {
        Self { handler: Arc::new(handler), keys: Arc::new(SingleFlight::new(Self::DEFAULT_CAPACITY)) }
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn with_capacity(self, keys: usize) -> Self {
        Self { handler: self.handler, keys: Arc::new(SingleFlight::new(keys)) }
    }

    /// The handler within.
    pub fn inner(&self) -> &H {
        &self.handler
    }
}

/// One future from before the decision to after the event's method, so that the claim on the key ends when it is dropped. With
/// two methods nothing would end the claim in between.
#[async_trait]
impl<H: LifecycleHandler> EndpointHandler for Deduplicated<H> {
    async fn answer(&self, delivery: &Delivery, within: Duration) -> Result<Decision, HandlerError> {
        let Some(flight) = self.keys.begin(delivery.idempotency_key()).await else {
            return Ok(Decision::Accept);
        };
        let decision = self.handler.answer(delivery, within).await?;
        if decision == Decision::Accept {
            flight.done();
        }
        Ok(decision)
    }
}

impl<H> Clone for Deduplicated<H> {
    fn clone(&self) -> Self {
        Self { handler: self.handler.clone(), keys: self.keys.clone() }
    }
}

impl<H> fmt::Debug for Deduplicated<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deduplicated").field("capacity", &self.keys.capacity()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rejection, run_handler, seismic, testing};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::time;

    const WITHIN: Duration = Duration::from_secs(60);

    /// Fails, refuses or sleeps as the request id says for its first run, and accepts afterwards.
    #[derive(Default)]
    struct Script {
        decisions: AtomicUsize,
        runs: AtomicUsize,
    }

    #[async_trait]
    impl LifecycleHandler for Script {
        async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
            let first = self.decisions.fetch_add(1, Ordering::SeqCst) == 0;
            match delivery.event().request_id() {
                Some("refuse") if first => Ok(Decision::refuse("as told")),
                Some("undecided") if first => Err("as told".into()),
                _ => Ok(Decision::Accept),
            }
        }

        async fn install(&self, delivery: &Delivery) -> Result<(), HandlerError> {
            let first = self.runs.fetch_add(1, Ordering::SeqCst) == 0;
            match delivery.event().request_id() {
                Some("fail") if first => Err("as told".into()),
                Some("panic") if first => panic!("as told"),
                Some("slow") => {
                    time::sleep(Duration::from_secs(10)).await;
                    Ok(())
                }
                _ => Ok(()),
            }
        }
    }

    fn delivery(request: &str) -> Delivery {
        let body = format!(r#"{{"type":"install","appId":"a","tenantId":"t","requestId":"{request}"}}"#);
        testing::delivery(&seismic::PLATFORM, &body).unwrap()
    }

    /// How often it decided, and how often it ran.
    fn counts(handler: &Deduplicated<Script>) -> (usize, usize) {
        let Script { decisions, runs } = handler.inner();
        (decisions.load(Ordering::SeqCst), runs.load(Ordering::SeqCst))
    }

    async fn answer(handler: &Deduplicated<Script>, delivery: &Delivery) -> Result<(), Rejection> {
        run_handler(handler, delivery, WITHIN).await
    }

    #[tokio::test]
    async fn an_accepted_delivery_is_neither_decided_nor_run_again() {
        let handler = Deduplicated::new(Script::default());
        for _ in 0..3 {
            assert_eq!(answer(&handler.clone(), &delivery("r")).await, Ok(()));
        }
        assert_eq!(counts(&handler), (1, 1));
    }

    #[tokio::test]
    async fn a_failure_a_refusal_and_a_panic_free_the_key() {
        for (request, expected) in
            [("fail", (2, 2)), ("panic", (2, 2)), ("refuse", (2, 1)), ("undecided", (2, 1))]
        {
            let handler = Deduplicated::new(Script::default());
            assert!(answer(&handler, &delivery(request)).await.is_err(), "{request}");
            assert_eq!(answer(&handler, &delivery(request)).await, Ok(()), "{request}");
            assert_eq!(answer(&handler, &delivery(request)).await, Ok(()), "{request}");
            assert_eq!(counts(&handler), expected, "{request}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_timed_out_run_frees_the_key() {
        let handler = Deduplicated::new(Script::default());
        let slow = delivery("slow");
        assert!(time::timeout(Duration::from_secs(1), answer(&handler, &slow)).await.is_err());
        answer(&handler, &slow).await.unwrap();
        assert_eq!(counts(&handler), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_duplicates_run_once() {
        let handler = Deduplicated::new(Script::default());
        let slow = delivery("slow");
        let answers = tokio::join!(answer(&handler, &slow), answer(&handler, &slow), answer(&handler, &slow));
        assert_eq!(answers, (Ok(()), Ok(()), Ok(())));
        assert_eq!(counts(&handler), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_waits_runs_when_the_first_times_out() {
        let handler = Deduplicated::new(Script::default());
        let slow = delivery("slow");
        let first = time::timeout(Duration::from_secs(1), answer(&handler, &slow));
        let (first, second) = tokio::join!(first, answer(&handler, &slow));
        assert!(first.is_err());
        assert_eq!(second, Ok(()));
        assert_eq!(counts(&handler), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_stopped_waiting_does_not_keep_the_next_from_running() {
        let handler = Deduplicated::new(Script::default());
        let slow = delivery("slow");
        let first = time::timeout(Duration::from_secs(2), answer(&handler, &slow));
        let gone = time::timeout(Duration::from_secs(1), answer(&handler, &slow));
        let (first, gone, last) = tokio::join!(first, gone, answer(&handler, &slow));
        assert!(first.is_err() && gone.is_err());
        assert_eq!(last, Ok(()));
        assert_eq!(counts(&handler), (2, 2));
    }

    #[tokio::test]
    async fn the_oldest_key_is_forgotten_at_the_capacity() {
        let handler = Deduplicated::new(Script::default()).with_capacity(2);
        for request in ["1", "2", "3", "3", "2"] {
            answer(&handler, &delivery(request)).await.unwrap();
        }
        assert_eq!(counts(&handler), (3, 3));
        answer(&handler, &delivery("1")).await.unwrap();
        assert_eq!(counts(&handler), (4, 4));
    }
}
