//! Rows that a damaged disk, or somebody's hand, has altered.

use lifecycle_core::LifecycleHandler;
use lifecycle_inbox::{DeliveryState, Engine, InstallationFilter, InstallationStore, Store, TenantKey};
use lifecycle_inbox_sqlite::SqliteEngine;

use crate::support::{Bench, WITHIN, put, record};

struct Accepting;

impl LifecycleHandler for Accepting {}

/// What is done to a row, and what its error then names.
const DAMAGES: [(&str, &str); 6] = [
    ("tenant = CAST(x'ff' AS TEXT)", "the column tenant"),
    ("kind = CAST(x'c328' AS TEXT)", "the column kind"),
    ("key = x'00'", "the column key"),
    ("envelope = CAST(x'80' AS TEXT)", "the column envelope"),
    ("envelope = '{'", "the envelope"),
    ("body = CAST('{\"type\":\"install\"}' AS BLOB)", "the bytes are not those that were received"),
];

#[tokio::test]
async fn a_damaged_row_is_a_dead_letter_with_its_bytes_and_holds_up_nobody() {
    for (damage, expected) in DAMAGES {
        let bench = Bench::new();
        let id = put(&bench.engine, "damaged").await;
        put(&bench.engine, "sound").await;
        let sql = format!("UPDATE lifecycle_inbox SET {damage} WHERE id = {}", id.0);
        let connection = bench.connection();
        connection.execute_batch(&sql).unwrap();
        let body: Vec<u8> = connection
            .query_row("SELECT body FROM lifecycle_inbox WHERE id = ?1", [id.0], |row| row.get(0))
            .unwrap();

        let engine = SqliteEngine::open(bench.path()).unwrap(); // which finds whose turn it is now
        Store::new(engine).open(Accepting).1.run_until_idle().await.unwrap();
        let stored = bench.engine.show(id).await.unwrap().unwrap();
        assert_eq!(stored.summary.state, DeliveryState::Dead, "{damage}");
        let error = stored.summary.last_error.unwrap();
        assert!(error.contains(expected), "{damage}: {error}");
        assert_eq!(stored.body, body, "{damage}");
        assert_eq!(bench.engine.stats(bench.engine.now()).await.unwrap().depth(), 0, "{damage}");
    }
}

/// It may be that of a later release. So it is nobody's to give up, but an operator sees it.
#[tokio::test]
async fn a_row_whose_platform_is_damaged_waits_and_is_told() {
    for damage in ["'nobody''s'", "CAST(x'ff' AS TEXT)"] {
        let bench = Bench::new();
        let id = put(&bench.engine, "damaged").await;
        let sound = put(&bench.engine, "sound").await;
        let sql = format!("UPDATE lifecycle_inbox SET platform = {damage} WHERE id = {}", id.0);
        bench.connection().execute_batch(&sql).unwrap();
        let engine = SqliteEngine::open(bench.path()).unwrap(); // which finds whose turn it is now
        Store::new(engine).open(Accepting).1.run_until_idle().await.unwrap();
        assert_eq!(bench.engine.show(sound).await.unwrap().unwrap().summary.state, DeliveryState::Done);
        let row = bench.engine.show(id).await.unwrap().unwrap().summary;
        assert_eq!((row.state, row.attempts), (DeliveryState::Pending, 0), "{damage}");
        let unknown = bench.engine.unknown_platforms(&["seismic"], bench.engine.now()).await.unwrap();
        assert_eq!((unknown.len(), unknown[0].open), (1, 1), "{damage}");
    }
}

#[tokio::test]
async fn an_installation_that_does_not_read_is_an_error_without_its_content() {
    let bench = Bench::new();
    bench.engine.accept(record("t", "r"), bench.engine.now(), WITHIN).await.unwrap();
    Store::new(bench.engine.clone()).open(Accepting).1.run_until_idle().await.unwrap();
    bench
        .connection()
        .execute_batch("UPDATE lifecycle_installations SET installation = '{\"status\":\"very-private\"}'")
        .unwrap();
    let one = bench.engine.installation(&TenantKey::new("seismic", "app", "t")).await.unwrap_err();
    let all = bench.engine.installations(&InstallationFilter::default()).await.unwrap_err();
    for error in [one, all] {
        assert!(error.to_string().contains("an installation does not read"), "{error}");
        assert!(!format!("{error} {error:?}").contains("very-private"), "{error:?}");
    }
}
