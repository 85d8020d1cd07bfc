//! What ends at the same time shares a transaction, and none suffers from another.

use std::time::Duration;

use futures_util::future::join_all;
use lifecycle_core::{Change, Status};
use lifecycle_inbox::{AfterFailure, Claim, DeliveryState, Engine, InstallationStore, Platforms};
use lifecycle_inbox_postgres::PostgresEngine;

use crate::support::Store;
use crate::{claim, put};

fn change(claim: &Claim) -> Change {
    let delivery = claim.record.as_ref().unwrap().restore(&Platforms::default()).unwrap();
    Change::new(&delivery, claim.token.id.0)
}

/// Leases one delivery of each of so many tenants, `t0` and so on.
async fn lease(engine: &PostgresEngine, tenants: u32) -> Vec<Claim> {
    for nth in 0..tenants {
        put(engine, &format!("t{nth}"), nth).await;
    }
    claim(engine).await
}

async fn state(engine: &PostgresEngine, claim: &Claim) -> DeliveryState {
    engine.show(claim.token.id).await.unwrap().unwrap().summary.state
}

#[tokio::test]
async fn endings_that_wait_share_a_transaction_and_each_has_its_own() {
    let store = Store::new();
    let engine = store.open().await;
    let claims = lease(&engine, 60).await;
    let changes: Vec<Change> = claims.iter().map(change).collect();
    let ends = claims.iter().zip(&changes).enumerate().map(|(nth, (claim, change))| {
        let (engine, token, now) = (&engine, claim.token, engine.now());
        async move {
            match nth % 4 {
                0 => engine.complete(token, now, change).await,
                1 => engine.fail(token, now, "later", AfterFailure::At(now + Duration::from_secs(60))).await,
                2 => engine.fail(token, now, "never", AfterFailure::Dead(Some(change))).await,
                _ => engine.release(token, now).await,
            }
        }
    });
    assert!(join_all(ends).await.into_iter().all(|held| held.unwrap()));
    for (nth, claim) in claims.iter().enumerate() {
        let row = engine.show(claim.token.id).await.unwrap().unwrap().summary;
        let expected = match nth % 4 {
            0 => (DeliveryState::Done, None, 1),
            1 => (DeliveryState::Pending, Some("later"), 1),
            2 => (DeliveryState::Dead, Some("never"), 1),
            _ => (DeliveryState::Pending, None, 0),
        };
        assert_eq!((row.state, row.last_error.as_deref(), row.attempts), expected);
        let tenant = &claim.record.as_ref().unwrap().tenant;
        assert_eq!(engine.installation(tenant).await.unwrap().is_some(), nth % 2 == 0, "{nth}");
    }
    let transactions = format!("SELECT count(DISTINCT xmin::text) FROM {}.deliveries", store.schema());
    let transactions: i64 = store.client().await.query_one(&transactions, &[]).await.unwrap().get(0);
    assert!(transactions <= 6, "{transactions} transactions");
    store.remove().await;
}

#[tokio::test]
async fn of_two_endings_of_one_lease_one_holds_it() {
    let store = Store::new();
    let engine = store.open().await;
    let claims = lease(&engine, 2).await;
    let (token, now) = (claims[0].token, engine.now());
    let changes = (change(&claims[0]), change(&claims[1]));
    let mut late = claims[1].token;
    late.fence -= 1;
    let (one, two, other, overtaken) = tokio::join!(
        engine.complete(token, now, &changes.0),
        engine.fail(token, now, "no", AfterFailure::Dead(None)),
        engine.complete(claims[1].token, now, &changes.1),
        engine.release(late, now),
    );
    assert_eq!((one.unwrap(), two.unwrap()), (true, false));
    assert_eq!((other.unwrap(), overtaken.unwrap()), (true, false));
    assert_eq!(
        (state(&engine, &claims[0]).await, state(&engine, &claims[1]).await),
        (DeliveryState::Done, DeliveryState::Done)
    );
    store.remove().await;
}

