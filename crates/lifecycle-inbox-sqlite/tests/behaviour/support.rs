//! Deliveries, an engine in a folder of its own, workers, and this program started once more.

use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use lifecycle_core::{Delivery, HandlerError, seismic};
use lifecycle_inbox::{Accepted, Backoff, Claim, ClaimRequest, DeliveryId, Engine, Record, Store};
use lifecycle_inbox_sqlite::{SqliteEngine, Transaction, TransactionalHandler, rusqlite};
use rusqlite::Connection;
use tempfile::TempDir;

/// How long a write may take.
pub(crate) const WITHIN: Duration = Duration::from_secs(5);

/// An engine on a new file. The folder goes with it.
pub(crate) struct Bench {
    pub(crate) engine: SqliteEngine,
    pub(crate) folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { engine: SqliteEngine::open(folder.path().join("inbox.db")).unwrap(), folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("inbox.db")
    }

    /// A connection beside the engine's own, as another process would have.
    pub(crate) fn connection(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// A row is there for each of these requests, and for nothing else.
    pub(crate) async fn holds(&self, requests: &[&str]) -> bool {
        let rows = self.engine.list(&lifecycle_inbox::DeliveryFilter::default()).await.unwrap();
        let mut expected = Vec::new();
        for request in requests {
            expected.push(Some(record("t", request).key));
        }
        rows.into_iter().map(|row| row.key).collect::<Vec<_>>() == expected
    }

    /// Has all that is due handled, and what fails tried again at once.
    pub(crate) async fn work(&self, handler: impl TransactionalHandler) {
        let (_, worker) = Store::new(self.engine.clone()).open_with(self.engine.runner(handler));
        let worker = worker.backoff(Backoff::new(Duration::ZERO, Duration::ZERO));
        worker.run_until_idle().await.unwrap();
    }
}

pub(crate) async fn settled(engine: &SqliteEngine) {
    while engine.stats(engine.now()).await.unwrap().depth() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn delivery(tenant: &str, request: &str) -> Delivery {
    let body =
        serde_json::json!({"type": "install", "appId": "app", "tenantId": tenant, "requestId": request});
    lifecycle_testing::delivery(&seismic::PLATFORM, &body.to_string())
}

pub(crate) fn record(tenant: &str, request: &str) -> Record {
    Record::from(&delivery(tenant, request))
}

pub(crate) async fn put(engine: &SqliteEngine, request: &str) -> DeliveryId {
    match engine.accept(record("t", request), engine.now(), WITHIN).await.unwrap() {
        Accepted::New(id) => id,
        Accepted::Duplicate => panic!("{request} is no duplicate"),
    }
}

pub(crate) async fn claim_one(engine: &SqliteEngine) -> Claim {
    let lease = Duration::from_secs(60);
    let request = ClaimRequest::new("w", &["seismic"], engine.now(), lease, 1);
    engine.claim(request).await.unwrap().remove(0)
}

/// A handler that is a function.
pub(crate) struct Handler<F>(pub(crate) F);

impl<F> TransactionalHandler for Handler<F>
where
    F: Fn(&Delivery, &Transaction<'_>) -> Result<(), HandlerError> + Send + Sync + 'static,
{
    fn event(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        (self.0)(delivery, transaction)
    }
}

/// Keeps the writer busy until it is dropped.
pub(crate) struct Busy {
    _release: SyncSender<()>,
}

impl Busy {
    /// Returns once the writer is at it. It takes a row to run a handler for, which must be the only one.
    pub(crate) async fn new(engine: &SqliteEngine) -> Self {
        let claimed = claim_one(engine).await;
        let (release, released) = sync_channel::<()>(0);
        let (running, runs) = sync_channel(1);
        let released = std::sync::Mutex::new(released);
        let runner = engine.runner(Handler(move |_: &Delivery, _: &Transaction<'_>| {
            let _ = running.try_send(());
            let _ = Receiver::recv(&released.lock().unwrap()); // ends when the sender is dropped
            Ok(())
        }));
        tokio::spawn(async move {
            let delivery = claimed.record.unwrap().restore(&lifecycle_inbox::Platforms::default()).unwrap();
            lifecycle_inbox::Runner::run(&runner, claimed.token, &delivery).await
        });
        tokio::task::spawn_blocking(move || runs.recv().unwrap()).await.unwrap();
        Self { _release: release }
    }
}

/// This test once more, in a process of its own, which finds this word in the environment.
pub(crate) fn again(test: &str, word: &str, value: &std::path::Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(word, value);
    command
}
