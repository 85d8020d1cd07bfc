//! The order in a tenant, with many writers and many claimers on two engines.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lifecycle_core::Change;
use lifecycle_inbox::{Accepted, AfterFailure, Claim, ClaimRequest, DeliveryId, Engine, Platforms};
use lifecycle_inbox_postgres::PostgresEngine;

use crate::support::{Store, WITHIN, record};
use crate::{claim_one, put, until};

fn change(claim: &Claim) -> Change {
    let delivery = claim.record.as_ref().unwrap().restore(&Platforms::default()).unwrap();
    Change::new(&delivery, claim.token.id.0)
}

async fn claim_some(engine: &PostgresEngine, limit: usize) -> Vec<Claim> {
    let request = ClaimRequest::new("w", &["seismic"], engine.now(), Duration::from_secs(60), limit);
    engine.claim(request).await.unwrap()
}

/// What would go wrong without the lock: an id is drawn, another transaction draws the next one and commits first.
#[tokio::test]
async fn a_delivery_whose_commit_is_late_is_not_overtaken() {
    let store = Store::new();
    let engine = store.open().await;
    put(&engine, "t", 0).await; // so that neither of the others is at the head of the tenant
    let running = claim_one(&engine).await;

    let mut slow = store.client().await;
    let first = record("t", 1);
    let transaction = slow.transaction().await.unwrap();
    let accept = format!(
        "SELECT new_id FROM {0}.accept(
            ARRAY(SELECT key FROM {0}.tenants), ARRAY[$1::bytea], ARRAY[$2::bytea], ARRAY[$3::bytea], ARRAY[$4::bytea],
            ARRAY[$5::bytea], ARRAY[$6::bytea], ARRAY[$7::bytea], ARRAY[0::bigint], ARRAY[0::bigint])",
        store.schema()
    );
    let tenant = &first.tenant;
    let parts = [&tenant.platform, &tenant.app, &tenant.tenant, &first.kind].map(String::as_bytes);
    let (key, envelope) = (first.key.as_bytes().as_slice(), first.envelope.as_bytes());
    let row = transaction
        .query_one(&accept, &[&parts[0], &parts[1], &parts[2], &parts[3], &key, &&*first.body, &envelope])
        .await
        .unwrap();
    let first = DeliveryId(row.get(0));

    let other = engine.clone();
    let second = tokio::spawn(async move { put(&other, "t", 2).await });
    let monitor = store.client().await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%accept%'";
    until("the second waits for the first", async || {
        monitor.query_one(waiting, &[&store.schema()]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    assert!(!second.is_finished());

    transaction.commit().await.unwrap();
    let second = second.await.unwrap();
    assert!(first < second);
    assert!(engine.complete(running.token, engine.now(), &change(&running)).await.unwrap());
    let next = claim_one(&engine).await;
    assert_eq!(next.token.id, first);
    assert!(engine.complete(next.token, engine.now(), &change(&next)).await.unwrap());
    assert_eq!(claim_one(&engine).await.token.id, second);
    store.remove().await;
}

/// A claim begins at the lowest head that it knows of. What comes back is lower, and each of them has to be met.
#[tokio::test]
async fn letters_of_a_tenant_that_are_retried_together_are_all_met_by_who_looks_beyond_them() {
    let store = Store::new();
    let engine = store.open().await;
    let mut letters = Vec::new();
    for nth in 0..3 {
        letters.push(put(&engine, "t", nth).await);
        let claimed = claim_one(&engine).await;
        assert!(engine.fail(claimed.token, engine.now(), "no", AfterFailure::Dead(None)).await.unwrap());
    }
    let waiting = put(&engine, "u", 3).await;
    for letter in [letters[1], letters[0], letters[2]] {
        assert!(engine.retry(letter, engine.now()).await.unwrap());
    }
    let client = store.client().await;
    let of_another = format!(
        "SELECT id FROM {}.claim(ARRAY['seismic'::bytea], 'w', 0, 9223372036854775807, 60000, 1, {waiting})",
        store.schema()
    );
    for letter in letters {
        let met = client.query(&of_another, &[]).await.unwrap();
        assert_eq!(met.iter().map(|row| DeliveryId(row.get(0))).collect::<Vec<_>>(), [letter]);
        let dead = format!(
            "SELECT {0}.finish(ARRAY[id], ARRAY[fence], ARRAY[0], ARRAY['dead'], ARRAY[0], ARRAY[NULL::bytea], ARRAY[0])
            FROM {0}.deliveries WHERE id = {letter}",
            store.schema()
        );
        client.batch_execute(&dead).await.unwrap();
    }
    store.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_that_hammer_the_same_tenants_keep_their_order() {
    const WRITERS: u32 = 12;
    const EACH: u32 = 20;
    let store = Store::new();
    let engines = [store.open().await, store.open().await];
    let handled: Arc<Mutex<Vec<(String, DeliveryId)>>> = Arc::default();
    let running: Arc<Mutex<HashMap<String, DeliveryId>>> = Arc::default();

    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let engine = engines[writer as usize % 2].clone();
        writers.push(tokio::spawn(async move {
            let mut last = DeliveryId(0);
            for nth in 0..EACH {
                let id = put(&engine, &format!("t{}", nth % 2), writer * EACH + nth).await;
                assert!(id > last, "what was acknowledged before has the lower id");
                last = id;
            }
        }));
    }
    let mut claimers = Vec::new();
    for nth in 0..6_usize {
        let (engine, handled, running) = (engines[nth % 2].clone(), handled.clone(), running.clone());
        claimers.push(tokio::spawn(async move {
            while handled.lock().unwrap().len() < (WRITERS * EACH) as usize {
                for claimed in claim_some(&engine, 1 + nth % 3).await {
                    let (id, tenant) =
                        (claimed.token.id, claimed.record.as_ref().unwrap().tenant.tenant.clone());
                    assert_eq!(
                        running.lock().unwrap().insert(tenant.clone(), id),
                        None,
                        "two of a tenant at once"
                    );
                    tokio::task::yield_now().await;
                    running.lock().unwrap().remove(&tenant);
                    handled.lock().unwrap().push((tenant, id));
                    assert!(engine.complete(claimed.token, engine.now(), &change(&claimed)).await.unwrap());
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }));
    }
    for task in writers.into_iter().chain(claimers) {
        task.await.unwrap();
    }
    for tenant in ["t0", "t1"] {
        let handled = handled.lock().unwrap();
        let ids: Vec<_> = handled.iter().filter(|(own, _)| own == tenant).map(|(_, id)| *id).collect();
        assert_eq!(ids.len(), (WRITERS * EACH / 2) as usize);
        assert!(ids.is_sorted(), "{tenant}: {ids:?}");
    }
    store.remove().await;
}

/// Letters die and come back, rows are given back and deleted, while many claim: at no moment are two of a tenant
/// leased, and each tenant's head is its oldest open row.
#[tokio::test(flavor = "multi_thread")]
async fn no_race_between_claims_and_operators_leases_two_rows_of_a_tenant() {
    let store = Store::new();
    let engines = [store.open().await, store.open().await];
    let mut ids = Vec::new();
    for nth in 0..24 {
        ids.push(put(&engines[0], &format!("t{}", nth % 3), nth).await);
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for nth in 0..8_u64 {
        let (engine, is_over) = (engines[usize::from(nth % 2 == 0)].clone(), is_over.clone());
        let ids = ids.clone();
        tasks.push(tokio::spawn(async move {
            let mut random = fastrand::Rng::with_seed(nth);
            while !is_over.load(Ordering::Relaxed) {
                if nth < 3 {
                    engine.retry(*random.choice(&ids).unwrap(), engine.now()).await.unwrap();
                    continue;
                }
                for claimed in claim_some(&engine, 2).await {
                    let (token, now) = (claimed.token, engine.now());
                    match random.u8(0..3) {
                        0 => engine.release(token, now).await.unwrap(),
                        _ => engine.fail(token, now, "no", AfterFailure::Dead(None)).await.unwrap(),
                    };
                }
            }
        }));
    }
    let monitor = store.client().await;
    let leased = format!(
        "SELECT coalesce(max(n), 0), (SELECT count(*) FROM {0}.deliveries WHERE fence > 3) FROM
            (SELECT count(*) AS n FROM {0}.deliveries WHERE state = 'leased' GROUP BY tenant) AS per_tenant",
        store.schema()
    );
    let heads = format!(
        "SELECT count(*) FROM {0}.heads FULL JOIN (
            SELECT tenant, min(id) AS id FROM {0}.deliveries WHERE state IN ('pending', 'leased') GROUP BY tenant
        ) AS oldest USING (tenant) WHERE head IS DISTINCT FROM id",
        store.schema()
    );
    until("many rows were claimed again and again", async || {
        let row = monitor.query_one(&leased, &[]).await.unwrap();
        assert!(row.get::<_, i64>(0) <= 1, "two rows of a tenant are leased");
        assert_eq!(monitor.query_one(&heads, &[]).await.unwrap().get::<_, i64>(0), 0, "a head is wrong");
        row.get::<_, i64>(1) > 20
    })
    .await;
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    store.remove().await;
}

#[tokio::test]
async fn duplicates_on_two_replicas_are_written_once() {
    let store = Store::new();
    let engines = [store.open().await, store.open().await];
    let tasks: Vec<_> = (0..200_u32)
        .map(|nth| {
            let engine = engines[nth as usize % 2].clone();
            tokio::spawn(
                async move { engine.accept(record("t", nth / 8), engine.now(), WITHIN).await.unwrap() },
            )
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += u32::from(matches!(task.await.unwrap(), Accepted::New(_)));
    }
    assert_eq!(new, 25);
    assert_eq!(engines[0].stats(engines[0].now()).await.unwrap().pending, 25);
    store.remove().await;
}
