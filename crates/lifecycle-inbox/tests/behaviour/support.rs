//! Deliveries, a store with workers, and a handler that does what the request id says and writes down what happened.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, Outcome, Trust, async_trait, seismic};
use lifecycle_inbox::{
    Accepted, Backoff, DeliveryId, DeliveryState, DeliverySummary, Engine, MemoryEngine, Record, TenantKey,
    Worker,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// A store and a handler, and as many workers as a test starts.
#[derive(Clone, Default)]
pub(crate) struct Bench {
    pub(crate) engine: MemoryEngine,
    pub(crate) script: Script,
}

impl Bench {
    pub(crate) fn worker(&self) -> Worker {
        Worker::new(Arc::new(self.engine.clone()), self.script.clone())
            .lease(LEASE)
            .time_limit(SECOND * 600)
            .backoff(Backoff::new(SECOND, SECOND * 60))
    }

    pub(crate) async fn settled(&self) {
        settled(&self.engine).await;
    }
}

pub(crate) fn start(worker: Worker) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    (stop, tokio::spawn(worker.run(shutdown)))
}

pub(crate) fn delivery(tenant: &str, kind: &str, request: &str) -> Delivery {
    let body = serde_json::json!({"type": kind, "appId": "app", "tenantId": tenant, "requestId": request});
    Delivery::from_store_unverified(
        &seismic::PLATFORM,
        body.to_string(),
        [],
        Trust::Unsigned,
        SystemTime::now(),
    )
    .unwrap()
}

pub(crate) fn key(tenant: &str) -> TenantKey {
    TenantKey::new("seismic", "app", tenant)
}

/// Accepts an install; the request id is a word of the [`Script`].
pub(crate) async fn put(engine: &dyn Engine, tenant: &str, request: &str) -> DeliveryId {
    let record = Record::from(&delivery(tenant, "install", request));
    match engine.accept(record, engine.now()).await.unwrap() {
        Accepted::New(id) => id,
        Accepted::Duplicate => panic!("{tenant}/{request} is no duplicate"),
    }
}

pub(crate) async fn summary(engine: &dyn Engine, id: DeliveryId) -> DeliverySummary {
    engine.show(id).await.unwrap().unwrap().summary
}

pub(crate) async fn state(engine: &dyn Engine, id: DeliveryId) -> DeliveryState {
    summary(engine, id).await.state
}

/// Waits until all rows are done or dead. Ends the test's time if they never are.
pub(crate) async fn settled(engine: &dyn Engine) {
    while engine.stats(engine.now()).await.unwrap().depth() > 0 {
        sleep(Duration::from_millis(10)).await;
    }
}

/// A handler whose requests say what to do: `ok`, `fail:N` (the first N times), `refuse`, `panic`, `sleep:SECONDS`, each
/// with an optional `/suffix` that tells it from another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Arc<Mutex<Log>>);

#[derive(Debug, Default)]
struct Log {
    runs: HashMap<String, Vec<Instant>>,
    ended: Vec<String>,
    dropped: Vec<String>,
    running: usize,
    most: usize,
}

impl Script {
    /// When a request was begun.
    pub(crate) fn runs(&self, tenant: &str, request: &str) -> Vec<Instant> {
        self.0.lock().unwrap().runs.get(&format!("{tenant} {request}")).cloned().unwrap_or_default()
    }

    /// Requests whose handler came to its end, in order.
    pub(crate) fn ended(&self) -> Vec<String> {
        self.0.lock().unwrap().ended.clone()
    }

    /// Requests whose handler was dropped where it waited.
    pub(crate) fn dropped(&self) -> Vec<String> {
        self.0.lock().unwrap().dropped.clone()
    }

    /// The most handlers that ran at a time.
    pub(crate) fn most(&self) -> usize {
        self.0.lock().unwrap().most
    }
}

#[async_trait]
impl LifecycleHandler for Script {
    async fn handle(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        let event = delivery.event();
        let request = event.request_id().unwrap();
        let name = format!("{} {request}", event.tenant());
        let mut run = Run::begin(self.clone(), &name);
        let runs = self.runs(event.tenant(), request).len();
        let word = request.split('/').next().unwrap();
        let outcome = match word.split_once(':').unwrap_or((word, "0")) {
            ("fail", times) if runs <= times.parse().unwrap() => Err(failure()),
            ("refuse", _) => Ok(Outcome::refuse("no contract")),
            ("panic", _) => panic!("as told"),
            ("sleep", seconds) => {
                sleep(Duration::from_secs(seconds.parse().unwrap())).await;
                Ok(Outcome::Accept)
            }
            _ => Ok(Outcome::Accept),
        };
        run.is_over = true;
        outcome
    }
}

struct Run {
    script: Script,
    name: String,
    is_over: bool,
}

impl Run {
    fn begin(script: Script, name: &str) -> Self {
        let mut log = script.0.lock().unwrap();
        log.runs.entry(name.to_owned()).or_default().push(Instant::now());
        log.running += 1;
        log.most = log.most.max(log.running);
        drop(log);
        Self { script, name: name.to_owned(), is_over: false }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let mut log = self.script.0.lock().unwrap();
        log.running -= 1;
        let name = std::mem::take(&mut self.name);
        if self.is_over { log.ended.push(name) } else { log.dropped.push(name) }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the seat could not be made")]
struct Failure(#[source] std::io::Error);

fn failure() -> HandlerError {
    Failure(std::io::Error::other("the directory is away")).into()
}
