//! What a claim reads: what it takes, however much waits.

use lifecycle_inbox_postgres::tokio_postgres;

use crate::support::Store;

/// Rows read in one claim of 16, by the server's own count.
async fn reads(client: &tokio_postgres::Client, schema: &str) -> i64 {
    let claim = format!(
        "SELECT count(*) FROM {schema}.claim(ARRAY['one', 'two', 'three']::bytea[], 'w', 1000, 61000, 31000, 16, 0)"
    );
    // As the engine's sessions do it.
    client.batch_execute("SET jit = off; SET enable_seqscan = off; BEGIN").await.unwrap();
    // What the session has not reported yet of earlier transactions counts too.
    let read = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables WHERE schemaname = $1";
    let before: i64 = client.query_one(read, &[&schema]).await.unwrap().get(0);
    let claimed: i64 = client.query_one(&claim, &[]).await.unwrap().get(0);
    assert_eq!(claimed, 16);
    let after: i64 = client.query_one(read, &[&schema]).await.unwrap().get(0);
    client.batch_execute("ROLLBACK").await.unwrap();
    after - before
}

#[tokio::test]
async fn a_claim_reads_what_it_takes_however_much_waits() {
    let store = Store::new();
    let engine = store.open().await;
    let (client, schema) = (store.client().await, store.schema());
    let fill = async |platform: &str, first: i64, count: i64| {
        let fill = format!(
            "WITH nth AS (SELECT nth, sha256(nth::text::bytea) AS key FROM generate_series({first}, {first} + {count} - 1) AS nth),
            met AS (
                INSERT INTO {schema}.tenants (key, platform, app, tenant)
                SELECT key, '{platform}', 'a', nth::text::bytea FROM nth
            ), headed AS (
                INSERT INTO {schema}.heads (tenant, platform, head) SELECT key, '{platform}', nth FROM nth
            )
            INSERT INTO {schema}.deliveries
                (id, tenant, kind, key, state, due_at, touched_at, received_at, accepted_at, envelope, body)
            SELECT nth, key, 'install', key, 'pending', 0, 0, 0, 0, '{{}}', '' FROM nth"
        );
        client.batch_execute(&fill).await.unwrap();
    };
    fill("one", 1_000_000, 20).await;
    fill("two", 2_000_000, 20).await;
    let expected = reads(&client, schema).await;
    fill("unknown", 1, 20_000).await;
    let unanalyzed = reads(&client, schema).await;
    fill("one", 3_000_000, 10_000).await;
    fill("two", 4_000_000, 10_000).await;
    let known = reads(&client, schema).await;
    client
        .batch_execute(&format!("ANALYZE {schema}.tenants, {schema}.heads, {schema}.deliveries"))
        .await
        .unwrap();
    let analyzed = reads(&client, schema).await;
    println!(
        "{expected} rows read, {unanalyzed} and {known} where more waits, {analyzed} when it is analyzed"
    );
    for read in [unanalyzed, known, analyzed] {
        assert!(read <= expected * 2, "{read} rows read in place of {expected}");
    }
    drop((engine, client));
    store.remove().await;
}
