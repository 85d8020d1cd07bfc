//! Servers that stop, connections that die, locks and pools that are not free.

use std::time::Duration;

use lifecycle_core::LifecycleHandler;
use lifecycle_inbox::{Accepted, Engine};
use lifecycle_inbox_postgres::PostgresEngine;
use lifecycle_inbox_postgres::tokio_postgres::Client;
use test_postgres::Server;
use tokio::sync::oneshot;

use crate::support::{Store, WITHIN, record};
use crate::{put, until};

/// Long enough for a busy machine, short enough for a test.
const LIMIT: Duration = Duration::from_secs(1);

struct Nothing;

impl LifecycleHandler for Nothing {}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_and_comes_back_ends_nothing() {
    let mut server = Server::start();
    let store = Store::on(&server.url());
    let engine = store.open().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let (_, worker) = lifecycle_inbox::Store::new(engine.clone()).open(Nothing);
    let worker = tokio::spawn(worker.poll(Duration::from_millis(200)).run(async { drop(stopped.await) }));
    put(&engine, "t", 1).await;

    server.stop();
    for error in [
        engine.accept(record("t", 2), engine.now(), WITHIN).await.unwrap_err(),
        engine.stats(engine.now()).await.unwrap_err(),
        engine.check().await.unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("PostgreSQL") && !text.contains("secret"), "{text}");
    }
    server.start_again();

    until("it is written again", async || engine.accept(record("t", 3), engine.now(), WITHIN).await.is_ok())
        .await;
    engine.accept(record("t", 2), engine.now(), WITHIN).await.unwrap();
    until("the worker has gone on", async || {
        engine.stats(engine.now()).await.is_ok_and(|stats| stats.depth() == 0)
    })
    .await;
    assert!(!worker.is_finished());
    stop.send(()).unwrap();
    worker.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_killed_again_and_again_lose_and_double_nothing() {
    let store = Store::new();
    let engine = store.open().await;
    let killer = store.client().await;
    let kill = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND query LIKE '%\"{}\".%'",
        store.schema()
    );
    let senders: Vec<_> = (0..8_u32)
        .map(|sender| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for nth in 0..50 {
                    // As a platform does: until it is acknowledged.
                    while engine
                        .accept(record(&format!("t{}", nth % 5), sender * 50 + nth), engine.now(), WITHIN)
                        .await
                        .is_err()
                    {}
                }
            })
        })
        .collect();
    while !senders.iter().all(tokio::task::JoinHandle::is_finished) {
        killer.batch_execute(&kill).await.unwrap();
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    for sender in senders {
        sender.await.unwrap();
    }
    until("it can be asked again", async || {
        engine.stats(engine.now()).await.is_ok_and(|stats| {
            assert_eq!(stats.pending, 400);
            true
        })
    })
    .await;
    store.remove().await;
}

#[tokio::test]
async fn one_lost_connection_is_not_noticed_by_who_sends() {
    let store = Store::new();
    let engine = store.open().await;
    put(&engine, "t", 1).await;
    let kill = format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND query LIKE '%\"{}\".accept%'",
        store.schema()
    );
    store.client().await.batch_execute(&kill).await.unwrap();
    put(&engine, "t", 2).await;
    store.remove().await;
}

/// Holds the lock of all tenants until it is dropped.
pub(crate) async fn lock_tenants(store: &Store) -> Client {
    let client = store.client().await;
    let lock = format!("BEGIN; SELECT 1 FROM {}.heads FOR UPDATE", store.schema());
    client.batch_execute(&lock).await.unwrap();
    client
}

/// Waits until no session waits for what this one has locked: the server has given up on them.
pub(crate) async fn nobody_waits_for(lock: &Client) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))";
    until("nobody waits for the lock", async || {
        lock.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0
    })
    .await;
}

#[tokio::test]
async fn a_lock_that_is_not_free_ends_in_an_error_and_nothing_is_half_written() {
    let store = Store::new();
    let engine = PostgresEngine::open_with(store.settings().time_limit(LIMIT)).await.unwrap();
    put(&engine, "t", 1).await;
    let lock = lock_tenants(&store).await;
    engine.accept(record("t", 2), engine.now(), WITHIN).await.unwrap_err();
    assert!(!engine.is_known(record("t", 2).key).await.unwrap());
    lock.batch_execute("ROLLBACK").await.unwrap();
    put(&engine, "t", 3).await;
    assert!(matches!(engine.accept(record("t", 2), engine.now(), WITHIN).await.unwrap(), Accepted::New(_)));
    store.remove().await;
}

