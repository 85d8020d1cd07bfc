//! Deliveries, a store with workers, and a handler that does what the request id says and writes down what happened.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lifecycle_core::{
    Decision, Delivery, HandlerError, LifecycleHandler, Rejection, async_trait, run_handler, seismic,
};
use lifecycle_inbox::{
    Accepted, Backoff, DeliveryId, DeliveryState, DeliverySummary, Engine, Inbox, MemoryEngine, Record,
    Store, TenantKey, Worker,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// What is left of the time to answer, where a test does not say otherwise.
pub(crate) const WITHIN: Duration = Duration::from_millis(2_500);

/// A store and a handler, and as many workers as a test starts.
#[derive(Clone, Default)]
pub(crate) struct Bench {
    pub(crate) engine: MemoryEngine,
    pub(crate) script: Script,
}

impl Bench {
    pub(crate) fn store(&self) -> Store {
        Store::new(self.engine.clone())
    }

    pub(crate) fn inbox(&self) -> Inbox {
        self.store().open(self.script.clone()).0
    }

    pub(crate) fn worker(&self) -> Worker {
        let (_, worker) = self.store().open(self.script.clone());
        worker.lease(LEASE).time_limit(SECOND * 600).backoff(Backoff::new(SECOND, SECOND * 60))
    }

    pub(crate) async fn settled(&self) {
        settled(&self.engine).await;
    }
}

/// What an endpoint makes of the inbox's answer.
pub(crate) async fn answer(inbox: &Inbox, delivery: &Delivery) -> Result<(), Rejection> {
    run_handler(inbox, delivery, WITHIN).await
}

pub(crate) fn start(worker: Worker) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    (stop, tokio::spawn(worker.run(shutdown)))
}

pub(crate) fn delivery(tenant: &str, kind: &str, request: &str) -> Delivery {
    let body = serde_json::json!({"type": kind, "appId": "app", "tenantId": tenant, "requestId": request});
    lifecycle_testing::delivery(&seismic::PLATFORM, &body.to_string())
}

pub(crate) fn key(tenant: &str) -> TenantKey {
    TenantKey::new("seismic", "app", tenant)
}

/// Accepts an install; the request id is a word of the [`Script`].
pub(crate) async fn put(engine: &dyn Engine, tenant: &str, request: &str) -> DeliveryId {
    let record = Record::from(&delivery(tenant, "install", request));
    match engine.accept(record, engine.now(), WITHIN).await.unwrap() {
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

/// A handler whose requests say what to do: `ok`, `fail:N` (the first N times), `panic`, `sleep:SECONDS`; and while it decides:
/// `refuse`, `undecided:N` (fails the first N times), `ponder:SECONDS`. Each with an optional `/suffix` that tells it from
/// another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Arc<Mutex<Log>>);

#[derive(Debug, Default)]
struct Log {
    decisions: HashMap<String, usize>,
    runs: HashMap<String, Vec<Instant>>,
    ended: Vec<String>,
    dropped: Vec<String>,
    running: usize,
    most: usize,
}

impl Script {
    /// How often it was asked to decide about a request.
    pub(crate) fn decisions(&self, tenant: &str, request: &str) -> usize {
        self.0.lock().unwrap().decisions.get(&format!("{tenant} {request}")).copied().unwrap_or_default()
    }

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
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        let event = delivery.event();
        let request = event.request_id().unwrap();
        let name = format!("{} {request}", event.tenant());
        *self.0.lock().unwrap().decisions.entry(name).or_default() += 1;
        match word(request) {
            ("refuse", _) => Ok(Decision::refuse("no contract")),
            ("undecided", times) if self.decisions(event.tenant(), request) <= times.parse().unwrap() => {
                Err(failure())
            }
            ("ponder", seconds) => {
                sleep(Duration::from_secs(seconds.parse().unwrap())).await;
                Ok(Decision::Accept)
            }
            _ => Ok(Decision::Accept),
        }
    }

    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let event = delivery.event();
        let request = event.request_id().unwrap();
        let name = format!("{} {request}", event.tenant());
        let mut run = Run::begin(self.clone(), &name);
        let runs = self.runs(event.tenant(), request).len();
        let outcome = match word(request) {
            ("fail", times) if runs <= times.parse().unwrap() => Err(failure()),
            ("panic", _) => panic!("as told"),
            ("sleep", seconds) => {
                sleep(Duration::from_secs(seconds.parse().unwrap())).await;
                Ok(())
            }
            _ => Ok(()),
        };
        run.is_over = true;
        outcome
    }
}

/// What a request says, and how often or how long.
fn word(request: &str) -> (&str, &str) {
    let word = request.split('/').next().unwrap();
    word.split_once(':').unwrap_or((word, "0"))
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
