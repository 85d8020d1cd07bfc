//! Memory: the engine that keeps everything in this process, for tests and demos.

mod engine;
mod installations;
mod secrets;
mod store;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::EngineError;
use crate::notifier::Notifier;
use crate::timestamp::Timestamp;
use store::Store;

/// An engine in memory. It keeps every rule of the contract but one: nothing survives the process.
///
/// Clones share one store. Its clock is tokio's, so it stands still where a test pauses the time.
#[derive(Clone, Default)]
pub struct MemoryEngine(Arc<Shared>);

/// What can be wrong with a store, for tests of what an app does then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing can be read or written.
    Away,
    /// Everything takes this long.
    Slow(Duration),
}

impl MemoryEngine {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on has this fault, or none.
    pub fn set_fault(&self, fault: Option<Fault>) {
        *self.0.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Sets its clock, as people and time servers do. It goes on from there.
    pub fn set_clock(&self, now: Timestamp) {
        *self.0.clock.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), now);
    }

    async fn store(&self) -> Result<MutexGuard<'_, Store>, EngineError> {
        let fault = *self.0.fault.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(Fault::Away) => return Err(EngineError::new("the store is away")),
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            None => {}
        }
        Ok(self.0.store.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for MemoryEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEngine").finish_non_exhaustive()
    }
}

struct Shared {
    store: Mutex<Store>,
    fault: Mutex<Option<Fault>>,
    notifier: Notifier,
    /// The same moment on both clocks.
    clock: Mutex<(Instant, Timestamp)>,
}

impl Default for Shared {
    fn default() -> Self {
        let clock = Mutex::new((Instant::now(), Timestamp::now()));
        Self { store: Mutex::default(), fault: Mutex::default(), notifier: Notifier::default(), clock }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{self, Replicas};

    #[tokio::test]
    async fn the_engine_in_memory_keeps_every_rule_of_the_contract() {
        contract::check(|| async {
            let engine = MemoryEngine::new();
            Replicas { one: Arc::new(engine.clone()), two: Arc::new(engine) }
        })
        .await;
        let engine = MemoryEngine::new();
        contract::check_secrets(&engine, &engine.clone()).await;
    }
}