#[tokio::test]
async fn a_full_queue_and_an_exhausted_pool_are_told_as_such() {
    let store = Store::new();
    let settings = store.settings().time_limit(LIMIT).writers(1).queue(1).connections(1);
    let engine = PostgresEngine::open_with(settings).await.unwrap();
    let patient = PostgresEngine::open_with(store.settings()).await.unwrap(); // a slow machine may need longer than the limit
    let id = put(&patient, "t", 1).await;
    let lock = lock_tenants(&store).await;

    let accepts = (2..40).map(|nth| engine.accept(record("t", nth), engine.now(), WITHIN));
    let accepted = futures_util::future::join_all(accepts).await;
    let errors: Vec<String> = accepted.into_iter().map(|it| it.unwrap_err().to_string()).collect();
    assert!(errors.iter().any(|error| error.contains("too many deliveries")), "{errors:?}");

    let (first, second) = tokio::join!(engine.retry(id, engine.now()), engine.retry(id, engine.now()));
    let errors = [first.unwrap_err().to_string(), second.unwrap_err().to_string()];
    assert!(
        errors.iter().any(|error| error.contains("canceling") || error.contains("in time")),
        "{errors:?}"
    );

    lock.batch_execute("ROLLBACK").await.unwrap();
    until("it goes on by itself", async || engine.retry(id, engine.now()).await.is_ok()).await;
    until("it accepts by itself", async || {
        engine.accept(record("t", 50), engine.now(), WITHIN).await.is_ok()
    })
    .await;
    store.remove().await;
}

#[tokio::test]
async fn who_stops_waiting_before_the_write_begins_has_asked_for_nothing() {
    let store = Store::new();
    let engine = PostgresEngine::open_with(store.settings().writers(1)).await.unwrap();
    put(&engine, "t", 1).await;
    let lock = lock_tenants(&store).await;
    let other = engine.clone();
    let first = tokio::spawn(async move { other.accept(record("t", 2), other.now(), WITHIN).await });
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%\"{}\".accept%'",
        store.schema()
    );
    let monitor = store.client().await;
    until("the first waits for the lock", async || {
        monitor.query_one(&waiting, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    let second =
        tokio::time::timeout(Duration::from_millis(50), engine.accept(record("t", 3), engine.now(), WITHIN));
    assert!(second.await.is_err(), "its caller has given up");
    lock.batch_execute("ROLLBACK").await.unwrap();
    assert!(matches!(first.await.unwrap().unwrap(), Accepted::New(_)));
    put(&engine, "t", 4).await; // whatever waited before it is decided now
    assert!(!engine.is_known(record("t", 3).key).await.unwrap());
    store.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_inbox_did_not_acknowledge_for_a_lock_was_not_kept() {
    let store = Store::new();
    let engine = store.open().await;
    put(&engine, "t", 0).await;
    let app = std::sync::Arc::new(
        test_app::App::start(lifecycle_inbox::Store::new(engine.clone()).open(Nothing).0).await,
    );
    let client = store.client().await;
    let lock = format!("BEGIN; LOCK TABLE {}.deliveries IN ACCESS EXCLUSIVE MODE", store.schema());
    client.batch_execute(&lock).await.unwrap();
    let mut sent = Vec::new();
    for nth in 1..=8 {
        sent.push(app.send(&format!("t{nth}"), nth));
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    for sent in sent {
        let answer = sent.await.unwrap();
        assert!(answer.status == 503 && answer.took < test_app::DEADLINE, "{answer:?}");
    }
    client.batch_execute("ROLLBACK").await.unwrap();
    tokio::time::sleep(LIMIT).await;
    assert_eq!(engine.stats(engine.now()).await.unwrap().pending, 1, "answered 503, and kept");
    store.remove().await;
}

#[tokio::test]
async fn a_password_that_changes_is_asked_for_with_each_session() {
    let server = Server::start();
    let store = Store::on(&server.url());
    drop(store.open().await);
    let change = async |password: &str| {
        let sql = format!(
            "ALTER ROLE rotated PASSWORD '{password}';
            SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'rotated'"
        );
        store.client().await.batch_execute(&sql).await.unwrap();
    };
    store.client().await.batch_execute("CREATE ROLE rotated LOGIN SUPERUSER PASSWORD 'one'").await.unwrap();
    let current = std::sync::Arc::new(std::sync::Mutex::new("one".to_owned()));
    let told = current.clone();
    let settings = store.settings_of(&server.url_of("rotated", "of the URL", "postgres"));
    let settings = settings.password(move || told.lock().unwrap().clone());
    let engine = PostgresEngine::open_with(settings).await.unwrap();
    put(&engine, "t", 1).await;
    change("two").await;
    let error = engine.accept(record("t", 2), engine.now(), WITHIN).await.unwrap_err().to_string();
    assert!(!error.contains("one") && !error.contains("two"), "{error}");
    *current.lock().unwrap() = "two".to_owned();
    put(&engine, "t", 2).await;
    assert_eq!(engine.stats(engine.now()).await.unwrap().pending, 2);
}
