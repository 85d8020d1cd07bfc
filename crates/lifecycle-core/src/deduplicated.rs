//! Deduplicated: a handler that runs once per event, however often the event is delivered.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::delivery::Delivery;
use crate::handler::{HandlerError, LifecycleHandler, Outcome};
use crate::idempotency::IdempotencyKey;
use crate::turn::Turn;

/// Runs a handler once per [`IdempotencyKey`]: a duplicate of an accepted delivery is accepted without a second run.
///
/// A duplicate that comes while the first still runs waits for it. When the first fails, refuses, or is dropped
/// because its time is over, its key is free again, and the next delivery, or the one that waits, runs. Nothing is
/// remembered but keys, in memory, up to the capacity, the oldest forgotten first: after a restart, or with several
/// replicas, a handler may run again.
///
/// ```
/// # use lifecycle_core::{Deduplicated, Delivery, HandlerError, LifecycleHandler, Outcome, Trust, async_trait, seismic};
/// # use std::sync::atomic::{AtomicU32, Ordering};
/// # use std::time::SystemTime;
/// #[derive(Default)]
/// struct Counter(AtomicU32);
///
/// #[async_trait]
/// impl LifecycleHandler for Counter {
///     async fn install(&self, _: &Delivery) -> Result<Outcome, HandlerError> {
///         self.0.fetch_add(1, Ordering::Relaxed);
///         Ok(Outcome::Accept)
///     }
/// }
///
/// # let body = r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r"}"#;
/// # let delivery = Delivery::from_store_unverified(&seismic::PLATFORM, body, [], Trust::Unsigned, SystemTime::now())?;
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let handler = Deduplicated::new(Counter::default());
/// for _ in 0..3 {
///     assert_eq!(handler.handle(&delivery).await?, Outcome::Accept);
/// }
/// assert_eq!(handler.inner().0.load(Ordering::Relaxed), 1);
/// # Ok::<(), HandlerError>(())
/// # }).map_err(|error| error.to_string())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Deduplicated<H> {
    handler: H,
    capacity: usize,
    entries: Mutex<Entries>,
}

impl<H> Deduplicated<H> {
    /// How many keys are remembered unless [`capacity`](Self::capacity) says otherwise: 10 000, about 2 MB.
    pub const DEFAULT_CAPACITY: usize = 10_000;

    /// Wraps a handler.
    pub fn new(handler: H) -> Self {
        Self { handler, capacity: Self::DEFAULT_CAPACITY, entries: Mutex::default() }
    }

    /// How many keys are remembered. Those of running handlers are never forgotten.
    #[must_use]
    pub fn capacity(mut self, keys: usize) -> Self {
        self.capacity = keys;
        self
    }

    /// The handler within.
    pub fn inner(&self) -> &H {
        &self.handler
    }

    fn claim(&self, key: IdempotencyKey) -> Claim<'_, H> {
        Claim { of: self, key, entry: self.entries().take(key, self.capacity) }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<H: LifecycleHandler> LifecycleHandler for Deduplicated<H> {
    async fn handle(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        let claim = self.claim(delivery.idempotency_key());
        let mut turn = claim.entry.take().await;
        if turn.done {
            return Ok(Outcome::Accept);
        }
        let outcome = self.handler.handle(delivery).await?;
        turn.done = outcome == Outcome::Accept;
        Ok(outcome)
    }
}

impl<H> fmt::Debug for Deduplicated<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deduplicated").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

/// Done when the delivery was accepted; taken while its handler runs.
type Entry = Arc<Turn>;

/// The entries by key, and their keys by age.
#[derive(Default)]
struct Entries {
    by_key: HashMap<IdempotencyKey, (u64, Entry)>,
    by_age: BTreeMap<u64, IdempotencyKey>,
    next: u64,
}

impl Entries {
    fn take(&mut self, key: IdempotencyKey, capacity: usize) -> Entry {
        if let Some((_, entry)) = self.by_key.get(&key) {
            return entry.clone();
        }
        while self.by_key.len() >= capacity {
            let idle = self.by_age.values().find(|key| !self.is_in_use(key)).copied();
            let Some(oldest) = idle else { break };
            self.forget(oldest);
        }
        let entry = Entry::default();
        self.by_age.insert(self.next, key);
        self.by_key.insert(key, (self.next, entry.clone()));
        self.next += 1;
        entry
    }

    fn is_in_use(&self, key: &IdempotencyKey) -> bool {
        self.by_key.get(key).is_some_and(|(_, entry)| Arc::strong_count(entry) > 1)
    }

