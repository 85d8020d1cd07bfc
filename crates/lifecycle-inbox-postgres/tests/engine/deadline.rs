//! Acknowledgement in time, from the socket to the server's disk.

use std::sync::Arc;

use test_app::deadline;

use crate::support::Store;

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
