//! Events that the app has seen by itself.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use lifecycle_core::{
    Ack, Decision, Delivery, EventFields, EventKind, HandlerError, LifecycleHandler, Observation, Platform,
    Proof, Trust, async_trait, slack,
};
use lifecycle_inbox::{Accepted, Engine, Fault, MemoryEngine, Store};

/// Refuses everything that it is asked about, and writes down what it handles.
#[derive(Clone, Default)]
struct Closed(Arc<Mutex<Vec<(EventKind, Trust)>>>);

#[async_trait]
impl LifecycleHandler for Closed {
    async fn decide(&self, _delivery: &Delivery) -> Result<Decision, HandlerError> {
        Ok(Decision::refuse("closed"))
    }

    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        assert!(delivery.body().is_empty());
        let seen = (delivery.event().kind().clone(), delivery.trust().clone());
        self.0.lock().unwrap().push(seen);
        Ok(())
    }
}

static OTHER: Platform = Platform::new("other", Proof::UnguessableUrl, Ack::new(200), |_| {
    Ok(EventFields::new(EventKind::Install))
});

fn install() -> Observation {
    Observation::install(&slack::PLATFORM, "app", "t", SystemTime::now())
}

#[tokio::test(start_paused = true)]
async fn what_was_observed_is_handled_once_without_a_decision() {
    let (engine, handler) = (MemoryEngine::new(), Closed::default());
    let (inbox, worker) = Store::new(engine.clone()).open(handler.clone());
    assert!(matches!(inbox.record(install().id("i")).await, Ok(Accepted::New(_))));
    assert_eq!(inbox.record(install().id("i")).await.unwrap(), Accepted::Duplicate);
    let uninstall = Observation::uninstall(&slack::PLATFORM, "app", "t", SystemTime::now());
    inbox.record(uninstall).await.unwrap();
    assert_eq!(worker.run_until_idle().await.unwrap(), 2);
    let seen = handler.0.lock().unwrap().clone();
    assert_eq!(seen, [(EventKind::Install, Trust::Observed), (EventKind::Uninstall, Trust::Observed)]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_recorded_is_an_error_and_not_kept() {
    let engine = MemoryEngine::new();
    let (inbox, _) = Store::new(engine.clone()).open(Closed::default());
    let unknown = Observation::install(&OTHER, "app", "t", SystemTime::now());
    assert!(inbox.record(unknown).await.unwrap_err().to_string().contains("platform"));
    engine.set_fault(Some(Fault::Slow(Duration::from_secs(60))));
    inbox.record(install()).await.unwrap_err();
    engine.set_fault(None);
    assert_eq!(engine.stats(engine.now()).await.unwrap().depth(), 0);
}
