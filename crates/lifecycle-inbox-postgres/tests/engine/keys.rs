//! Keys that moved to the old ones are known as before.

use lifecycle_inbox::{Accepted, Engine, Prune, Timestamp};
use lifecycle_inbox_postgres::PostgresEngine;
use lifecycle_inbox_postgres::tokio_postgres::Client;

use crate::support::{Store, WITHIN, record};
use crate::{put, until};

/// How many keys are new ones, and how many are old.
async fn count(store: &Store, client: &Client) -> (i64, i64) {
    let count = format!(
        "SELECT (SELECT count(*) FROM {0}.keys), (SELECT count(*) FROM {0}.old_keys)",
        store.schema()
    );
    let row = client.query_one(&count, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

async fn move_all(store: &Store, client: &Client) {
    client.batch_execute(&format!("SELECT {}.move_keys(NULL, 100)", store.schema())).await.unwrap();
}

#[tokio::test]
async fn a_key_that_was_moved_is_known_and_not_taken_again() {
    let store = Store::new();
    let (engine, client) = (store.open().await, store.client().await);
    put(&engine, "t", 1).await;
    move_all(&store, &client).await;
    assert_eq!(count(&store, &client).await, (0, 1));
    let again = engine.accept(record("t", 1), engine.now(), WITHIN).await.unwrap();
    assert_eq!(again, Accepted::Duplicate);
    assert!(engine.is_known(record("t", 1).key).await.unwrap());
    assert!(!engine.is_known(record("t", 2).key).await.unwrap());
    put(&engine, "t", 2).await;
    assert_eq!(count(&store, &client).await, (1, 1));
    assert_eq!(engine.stats(engine.now()).await.unwrap().pending, 2);
    store.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_that_arrives_while_its_key_moves_is_one_whatever_becomes_of_that() {
    let store = Store::new();
    let (engine, client) = (store.open().await, store.client().await);
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%\"{}\".accept%'",
        store.schema()
    );
    let monitor = store.client().await;
    for (nth, end) in ["ROLLBACK", "COMMIT"].into_iter().enumerate() {
        let nth = u32::try_from(nth).unwrap();
        put(&engine, "t", nth).await;
        client.batch_execute("BEGIN").await.unwrap();
        move_all(&store, &client).await;
        let other = engine.clone();
        let again = tokio::spawn(async move { other.accept(record("t", nth), other.now(), WITHIN).await });
        until("it waits", async || monitor.query_one(&waiting, &[]).await.unwrap().get::<_, i64>(0) == 1)
            .await;
        client.batch_execute(end).await.unwrap();
        assert_eq!(again.await.unwrap().unwrap(), Accepted::Duplicate, "{end}");
        assert_eq!(engine.stats(engine.now()).await.unwrap().pending, u64::from(nth) + 1, "{end}");
    }
    store.remove().await;
}

async fn prune(engine: &PostgresEngine, keys_before: Timestamp) -> u64 {
    let mut prune = Prune::new(500);
    prune.keys_before = keys_before;
    engine.prune(prune).await.unwrap().keys
}

#[tokio::test]
async fn many_keys_become_old_ones_when_it_is_pruned_and_are_forgotten_with_the_new_ones() {
    let store = Store::new();
    let (engine, client) = (store.open().await, store.client().await);
    prune(&engine, Timestamp::from_millis(0)).await;
    put(&engine, "t", 1).await;
    prune(&engine, Timestamp::from_millis(0)).await;
    assert_eq!(count(&store, &client).await, (1, 0), "few stay where they are");
    let fill = format!(
        "INSERT INTO {}.keys SELECT md5(nth::text)::uuid, 1000 + nth, CASE WHEN nth <= 600 THEN 5 ELSE 50 END
        FROM generate_series(1, 200000) AS nth",
        store.schema()
    );
    client.batch_execute(&fill).await.unwrap();
    prune(&engine, Timestamp::from_millis(0)).await;
    assert_eq!(count(&store, &client).await, (0, 200_001));
    let young = format!(
        "INSERT INTO {}.keys SELECT md5(nth::text)::uuid, 0, 5 FROM generate_series(-9, 0) AS nth",
        store.schema()
    );
    client.batch_execute(&young).await.unwrap();
    let forgotten =
        [prune(&engine, Timestamp::from_millis(10)).await, prune(&engine, Timestamp::from_millis(10)).await];
    assert_eq!(forgotten, [500, 110]);
    assert_eq!(count(&store, &client).await, (0, 199_401));
    store.remove().await;
}
