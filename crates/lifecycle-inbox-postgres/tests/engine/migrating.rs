//! Schemas of earlier versions.

use lifecycle_inbox::{DeliveryFilter, DeliveryState, Engine};
use lifecycle_inbox_postgres::PostgresEngine;

use crate::support::{Store, record};
use crate::{claim_one, put};

const FIRST: &str = include_str!("../../migrations/1.sql");

#[tokio::test]
async fn a_schema_of_the_first_version_is_migrated_and_goes_on() {
    let store = Store::new();
    let client = store.client().await;
    let schema = format!("\"{}\"", store.schema());
    let first = FIRST.replace("lifecycle.", &format!("{schema}."));
    client.batch_execute(&format!("CREATE SCHEMA {schema}; {first}")).await.unwrap();
    let filled = format!(
        "INSERT INTO {schema}.schema_version (version) VALUES (1);
        INSERT INTO {schema}.tenants (key, platform, app, tenant, head) VALUES ('\\x00', 'seismic', 'app', 'old', 2);
        INSERT INTO {schema}.keys (key, delivery, accepted_at) VALUES ('\\x01', 1, 0), ('\\x02', 2, 0);
        INSERT INTO {schema}.deliveries
            (id, tenant, kind, key, state, due_at, touched_at, received_at, accepted_at, finished_at, envelope, body)
        VALUES (1, '\\x00', 'install', '\\x01', 'done', 0, 0, 0, 0, 0, '{{}}', ''),
            (2, '\\x00', 'install', '\\x02', 'pending', 0, 0, 0, 0, NULL, '{{}}', '');
        SELECT setval('{schema}.delivery_ids', 2);"
    );
    client.batch_execute(&filled).await.unwrap();

    let engine = store.open().await;
    let version = format!("SELECT max(version) FROM {schema}.schema_version");
    assert_eq!(client.query_one(&version, &[]).await.unwrap().get::<_, i32>(0), 5);
    let rows = engine.list(&DeliveryFilter::default()).await.unwrap();
    let states: Vec<_> = rows.iter().map(|row| (row.id.0, row.state)).collect();
    assert_eq!(states, [(1, DeliveryState::Done), (2, DeliveryState::Pending)]);
    let old = claim_one(&engine).await;
    assert!(engine.release(old.token, engine.now()).await.unwrap());
    let new = put(&engine, "new", 1).await;
    assert_eq!(new.0, 3);
    assert!(engine.is_known(record("new", 1).key).await.unwrap());
    PostgresEngine::migrate(&store.settings()).await.unwrap();
    store.remove().await;
}
