//! Rules about order: strictly one after the other in a tenant, tenants beside each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::sample::{
    START, WITHIN, at, claim, claim_ids, claim_of, claim_one, complete, fail, put, put_kind, put_of, state,
    summary,
};
use super::{Replicas, Rule};
use crate::engine::{AfterFailure, DeliveryId};
use crate::operations::DeliveryState;
use crate::record::Record;

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(a_tenant_is_handled_one_after_the_other),
        Rule::new(a_delivery_that_waits_holds_up_its_tenant_and_no_other),
        Rule::new(a_dead_letter_lets_its_tenant_move_on),
        Rule::new(a_deleted_delivery_lets_its_tenant_move_on),
        Rule::new(a_retried_letter_takes_its_old_place),
        Rule::new(a_retried_letter_waits_while_a_later_one_runs),
        Rule::new(an_overtaken_lease_that_is_over_blocks_nobody),
        Rule::new(a_retried_letter_is_told_what_has_overtaken_it),
        Rule::new(what_was_never_overtaken_is_not_told_so),
        Rule::new(app_and_platform_are_part_of_the_tenant),
        Rule::new(many_workers_keep_the_order),
    ]
}

async fn a_tenant_is_handled_one_after_the_other(replicas: Replicas) {
    let (one, two) = (&*replicas.one, &*replicas.two);
    let mut ids = Vec::new();
    for request in ["1", "2", "3"] {
        ids.push(put(one, "t", request).await);
    }
    for id in ids {
        let claimed = claim_one(one, START).await;
        assert_eq!(claimed.token.id, id);
        assert!(claim(two, START, 10).await.is_empty());
        let mut subscription = one.notifier().subscribe();
        assert!(complete(one, &claimed, START).await);
        subscription.changed().await;
    }
}

async fn a_delivery_that_waits_holds_up_its_tenant_and_no_other(replicas: Replicas) {
    let engine = &*replicas.one;
    let first = put(engine, "t", "1").await;
    put(engine, "t", "2").await;
    let claimed = claim_one(engine, START).await;
    fail(engine, claimed.token, START, AfterFailure::At(at(10))).await;
    let other = put(engine, "u", "1").await;
    assert_eq!(claim_ids(engine, at(9)).await, [other]);
    assert_eq!(claim_ids(engine, at(10)).await, [first]);
}

async fn a_dead_letter_lets_its_tenant_move_on(replicas: Replicas) {
    let engine = &*replicas.one;
    put(engine, "t", "1").await;
    let second = put(engine, "t", "2").await;
    let claimed = claim_one(engine, START).await;
    let mut subscription = engine.notifier().subscribe();
    fail(engine, claimed.token, START, AfterFailure::Dead(None)).await;
    subscription.changed().await;
    assert_eq!(claim_ids(engine, START).await, [second]);
}

async fn a_deleted_delivery_lets_its_tenant_move_on(replicas: Replicas) {
    let engine = &*replicas.one;
    let first = put(engine, "t", "1").await;
    let second = put(engine, "t", "2").await;
    let claimed = claim_one(engine, START).await;
    let mut subscription = engine.notifier().subscribe();
    assert!(engine.delete(first).await.unwrap());
    subscription.changed().await;
    assert_eq!(claim_ids(engine, START).await, [second]);
    assert!(!complete(engine, &claimed, START).await);
}

async fn a_retried_letter_takes_its_old_place(replicas: Replicas) {
    let engine = &*replicas.one;
    let first = put(engine, "t", "1").await;
    let second = put(engine, "t", "2").await;
    let claimed = claim_one(engine, START).await;
    fail(engine, claimed.token, START, AfterFailure::Dead(None)).await;
    let mut subscription = engine.notifier().subscribe();
    assert!(engine.retry(first, at(1)).await.unwrap());
    subscription.changed().await;
    let again = claim_one(engine, at(1)).await;
    assert_eq!((again.token.id, again.attempt), (first, 1));
    assert!(again.token.fence > claimed.token.fence);
    complete(engine, &again, at(2)).await;
    assert_eq!(claim_ids(engine, at(2)).await, [second]);
}

