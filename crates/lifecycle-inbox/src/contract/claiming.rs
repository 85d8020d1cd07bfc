//! Rules about leases: who has a row, for how long, and what a token is worth afterwards.

use std::time::Duration;

use super::sample::{LEASE, START, at, claim, claim_ids, claim_one, complete, fail, put, state, summary};
use super::{Replicas, Rule};
use crate::engine::{AfterFailure, ClaimRequest, DeliveryId, LeaseToken};
use crate::operations::DeliveryState;

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(a_leased_delivery_is_not_claimed_again),
        Rule::new(the_limit_of_a_claim_is_kept_oldest_first),
        Rule::new(a_lease_that_is_over_is_taken_over_with_a_higher_fence),
        Rule::new(a_stale_token_can_do_nothing),
        Rule::new(a_lease_that_is_over_still_finishes_while_nobody_took_it_over),
        Rule::new(a_renewed_lease_lasts_longer),
        Rule::new(a_token_that_was_never_given_holds_nothing),
        Rule::new(a_released_delivery_is_due_at_once_and_its_attempt_not_counted),
        Rule::new(attempts_are_counted_when_claimed),
        Rule::new(two_workers_of_one_name_do_not_share_a_delivery),
        Rule::new(many_claims_at_once_never_share_a_delivery),
        Rule::new(a_clock_set_back_delays_no_new_delivery),
        Rule::new(a_clock_set_back_ends_leases_and_waits),
        Rule::new(a_clock_set_back_by_less_than_the_skew_keeps_a_lease),
    ]
}

async fn a_leased_delivery_is_not_claimed_again(replicas: Replicas) {
    let id = put(&*replicas.one, "t", "r").await;
    assert_eq!(claim_one(&*replicas.one, START).await.token.id, id);
    assert!(claim(&*replicas.two, at(29), 10).await.is_empty());
    let row = summary(&*replicas.two, id).await;
    assert_eq!(
        (row.state, row.due_at, row.worker.as_deref()),
        (DeliveryState::Leased, at(30), Some("worker"))
    );
}

async fn the_limit_of_a_claim_is_kept_oldest_first(replicas: Replicas) {
    let engine = &*replicas.one;
    let mut ids = Vec::new();
    for tenant in ["c", "a", "b", "d"] {
        ids.push(put(engine, tenant, "r").await);
    }
    let first: Vec<DeliveryId> = claim(engine, START, 3).await.iter().map(|claim| claim.token.id).collect();
    assert_eq!(first, ids[..3]);
    assert!(claim(engine, START, 0).await.is_empty());
    assert_eq!(claim_ids(engine, START).await, ids[3..]);
}

async fn a_lease_that_is_over_is_taken_over_with_a_higher_fence(replicas: Replicas) {
    put(&*replicas.one, "t", "r").await;
    let first = claim_one(&*replicas.one, START).await;
    let second = claim_one(&*replicas.two, at(30)).await;
    assert_eq!(second.token.id, first.token.id);
    assert!(second.token.fence > first.token.fence);
    assert_eq!(second.attempt, 2);
    assert_eq!(second.record, first.record);
}

async fn a_stale_token_can_do_nothing(replicas: Replicas) {
    let (one, two) = (&*replicas.one, &*replicas.two);
    put(one, "t", "r").await;
    let stale = claim_one(one, START).await;
    let holder = claim_one(two, at(31)).await;
    assert!(!complete(one, &stale, at(32)).await);
    assert!(!fail(one, stale.token, at(32), AfterFailure::Dead(None)).await);
    assert!(!fail(one, stale.token, at(32), AfterFailure::At(at(40))).await);
    assert!(!one.release(stale.token, at(32)).await.unwrap());
    assert!(one.renew(&[stale.token], at(32), LEASE).await.unwrap().is_empty());
    let row = summary(one, stale.token.id).await;
    assert_eq!(
        (row.state, row.due_at, row.last_error, row.attempts),
        (DeliveryState::Leased, at(61), None, 2)
    );
    assert_eq!(one.installation(&row.tenant).await.unwrap(), None);
    assert!(complete(two, &holder, at(33)).await);
    assert!(!complete(two, &holder, at(34)).await, "and no token finishes twice");
    assert!(!fail(two, holder.token, at(34), AfterFailure::Dead(None)).await);
    assert_eq!(state(one, stale.token.id).await, DeliveryState::Done);
}

async fn a_lease_that_is_over_still_finishes_while_nobody_took_it_over(replicas: Replicas) {
    let id = put(&*replicas.one, "t", "r").await;
    let claimed = claim_one(&*replicas.one, START).await;
    assert!(complete(&*replicas.one, &claimed, at(1_000)).await);
    assert_eq!(state(&*replicas.two, id).await, DeliveryState::Done);
}

async fn a_renewed_lease_lasts_longer(replicas: Replicas) {
    let engine = &*replicas.one;
    put(engine, "t", "r").await;
    put(engine, "u", "r").await;
    let claims = claim(engine, START, 10).await;
    let held = engine.renew(&[claims[0].token], at(20), Duration::from_secs(45)).await.unwrap();
    assert_eq!(held, [claims[0].token]);
    assert_eq!(claim_ids(&*replicas.two, at(64)).await, [claims[1].token.id]);
    assert_eq!(claim_ids(&*replicas.two, at(65)).await, [claims[0].token.id]);
}