    fn forget(&mut self, key: IdempotencyKey) {
        if let Some((age, _)) = self.by_key.remove(&key) {
            self.by_age.remove(&age);
        }
    }
}

/// One delivery's hold on its entry. Dropping the last hold on one that was not accepted forgets it.
struct Claim<'c, H> {
    of: &'c Deduplicated<H>,
    key: IdempotencyKey,
    entry: Entry,
}

impl<H> Drop for Claim<'_, H> {
    fn drop(&mut self) {
        let mut entries = self.of.entries();
        let held_by_others = Arc::strong_count(&self.entry) > 2; // the map holds one, this claim another
        if !held_by_others && !self.entry.is_done() {
            entries.forget(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Trust, run_handler, seismic};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, SystemTime};
    use tokio::time;

    /// Fails, refuses or sleeps as the request id says for its first run, and accepts afterwards.
    #[derive(Default)]
    struct Script {
        runs: AtomicUsize,
    }

    #[async_trait]
    impl LifecycleHandler for Script {
        async fn install(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
            let run = self.runs.fetch_add(1, Ordering::SeqCst);
            match delivery.event().request_id() {
                Some("fail") if run == 0 => Err("as told".into()),
                Some("refuse") if run == 0 => Ok(Outcome::refuse("as told")),
                Some("panic") if run == 0 => panic!("as told"),
                Some("slow") => {
                    time::sleep(Duration::from_secs(10)).await;
                    Ok(Outcome::Accept)
                }
                _ => Ok(Outcome::Accept),
            }
        }
    }

    fn delivery(request: &str) -> Delivery {
        let body = format!(r#"{{"type":"install","appId":"a","tenantId":"t","requestId":"{request}"}}"#);
        Delivery::from_store_unverified(&seismic::PLATFORM, body, [], Trust::Unsigned, SystemTime::now())
            .unwrap()
    }

    fn runs(handler: &Deduplicated<Script>) -> usize {
        handler.inner().runs.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn an_accepted_delivery_is_not_run_again() {
        let handler = Deduplicated::new(Script::default());
        for _ in 0..3 {
            assert_eq!(handler.handle(&delivery("r")).await.unwrap(), Outcome::Accept);
        }
        assert_eq!(runs(&handler), 1);
    }

    #[tokio::test]
    async fn a_failure_a_refusal_and_a_panic_free_the_key() {
        for request in ["fail", "refuse", "panic"] {
            let handler = Deduplicated::new(Script::default());
            assert!(run_handler(&handler, &delivery(request)).await.is_err(), "{request}");
            assert!(handler.entries().by_key.is_empty(), "{request}");
            assert_eq!(run_handler(&handler, &delivery(request)).await, Ok(()), "{request}");
            assert_eq!(run_handler(&handler, &delivery(request)).await, Ok(()), "{request}");
            assert_eq!(runs(&handler), 2, "{request}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_timed_out_run_frees_the_key() {
        let handler = Deduplicated::new(Script::default());
        let first = time::timeout(Duration::from_secs(1), handler.handle(&delivery("slow"))).await;
        assert!(first.is_err());
        assert!(handler.entries().by_key.is_empty());
        handler.handle(&delivery("slow")).await.unwrap();
        assert_eq!(runs(&handler), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_duplicates_run_once() {
        let handler = Deduplicated::new(Script::default());
        let slow = delivery("slow");
        let (first, second, third) =
            tokio::join!(handler.handle(&slow), handler.handle(&slow), handler.handle(&slow));
        assert!([first, second, third].iter().all(|outcome| matches!(outcome, Ok(Outcome::Accept))));
        assert_eq!(runs(&handler), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_waits_runs_when_the_first_times_out() {
        let handler = Deduplicated::new(Script::default());
        let slow = delivery("slow");
        let first = time::timeout(Duration::from_secs(1), handler.handle(&slow));
        let (first, second) = tokio::join!(first, handler.handle(&slow));
        assert!(first.is_err());
        assert_eq!(second.unwrap(), Outcome::Accept);
        assert_eq!(runs(&handler), 2);
    }

    #[tokio::test]
    async fn the_oldest_key_is_forgotten_at_the_capacity() {
        let handler = Deduplicated::new(Script::default()).capacity(2);
        for request in ["1", "2", "3", "3", "2"] {
            handler.handle(&delivery(request)).await.unwrap();
        }
        assert_eq!(runs(&handler), 3);
        handler.handle(&delivery("1")).await.unwrap();
        assert_eq!(runs(&handler), 4);
        let entries = handler.entries();
        assert_eq!((entries.by_key.len(), entries.by_age.len()), (2, 2));
    }
}