async fn a_retried_letter_waits_while_a_later_one_runs(replicas: Replicas) {
    let engine = &*replicas.one;
    let first = put(engine, "t", "1").await;
    put(engine, "t", "2").await;
    let claimed = claim_one(engine, START).await;
    fail(engine, claimed.token, START, AfterFailure::Dead(None)).await;
    let running = claim_one(engine, START).await;
    assert!(engine.retry(first, at(1)).await.unwrap());
    assert!(claim(&*replicas.two, at(1), 10).await.is_empty());
    complete(engine, &running, at(2)).await;
    assert_eq!(claim_ids(engine, at(2)).await, [first]);
}

async fn an_overtaken_lease_that_is_over_blocks_nobody(replicas: Replicas) {
    let engine = &*replicas.one;
    let first = put(engine, "t", "1").await;
    let second = put(engine, "t", "2").await;
    let claimed = claim_one(engine, START).await;
    fail(engine, claimed.token, START, AfterFailure::Dead(None)).await;
    assert_eq!(claim_ids(engine, START).await, [second]); // and its worker dies
    engine.retry(first, at(1)).await.unwrap();
    let again = claim_one(engine, at(31)).await;
    assert_eq!(again.token.id, first);
    assert!(claim(engine, at(31), 10).await.is_empty());
    complete(engine, &again, at(32)).await;
    assert_eq!(claim_ids(engine, at(32)).await, [second]);
}

async fn a_retried_letter_is_told_what_has_overtaken_it(replicas: Replicas) {
    let (engine, other) = (&*replicas.one, &*replicas.two);
    let mut ids = Vec::new();
    for request in ["1", "2", "3", "4"] {
        ids.push(put(engine, "t", request).await);
    }
    for next in [AfterFailure::Dead(None); 2] {
        let claimed = claim_one(engine, START).await;
        fail(engine, claimed.token, START, next).await;
    }
    assert_eq!(summary(other, ids[0]).await.overtaken_by, None, "what died after it has not overtaken it");
    let third = claim_one(engine, START).await;
    assert!(complete(engine, &third, START).await);
    for id in &ids[..2] {
        assert_eq!(summary(other, *id).await.overtaken_by, Some(ids[2]));
    }
    assert_eq!(summary(other, ids[2]).await.overtaken_by, None);

    // The fourth runs while the first and the second wait again.
    let fourth = claim_one(engine, START).await;
    assert_eq!((fourth.token.id, fourth.overtaken_by), (ids[3], None));
    for id in &ids[..2] {
        assert!(engine.retry(*id, START).await.unwrap());
    }
    assert_eq!(summary(other, ids[0]).await.overtaken_by, Some(ids[2]));
    assert!(complete(engine, &fourth, START).await);
    for id in &ids[..2] {
        let again = claim_one(other, START).await;
        assert_eq!((again.token.id, again.overtaken_by), (*id, Some(ids[3])));
        assert!(complete(other, &again, START).await);
        assert_eq!(summary(other, *id).await.overtaken_by, None, "it is done itself");
    }
}

async fn what_was_never_overtaken_is_not_told_so(replicas: Replicas) {
    let engine = &*replicas.one;
    let first = put(engine, "t", "1").await;
    put(engine, "u", "1").await; // of another tenant, and later
    put_of(engine, "other", "t", START).await; // of another platform, and later
    let claims = claim_of(engine, &["other", "seismic"], START, 10).await;
    for claimed in &claims[1..] {
        assert!(complete(engine, claimed, START).await);
    }
    fail(engine, claims[0].token, START, AfterFailure::Dead(None)).await;
    assert_eq!(summary(engine, first).await.overtaken_by, None);
    assert!(engine.retry(first, START).await.unwrap());
    let again = claim_one(engine, START).await;
    assert_eq!((again.token.id, again.overtaken_by), (first, None));
    fail(engine, again.token, START, AfterFailure::At(START)).await;
    let second = put(engine, "t", "2").await;
    let again = claim_one(engine, START).await;
    assert!(complete(engine, &again, START).await);
    let next = claim_one(engine, START).await;
    assert_eq!((next.token.id, next.overtaken_by), (second, None), "an older one overtakes nothing");
}