#[tokio::test]
async fn two_deliveries_of_a_tenant_that_end_together_are_both_folded() {
    let store = Store::new();
    let engine = store.open().await;
    put(&engine, "t", 1).await;
    put(&engine, "t", 2).await;
    // The first lease is over by the clock, and nobody has taken its row over; the second is made by hand.
    let first = crate::claim_one(&engine).await;
    let lease = format!("UPDATE {}.deliveries SET state = 'leased', fence = 1, attempts = 1", store.schema());
    store.client().await.batch_execute(&lease).await.unwrap();
    let mut second = first.token;
    second.id.0 += 1;
    let install = change(&first);
    let now = engine.now();
    let ended =
        tokio::join!(engine.complete(first.token, now, &install), engine.complete(second, now, &install));
    assert_eq!((ended.0.unwrap(), ended.1.unwrap()), (true, true));
    let tenant = first.record.unwrap().tenant;
    let installation = engine.installation(&tenant).await.unwrap().unwrap();
    assert_eq!(installation.status(), Status::Installed);
    assert_eq!(engine.stats(now).await.unwrap().depth(), 0);
    store.remove().await;
}

#[tokio::test]
async fn one_that_cannot_be_ended_fails_alone() {
    let store = Store::new();
    let engine = store.open().await;
    let claims = lease(&engine, 3).await;
    let damaged = format!(
        "INSERT INTO {0}.installations (tenant, status, installation)
        SELECT tenant, 'enabled', 'damaged' FROM {0}.deliveries WHERE id = {1}",
        store.schema(),
        claims[1].token.id
    );
    store.client().await.batch_execute(&damaged).await.unwrap();
    let changes: Vec<Change> = claims.iter().map(change).collect();
    let now = engine.now();
    let ended = join_all(
        claims.iter().zip(&changes).map(|(claim, change)| engine.complete(claim.token, now, change)),
    );
    let ended = ended.await;
    assert!(matches!((&ended[0], &ended[1], &ended[2]), (Ok(true), Err(_), Ok(true))), "{ended:?}");
    assert_eq!(state(&engine, &claims[1]).await, DeliveryState::Leased);
    store.remove().await;
}

#[tokio::test]
async fn a_tenant_that_is_locked_holds_up_no_other() {
    let store = Store::new();
    let engine = store.open().await;
    let claims = lease(&engine, 3).await;
    let changes: Vec<Change> = claims.iter().map(change).collect();
    let lock = store.client().await;
    let one = format!(
        "BEGIN; SELECT 1 FROM {}.heads WHERE head = {} FOR UPDATE",
        store.schema(),
        claims[1].token.id
    );
    lock.batch_execute(&one).await.unwrap();
    let now = engine.now();
    let ended = join_all(
        claims.iter().zip(&changes).map(|(claim, change)| engine.complete(claim.token, now, change)),
    );
    let ended = ended.await;
    assert!(matches!((&ended[0], &ended[1], &ended[2]), (Ok(true), Err(_), Ok(true))), "{ended:?}");
    lock.batch_execute("ROLLBACK").await.unwrap();
    assert!(engine.complete(claims[1].token, engine.now(), &changes[1]).await.unwrap());
    store.remove().await;
}

#[tokio::test]
async fn after_a_lost_connection_it_ends_the_next_one() {
    let store = Store::new();
    let engine = store.open().await;
    let claims = lease(&engine, 2).await;
    assert!(engine.complete(claims[0].token, engine.now(), &change(&claims[0])).await.unwrap());
    let kill = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query = 'COMMIT'";
    store.client().await.batch_execute(kill).await.unwrap();
    while engine.complete(claims[1].token, engine.now(), &change(&claims[1])).await.is_err() {}
    assert_eq!(state(&engine, &claims[1]).await, DeliveryState::Done);
    store.remove().await;
}