async fn a_token_that_was_never_given_holds_nothing(replicas: Replicas) {
    let engine = &*replicas.one;
    let id = put(engine, "t", "r").await;
    let claimed = claim_one(engine, START).await;
    let forged = [
        LeaseToken { id, fence: claimed.token.fence + 1 },
        LeaseToken { id, fence: claimed.token.fence - 1 },
        LeaseToken { id: DeliveryId(id.0 + 1), fence: claimed.token.fence },
    ];
    for token in forged {
        assert!(!engine.release(token, START).await.unwrap(), "{token:?}");
        assert!(!fail(engine, token, START, AfterFailure::Dead(None)).await, "{token:?}");
    }
    let both = [forged[0], claimed.token, forged[1]];
    assert_eq!(engine.renew(&both, START, LEASE).await.unwrap(), [claimed.token]);
    assert!(engine.renew(&[], START, LEASE).await.unwrap().is_empty());
}

async fn a_released_delivery_is_due_at_once_and_its_attempt_not_counted(replicas: Replicas) {
    let engine = &*replicas.one;
    put(engine, "t", "r").await;
    let first = claim_one(engine, START).await;
    let mut subscription = engine.notifier().subscribe();
    assert!(engine.release(first.token, at(5)).await.unwrap());
    subscription.changed().await;
    assert!(!engine.release(first.token, at(5)).await.unwrap());
    let second = claim_one(&*replicas.two, at(5)).await;
    assert_eq!(second.attempt, 1);
    assert!(second.token.fence > first.token.fence, "a fence is never used again");
    assert!(!complete(engine, &first, at(6)).await);
}

async fn attempts_are_counted_when_claimed(replicas: Replicas) {
    let engine = &*replicas.one;
    let id = put(engine, "t", "r").await;
    for attempt in 1..=4 {
        let claimed = claim_one(engine, at(i64::from(attempt) * 100)).await;
        assert_eq!(claimed.attempt, attempt);
        if attempt % 2 == 0 {
            fail(engine, claimed.token, START, AfterFailure::At(START)).await; // the others crash and say nothing
        }
    }
    assert_eq!(summary(engine, id).await.attempts, 4);
}

async fn two_workers_of_one_name_do_not_share_a_delivery(replicas: Replicas) {
    put(&*replicas.one, "t", "r").await;
    put(&*replicas.one, "u", "r").await;
    let request =
        ClaimRequest { worker: "same", platforms: &["seismic"], now: START, lease: LEASE, limit: 1 };
    let one = replicas.one.claim(request).await.unwrap().remove(0);
    let two = replicas.two.claim(request).await.unwrap().remove(0);
    assert_ne!(one.token.id, two.token.id);
    assert!(complete(&*replicas.one, &one, START).await);
    assert!(complete(&*replicas.two, &two, START).await);
}

async fn many_claims_at_once_never_share_a_delivery(replicas: Replicas) {
    for tenant in 0..40 {
        put(&*replicas.one, &format!("t{tenant}"), "r").await;
    }
    let mut tasks = Vec::new();
    for nth in 0..16 {
        let engine = if nth % 2 == 0 { replicas.one.clone() } else { replicas.two.clone() };
        tasks.push(tokio::spawn(async move {
            let mut tokens = Vec::new();
            loop {
                let claims = claim(&*engine, START, 3).await;
                if claims.is_empty() {
                    return tokens;
                }
                tokens.extend(claims.iter().map(|claim| claim.token));
            }
        }));
    }
    let mut tokens = Vec::new();
    for task in tasks {
        tokens.extend(task.await.unwrap());
    }
    // Rows that another claim has locked may be passed over, but not lost.
    tokens.extend(claim(&*replicas.one, START, 100).await.iter().map(|claim| claim.token));
    tokens.sort_unstable();
    assert!(tokens.iter().all(|token| token.fence == tokens[0].fence));
    tokens.dedup();
    assert_eq!(tokens.len(), 40);
}

async fn a_clock_set_back_delays_no_new_delivery(replicas: Replicas) {
    let id = put(&*replicas.one, "t", "r").await;
    assert_eq!(claim_ids(&*replicas.one, at(-50)).await, [id]);
}

async fn a_clock_set_back_ends_leases_and_waits(replicas: Replicas) {
    let engine = &*replicas.one;
    let leased = put(engine, "t", "r").await;
    let claimed = claim_one(engine, START).await;
    let waiting = put(engine, "u", "r").await;
    let failed = claim_one(engine, START).await;
    fail(engine, failed.token, START, AfterFailure::At(at(3_600))).await;
    assert!(claim(engine, at(29), 10).await.is_empty());
    assert_eq!(claim_ids(engine, at(-7_200)).await, [leased, waiting]);
    assert!(!complete(engine, &claimed, at(-7_200)).await);
}

async fn a_clock_set_back_by_less_than_the_skew_keeps_a_lease(replicas: Replicas) {
    let id = put(&*replicas.one, "t", "r").await;
    claim_one(&*replicas.one, START).await;
    assert!(claim(&*replicas.two, at(-60), 10).await.is_empty());
    assert_eq!(claim_ids(&*replicas.two, at(-61)).await, [id]);
}
