//! Rows that somebody has damaged.

use lifecycle_core::Change;
use lifecycle_inbox::{AfterFailure, DeliveryState, Engine};

use crate::support::Store;
use crate::{claim_one, put};

#[tokio::test]
async fn a_damaged_row_is_claimed_as_unreadable_and_kept_as_a_dead_letter() {
    let store = Store::new();
    let engine = store.open().await;
    let client = store.client().await;
    for (nth, damage, table) in [
        (1, r"kind = '\xff'", "deliveries"),
        (2, r"key = '\x00'", "deliveries"),
        (3, r"envelope = '\xff'", "deliveries"),
        (4, r"tenant = '\xff'", "tenants"),
    ] {
        let id = put(&engine, &format!("t{nth}"), nth).await;
        let own =
            if table == "tenants" { "key = (SELECT tenant FROM deliveries WHERE id =" } else { "id = (" };
        let update =
            format!("SET search_path = {}; UPDATE {table} SET {damage} WHERE {own} {id})", store.schema());
        client.batch_execute(&update).await.unwrap();
        let claimed = claim_one(&engine).await;
        let why = claimed.record.expect_err(damage).to_string();
        let column = damage.split(' ').next().unwrap();
        assert!(why.contains(column), "{why}");
        assert!(engine.fail(claimed.token, engine.now(), &why, AfterFailure::Dead(None)).await.unwrap());
        let stored = engine.show(id).await.unwrap().unwrap();
        assert_eq!(stored.summary.state, DeliveryState::Dead, "{damage}");
        assert!(stored.body.starts_with(b"{\"type\""), "{damage}");
    }
    store.remove().await;
}

#[tokio::test]
async fn a_damaged_installation_is_an_error_that_shows_nothing_of_it() {
    let store = Store::new();
    let engine = store.open().await;
    put(&engine, "t", 1).await;
    let claimed = claim_one(&engine).await;
    let damaged = format!(
        "INSERT INTO {0}.installations (tenant, status, installation) SELECT key, 'enabled', 'personal' FROM {0}.tenants",
        store.schema()
    );
    store.client().await.batch_execute(&damaged).await.unwrap();
    let delivery = claimed.record.unwrap().restore(&lifecycle_inbox::Platforms::default()).unwrap();
    let error = engine
        .complete(claimed.token, engine.now(), &Change::new(&delivery, claimed.token.id.0))
        .await
        .unwrap_err();
    assert!(!error.to_string().contains("personal"), "{error}");
    let row = engine.show(claimed.token.id).await.unwrap().unwrap();
    assert_eq!(row.summary.state, DeliveryState::Leased, "nothing has happened");
    store.remove().await;
}
