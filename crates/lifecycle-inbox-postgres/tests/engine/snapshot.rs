//! An old snapshot is held open, so that nothing dead is cleaned up.

use lifecycle_core::Change;
use lifecycle_inbox::{Engine, Platforms};
use lifecycle_inbox_postgres::PostgresEngine;
use lifecycle_inbox_postgres::tokio_postgres::{Client, SimpleQueryMessage};
use test_postgres::Server;

use crate::support::Store;
use crate::{claim, claim_one, put, until};

/// Puts and handles so many deliveries, each of a tenant that has no other.
async fn handle(engine: &PostgresEngine, numbers: std::ops::Range<u32>) {
    for nth in numbers {
        put(engine, &format!("t{nth}"), nth).await;
        let claimed = claim_one(engine).await;
        let delivery = claimed.record.unwrap().restore(&Platforms::default()).unwrap();
        let change = Change::new(&delivery, claimed.token.id.0);
        assert!(engine.complete(claimed.token, engine.now(), &change).await.unwrap());
    }
}

/// How many pages a statement looks at.
async fn pages(client: &Client, statement: &str) -> u64 {
    let answer = client.simple_query(&format!("EXPLAIN (ANALYZE, BUFFERS) {statement}")).await.unwrap();
    let lines = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let counts = lines.filter_map(|line| line.trim_start().strip_prefix("Buffers: shared "));
    let of_the_whole = counts.into_iter().next().expect("the first node has those of all");
    of_the_whole
        .split_whitespace()
        .filter_map(|count| count.strip_prefix("hit=").or_else(|| count.strip_prefix("read=")))
        .map(|count| count.parse::<u64>().unwrap())
        .sum()
}

/// What it takes to claim, keep and end the only delivery, whose head a claim begins at. Nothing of it is kept.
async fn pages_of_one(store: &Store, client: &Client, id: i64) -> [u64; 3] {
    let schema = store.schema();
    client.batch_execute("BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL jit = off").await.unwrap();
    let claim = format!(
        "SELECT * FROM {schema}.claim(ARRAY['seismic'::bytea], 'w', 0, 9223372036854775807, 1, 100, {id})"
    );
    let claimed = pages(client, &claim).await;
    let renewed = pages(client, &format!("SELECT * FROM {schema}.renew(ARRAY[{id}], ARRAY[1], 0, 2)")).await;
    let finish = format!(
        "SELECT * FROM {schema}.finish(ARRAY[{id}], ARRAY[1], ARRAY[1], ARRAY['done'], ARRAY[0], ARRAY[NULL::bytea], ARRAY[0])"
    );
    let finished = pages(client, &finish).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    [claimed, renewed, finished]
}

#[tokio::test]
async fn each_delivery_looks_at_as_few_pages_as_the_first_ones() {
    let server = Server::start();
    let store = Store::on(&server.url());
    let engine = store.open().await;
    let (holder, client) = (store.client().await, store.client().await);
    let hold = format!("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM {}.deliveries", store.schema());
    holder.batch_execute(&hold).await.unwrap();

    let mut measured = Vec::new();
    for (nth, from) in [(0, 0), (1, 100), (2, 600)] {
        handle(&engine, from..[100, 600, 601][nth]).await;
        let id = put(&engine, "last", 1_000 + from).await;
        client.batch_execute("VACUUM (ANALYZE)").await.unwrap();
        pages_of_one(&store, &client, id.0).await; // plans are made, pages are hinted
        measured.push(pages_of_one(&store, &client, id.0).await);
        assert!(engine.delete(id).await.unwrap());
    }
    // An index of more entries may have one more level.
    for (nth, what) in ["claim", "renew", "finish"].into_iter().enumerate() {
        let (few, many) = (measured[0][nth], measured[1][nth].max(measured[2][nth]));
        assert!(many <= 2 * few, "{what}: {few} pages after 100 deliveries, {many} after 600");
    }
}

/// Accepts one by hand, for a tenant of its own, in the transaction of the client.
async fn accept(store: &Store, client: &Client) {
    let accept = format!(
        "SELECT * FROM {}.accept(ARRAY['\\x01'::bytea], ARRAY['seismic'::bytea], ARRAY['app'::bytea], ARRAY['late'::bytea],
            ARRAY['upgrade'::bytea], ARRAY[sha256('late')], ARRAY[''::bytea], ARRAY['{{}}'::bytea], ARRAY[0], ARRAY[0])",
        store.schema()
    );
    client.batch_execute(&accept).await.unwrap();
}

#[tokio::test]
async fn a_delivery_that_is_committed_late_is_claimed_all_the_same() {
    let store = Store::new();
    let engine = store.open().await;
    let client = store.client().await;
    client.batch_execute("BEGIN").await.unwrap();
    accept(&store, &client).await;
    put(&engine, "t", 1).await;
    let early = claim_one(&engine).await;
    client.batch_execute("COMMIT").await.unwrap();
    let mut late = Vec::new();
    until("it is claimed", async || {
        late = claim(&engine).await;
        !late.is_empty()
    })
    .await;
    assert!(late.len() == 1 && late[0].token.id < early.token.id, "{late:?}");
    store.remove().await;
}

#[tokio::test]
async fn a_dead_letter_that_another_process_retries_is_claimed_at_once() {
    let store = Store::new();
    let (engine, other) = (store.open().await, store.open().await);
    put(&engine, "dead", 1).await;
    let dead = claim_one(&engine).await;
    let never = lifecycle_inbox::AfterFailure::Dead(None);
    assert!(engine.fail(dead.token, engine.now(), "no", never).await.unwrap());
    put(&engine, "t", 1).await;
    assert_ne!(claim_one(&engine).await.token.id, dead.token.id);
    assert!(other.retry(dead.token.id, other.now()).await.unwrap());
    assert_eq!(claim_one(&engine).await.token.id, dead.token.id);
    store.remove().await;
}