async fn app_and_platform_are_part_of_the_tenant(replicas: Replicas) {
    let engine = &*replicas.one;
    let mut ids = Vec::new();
    let keys = [("p", "a", "t"), ("p", "b", "t"), ("q", "a", "t"), ("p", "at", ""), ("p", "", "at")];
    for (nth, (platform, app, tenant)) in keys.into_iter().enumerate() {
        let mut record: Record = super::sample::record("t", "install", &nth.to_string());
        record.tenant = lifecycle_core::TenantKey::new(platform, app, tenant);
        let crate::Accepted::New(id) = engine.accept(record, START, WITHIN).await.unwrap() else {
            panic!("new")
        };
        ids.push(id);
    }
    let claims = claim_of(engine, &["p", "q"], START, 10).await;
    assert_eq!(claims.iter().map(|claim| claim.token.id).collect::<Vec<_>>(), ids);
}

/// Workers on both replicas, some of which fail, die and come late: each tenant's rows finish in order, and no two of
/// them ever run at once.
async fn many_workers_keep_the_order(replicas: Replicas) {
    const TENANTS: usize = 5;
    const ROWS: usize = 8;
    let mut rows: HashMap<DeliveryId, usize> = HashMap::new();
    for nth in 0..TENANTS * ROWS {
        let tenant = nth % TENANTS;
        let id = put_kind(&*replicas.one, &format!("t{tenant}"), "upgrade", &nth.to_string()).await;
        rows.insert(id, tenant);
    }
    let log = Arc::new(Mutex::new(Log { rows, running: [None; TENANTS], finished: Vec::new() }));
    let mut workers = Vec::new();
    for nth in 0..6_u64 {
        let engine = if nth % 2 == 0 { replicas.one.clone() } else { replicas.two.clone() };
        let log = log.clone();
        workers.push(tokio::spawn(async move {
            let mut random = fastrand::Rng::with_seed(nth);
            while log.lock().unwrap().finished.len() < TENANTS * ROWS {
                for claimed in claim(&*engine, START, 2).await {
                    let id = claimed.token.id;
                    log.lock().unwrap().start(id);
                    tokio::task::yield_now().await;
                    // Nothing of the row may run after this, so it is noted before.
                    log.lock().unwrap().stop(id);
                    match random.u8(0..4) {
                        0 => assert!(fail(&*engine, claimed.token, START, AfterFailure::At(START)).await),
                        1 => assert!(engine.release(claimed.token, START).await.unwrap()),
                        _ => {
                            log.lock().unwrap().finished.push(id);
                            assert!(complete(&*engine, &claimed, START).await);
                        }
                    }
                }
                tokio::task::yield_now().await;
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    let finished = {
        let log = log.lock().unwrap();
        for tenant in 0..TENANTS {
            let order: Vec<DeliveryId> =
                log.finished.iter().copied().filter(|id| log.rows[id] == tenant).collect();
            assert!(order.is_sorted() && order.len() == ROWS, "tenant {tenant}: {order:?}");
        }
        log.finished.clone()
    };
    for id in finished {
        assert_eq!(state(&*replicas.one, id).await, DeliveryState::Done);
    }
}

struct Log {
    rows: HashMap<DeliveryId, usize>,
    running: [Option<DeliveryId>; 5],
    finished: Vec<DeliveryId>,
}

impl Log {
    fn start(&mut self, id: DeliveryId) {
        let before = self.running[self.rows[&id]].replace(id);
        assert_eq!(before, None, "two rows of one tenant run at once");
    }

    fn stop(&mut self, id: DeliveryId) {
        assert_eq!(self.running[self.rows[&id]].take(), Some(id));
    }
}
