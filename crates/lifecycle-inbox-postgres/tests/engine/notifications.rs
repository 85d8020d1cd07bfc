//! What a replica hears from another one.

use lifecycle_core::Change;
use lifecycle_inbox::{Engine, InstallationStore, Subscription};
use lifecycle_inbox_postgres::PostgresEngine;

use crate::support::Store;
use crate::{claim_one, put, until};

/// Waits for a notification of another replica.
async fn notified(subscription: &mut Subscription) {
    let changed = tokio::time::timeout(std::time::Duration::from_secs(30), subscription.changed());
    changed.await.expect("a notification of the other replica");
}

async fn listens(store: &Store, engines: i64) {
    let monitor = store.client().await;
    let listening = format!("%LISTEN \"lifecycle_{}\"%", store.schema());
    until("all listen", async || {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid()";
        monitor.query_one(count, &[&listening]).await.unwrap().get::<_, i64>(0) == engines
    })
    .await;
}

async fn complete_one(engine: &PostgresEngine) {
    let claimed = claim_one(engine).await;
    let delivery = claimed.record.unwrap().restore(&lifecycle_inbox::Platforms::default()).unwrap();
    assert!(
        engine
            .complete(claimed.token, engine.now(), &Change::new(&delivery, claimed.token.id.0))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_new_row_wakes_the_workers_of_another_replica() {
    let store = Store::new();
    let (one, two) = (store.open().await, store.open().await);
    listens(&store, 2).await;
    let mut subscription = two.notifier().subscribe();
    put(&one, "t", 1).await;
    notified(&mut subscription).await;
    store.remove().await;
}

#[tokio::test]
async fn a_changed_installation_is_told_to_the_caches_of_another_replica() {
    let store = Store::new();
    let (one, two) = (store.open().await, store.open().await);
    listens(&store, 2).await;
    put(&one, "t", 1).await;
    let before = two.revision();
    complete_one(&one).await;
    until("the revision is another one", async || two.revision() != before).await;
    store.remove().await;
}

#[tokio::test]
async fn an_ear_that_was_cut_off_hears_again() {
    let store = Store::new();
    let (one, two) = (store.open().await, store.open().await);
    listens(&store, 2).await;
    let before = two.revision();
    let cut = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE query LIKE '%LISTEN \"lifecycle_{}\"%' AND pid <> pg_backend_pid()",
        store.schema()
    );
    store.client().await.batch_execute(&cut).await.unwrap();
    until("what went unheard counts as a change", async || two.revision() != before).await;
    listens(&store, 2).await;
    let mut subscription = two.notifier().subscribe();
    put(&one, "t", 1).await;
    notified(&mut subscription).await;
    store.remove().await;
}

#[tokio::test]
async fn replicas_share_the_clock_of_the_database() {
    let store = Store::new();
    let (one, client) = (store.open().await, store.client().await);
    let row =
        client.query_one("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint", &[]).await.unwrap();
    let apart = one.now().as_millis() - row.get::<_, i64>(0);
    assert!(apart.abs() < 10_000, "{apart} ms apart"); // on a slow machine; a wrong unit or zone is far more
    store.remove().await;
}
