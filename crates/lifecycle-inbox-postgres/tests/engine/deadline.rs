//! Acknowledgement in time, from the socket to the server's disk.

use std::sync::Arc;
use std::time::Duration;

use lifecycle_core::{LifecycleHandler, Rejection, run_handler};
use lifecycle_inbox::{Accepted, Engine};
use test_app::deadline;

use crate::faults::{lock_tenants, nobody_waits_for};
use crate::put;
use crate::support::{Store, WITHIN, delivery, record};

/// Each transaction takes a second, so whoever comes while one is written waits for two.
#[tokio::test(flavor = "multi_thread")]
async fn callbacks_are_acknowledged_in_time_while_handlers_take_a_minute_and_a_write_a_second() {
    let store = Store::new();
    drop(store.open().await);
    let schema = store.schema();
    let slow = format!(
        "CREATE FUNCTION {schema}.slow() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(1); RETURN NULL; END';
        CREATE TRIGGER slow AFTER INSERT ON {schema}.deliveries EXECUTE FUNCTION {schema}.slow()"
    );
    store.client().await.batch_execute(&slow).await.unwrap();
    deadline::check("PostgreSQL", async || Arc::new(store.open().await) as _, || {}).await;
    store.remove().await;
}

/// As a platform with a short deadline leaves it.
const SHORT: Duration = Duration::from_millis(700);

#[tokio::test]
async fn what_a_platform_with_a_short_deadline_is_refused_is_not_kept() {
    let store = Store::new();
    let engine = store.open().await;
    put(&engine, "t", 1).await;
    let (inbox, _) = lifecycle_inbox::Store::new(engine.clone()).open(Nothing);
    let lock = lock_tenants(&store).await;
    let answer = run_handler(&inbox, &delivery("t", 2), SHORT).await;
    assert_eq!(answer, Err(Rejection::Unavailable));
    nobody_waits_for(&lock).await;
    lock.batch_execute("ROLLBACK").await.unwrap();
    put(&engine, "t", 3).await; // by the same session, so what it was at is over
    assert!(!engine.is_known(record("t", 2).key).await.unwrap());
    store.remove().await;
}

#[tokio::test]
async fn who_has_little_time_does_not_take_that_of_others_in_the_same_batch() {
    let store = Store::new();
    let engine = store.open().await;
    put(&engine, "t", 1).await;
    let lock = lock_tenants(&store).await;
    let unlock = async {
        engine.accept(record("t", 2), engine.now(), SHORT).await.unwrap_err();
        lock.batch_execute("ROLLBACK").await.unwrap();
    };
    let (accepted, ()) = tokio::join!(engine.accept(record("t", 3), engine.now(), WITHIN * 2), unlock);
    assert!(matches!(accepted, Ok(Accepted::New(_))), "{accepted:?}");
    assert!(!engine.is_known(record("t", 2).key).await.unwrap());
    store.remove().await;
}

struct Nothing;

impl LifecycleHandler for Nothing {}
