//! Nodes that take no writes: a primary that fails over to its standby under load, and a server that is read-only for a
//! while.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lifecycle_inbox::{Backoff, Engine};
use lifecycle_inbox_postgres::{OpenError, PostgresEngine};
use test_app::{App, DEADLINE};
use test_postgres::Server;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::outage::{Handler, Sent, is_whole, send};
use crate::support::effects::{Effects, effects};
use crate::support::{Store, connect};
use crate::until;

const TENANTS: u32 = 8;

/// An app on this store, with a platform that does not rest.
struct Scene {
    store: Store,
    engine: PostgresEngine,
    senders: Vec<JoinHandle<Sent>>,
    is_over: Arc<AtomicBool>,
    worker: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Scene {
    async fn start(url: &str) -> Self {
        let store = Store::on(url);
        let engine = store.open().await;
        let runner = engine.runner(Handler(Effects::create(&store).await));
        let (inbox, worker) = lifecycle_inbox::Store::new(engine.clone()).open_with(runner);
        let worker = worker
            .backoff(Backoff::new(Duration::from_millis(50), Duration::from_millis(200)))
            .lease(Duration::from_secs(5))
            .poll(Duration::from_millis(200));
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));
        let app = Arc::new(App::start(inbox).await);
        let is_over = Arc::new(AtomicBool::new(false));
        let senders = (0..TENANTS)
            .map(|tenant| tokio::spawn(send(app.clone(), tenant.to_string(), is_over.clone())))
            .collect();
        sleep(Duration::from_secs(1)).await;
        Self { store, engine, senders, is_over, worker, stop }
    }

    /// All that was acknowledged is handled, once and in order, by the process that was there all the time.
    async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let mut expected = HashMap::new();
        for sender in self.senders {
            let sent = sender.await.unwrap();
            for (_, answer) in sent.answers {
                assert!(matches!(answer.status, 202 | 503) && answer.took < DEADLINE, "{answer:?}");
            }
            let handled: Vec<String> = (0..sent.acknowledged).map(|nth| nth.to_string()).collect();
            expected.insert(sent.tenant, handled);
        }
        until("all is handled", async || {
            self.engine.stats(self.engine.now()).await.is_ok_and(|stats| stats.depth() + stats.dead == 0)
        })
        .await;
        assert_eq!(effects(&self.store).await, expected);
        assert!(is_whole(&self.store, expected.values().map(Vec::len).sum()).await);
        assert!(!self.worker.is_finished());
        self.stop.send(()).unwrap();
        self.worker.await.unwrap();
    }
}

pub(crate) async fn administer(server: &Server, statements: &[&str]) {
    let client = connect(&server.url()).await.unwrap();
    for statement in statements {
        client.batch_execute(statement).await.unwrap();
    }
}

pub(crate) const READ_ONLY: &[&str] =
    &["ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"];
pub(crate) const WRITABLE: &[&str] =
    &["ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"];
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_is_promoted_goes_on_with_all_that_was_acknowledged() {
    let mut primary = Server::start();
    let mut standby = primary.start_standby();
    administer(&primary, &["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"])
        .await;
    let scene = Scene::start(&primary.url_with(&standby)).await;
    primary.stop();
    sleep(Duration::from_secs(3)).await; // only the standby is there, and answers what it is asked
    assert!(scene.engine.check().await.is_err());
    assert!(scene.engine.stats(scene.engine.now()).await.is_err(), "what it knows may be old");
    standby.promote();
    let written = async || scene.engine.check().await.is_ok();
    until("it is written to the new primary", written).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_hangs_is_left_for_its_standby_when_that_is_promoted() {
    let mut primary = Server::start();
    let mut standby = primary.start_standby();
    administer(&primary, &["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"])
        .await;
    let url = primary.url_with(&standby);
    let mut scene = Scene::start(&url).await;
    primary.freeze(); // it still takes connections, and says nothing
    standby.promote();
    until("it is written to the new primary", async || scene.engine.check().await.is_ok()).await;
    scene.store.url = standby.url(); // the test itself looks there, too
    scene.end().await;
    PostgresEngine::open(&url).await.expect("a program that starts now finds the new primary too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_read_only_for_a_while_ends_nothing() {
    let server = Server::start();
    let scene = Scene::start(&server.url()).await;
    for sessions in ["new ones", "those that are there"] {
        administer(&server, READ_ONLY).await;
        if sessions == "new ones" {
            administer(&server, &[END_SESSIONS]).await;
        }
        until("it is refused", async || scene.engine.check().await.is_err()).await;
        sleep(Duration::from_secs(2)).await;
        assert!(scene.engine.check().await.is_err(), "{sessions}");
        administer(&server, WRITABLE).await;
        until("it is taken again", async || scene.engine.check().await.is_ok()).await;
        sleep(Duration::from_secs(1)).await;
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_alone_is_told_as_such() {
    let primary = Server::start();
    let standby = primary.start_standby();
    let error = PostgresEngine::open(&standby.url()).await.unwrap_err();
    assert!(matches!(&error, OpenError::ReadOnly(place) if place.contains("127.0.0.1")), "{error:?}");
}
