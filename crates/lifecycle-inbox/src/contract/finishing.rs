//! Rules about failures, and about what a completion leaves behind.

use super::sample::{START, at, claim, claim_one, complete, fail, put, state, summary};
use super::{Replicas, Rule};
use crate::engine::AfterFailure;
use crate::operations::DeliveryState;

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(a_completed_delivery_is_done_and_keeps_its_bytes),
        Rule::new(a_failure_keeps_its_error_and_the_time_of_the_next_attempt),
        Rule::new(a_dead_letter_keeps_its_error_and_its_bytes),
        Rule::new(a_finished_delivery_no_longer_names_a_worker),
    ]
}

async fn a_completed_delivery_is_done_and_keeps_its_bytes(replicas: Replicas) {
    let id = put(&*replicas.one, "t", "r").await;
    let claimed = claim_one(&*replicas.one, START).await;
    assert!(complete(&*replicas.one, &claimed, at(5)).await);
    let stored = replicas.two.show(id).await.unwrap().unwrap();
    assert_eq!((stored.summary.state, stored.summary.finished_at), (DeliveryState::Done, Some(at(5))));
    assert_eq!(stored.body, claimed.record.unwrap().body);
    assert!(claim(&*replicas.one, at(1_000), 10).await.is_empty());
}

async fn a_failure_keeps_its_error_and_the_time_of_the_next_attempt(replicas: Replicas) {
    let id = put(&*replicas.one, "t", "r").await;
    let claimed = claim_one(&*replicas.one, START).await;
    assert!(fail(&*replicas.one, claimed.token, at(1), AfterFailure::At(at(61))).await);
    let row = summary(&*replicas.two, id).await;
    assert_eq!((row.state, row.due_at, row.attempts, row.worker), (DeliveryState::Pending, at(61), 1, None));
    assert_eq!((row.last_error.as_deref(), row.finished_at), (Some("it did not work"), None));
    assert!(claim(&*replicas.two, at(60), 10).await.is_empty());
    let again = claim_one(&*replicas.two, at(61)).await;
    assert!(complete(&*replicas.two, &again, at(62)).await);
    assert_eq!(summary(&*replicas.one, id).await.last_error.as_deref(), Some("it did not work"));
}

async fn a_dead_letter_keeps_its_error_and_its_bytes(replicas: Replicas) {
    let id = put(&*replicas.one, "t", "r").await;
    let claimed = claim_one(&*replicas.one, START).await;
    assert!(fail(&*replicas.one, claimed.token, at(1), AfterFailure::Dead(None)).await);
    let stored = replicas.two.show(id).await.unwrap().unwrap();
    assert_eq!((stored.summary.state, stored.summary.finished_at), (DeliveryState::Dead, Some(at(1))));
    assert_eq!(stored.summary.last_error.as_deref(), Some("it did not work"));
    assert_eq!(stored.body, claimed.record.unwrap().body);
    assert!(claim(&*replicas.one, at(100_000), 10).await.is_empty());
}

async fn a_finished_delivery_no_longer_names_a_worker(replicas: Replicas) {
    let engine = &*replicas.one;
    for tenant in ["done", "dead", "released"] {
        put(engine, tenant, "r").await;
    }
    let claims = claim(engine, START, 10).await;
    complete(engine, &claims[0], START).await;
    fail(engine, claims[1].token, START, AfterFailure::Dead(None)).await;
    engine.release(claims[2].token, START).await.unwrap();
    for (claimed, expected) in
        claims.iter().zip([DeliveryState::Done, DeliveryState::Dead, DeliveryState::Pending])
    {
        assert_eq!(state(engine, claimed.token.id).await, expected);
        assert_eq!(summary(engine, claimed.token.id).await.worker, None);
    }
}
