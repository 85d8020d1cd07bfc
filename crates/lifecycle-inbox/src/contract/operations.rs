//! Rules about what operators see and do.

use std::time::Duration;

use super::sample::{
    START, WITHIN, at, change, claim, claim_one, complete, delivery, fail, key, listed, put, put_kind, state,
    summary,
};
use super::{Replicas, Rule};
use crate::engine::{AfterFailure, DeliveryId};
use crate::operations::{DeliveryFilter, DeliveryState, Ended, Prune, Pruned, Stats};
use crate::record::{Platforms, Record};
use crate::timestamp::Timestamp;

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(an_empty_store_has_nothing),
        Rule::new(stats_count_what_is_open_and_what_is_dead),
        Rule::new(deliveries_are_listed_in_order_by_state_and_by_tenant),
        Rule::new(pages_neither_miss_nor_repeat_a_delivery),
        Rule::new(what_ended_is_counted_from_a_time_on),
        Rule::new(a_waiting_delivery_can_be_retried_at_once),
        Rule::new(a_leased_or_finished_delivery_is_not_retried),
        Rule::new(a_deleted_delivery_is_gone_and_its_key_known),
        Rule::new(pruning_takes_old_finished_deliveries_only),
        Rule::new(pruning_takes_dead_letters_by_a_time_of_their_own),
        Rule::new(pruning_a_dead_letter_forgets_its_key_and_holds_up_nobody),
        Rule::new(pruning_stops_at_its_limit),
        Rule::new(a_delivery_that_cannot_be_decoded_is_kept_as_a_dead_letter),
        Rule::new(the_store_is_well),
    ]
}

async fn an_empty_store_has_nothing(replicas: Replicas) {
    let engine = &*replicas.one;
    let nothing = DeliveryId(1);
    assert_eq!(engine.stats(START).await.unwrap(), Stats::default());
    assert!(engine.list(&DeliveryFilter::default()).await.unwrap().is_empty());
    assert_eq!(engine.show(nothing).await.unwrap(), None);
    assert!(!engine.retry(nothing, START).await.unwrap());
    assert!(!engine.delete(nothing).await.unwrap());
    assert!(claim(engine, START, 10).await.is_empty());
}

async fn stats_count_what_is_open_and_what_is_dead(replicas: Replicas) {
    let engine = &*replicas.one;
    for tenant in ["done", "dead", "leased"] {
        put(engine, tenant, "r").await;
    }
    let claims = claim(engine, START, 10).await;
    engine.accept(Record::from(&delivery("late", "install", "r", START)), at(5), WITHIN).await.unwrap();
    engine.accept(Record::from(&delivery("later", "install", "r", START)), at(6), WITHIN).await.unwrap();
    let stats = engine.stats(at(10)).await.unwrap();
    assert_eq!((stats.pending, stats.leased, stats.dead, stats.depth()), (2, 3, 0, 5));
    assert_eq!(stats.oldest, Some(Duration::from_secs(10)));
    complete(engine, &claims[0], START).await;
    fail(engine, claims[1].token, START, AfterFailure::Dead(None)).await;
    let stats = replicas.two.stats(at(10)).await.unwrap();
    assert_eq!((stats.pending, stats.leased, stats.dead), (2, 1, 1));
    complete(engine, &claims[2], START).await;
    assert_eq!(engine.stats(at(10)).await.unwrap().oldest, Some(Duration::from_secs(5)));
    assert_eq!(engine.stats(at(-10)).await.unwrap().oldest, Some(Duration::ZERO), "clock set back");
}

async fn deliveries_are_listed_in_order_by_state_and_by_tenant(replicas: Replicas) {
    let engine = &*replicas.one;
    let mut ids = Vec::new();
    for (tenant, request) in [("t", "1"), ("u", "1"), ("t", "2"), ("v", "1")] {
        ids.push(put(engine, tenant, request).await);
    }
    let claims = claim(engine, START, 2).await;
    fail(engine, claims[1].token, START, AfterFailure::Dead(None)).await;
    let filter = |state, tenant: Option<&str>| DeliveryFilter {
        state,
        tenant: tenant.map(key),
        ..DeliveryFilter::default()
    };
    let list = async |filter| listed(&*replicas.two, filter).await;
    assert_eq!(list(filter(None, None)).await, ids);
    assert_eq!(list(filter(None, Some("t"))).await, [ids[0], ids[2]]);
    assert_eq!(list(filter(Some(DeliveryState::Leased), None)).await, [ids[0]]);
    assert_eq!(list(filter(Some(DeliveryState::Pending), None)).await, [ids[2], ids[3]]);
    assert_eq!(list(filter(Some(DeliveryState::Pending), Some("t"))).await, [ids[2]]);
    assert_eq!(list(filter(Some(DeliveryState::Dead), None)).await, [ids[1]]);
    assert!(list(filter(Some(DeliveryState::Done), None)).await.is_empty());
    assert!(list(filter(None, Some("nobody"))).await.is_empty());
    let newest = |filter| DeliveryFilter { newest_first: true, ..filter };
    for (state, tenant) in [(None, None), (None, Some("t")), (Some(DeliveryState::Pending), None)] {
        let mut turned = list(newest(filter(state, tenant))).await;
        turned.reverse();
        assert_eq!(turned, list(filter(state, tenant)).await, "{state:?} {tenant:?}");
    }
}

async fn what_ended_is_counted_from_a_time_on(replicas: Replicas) {
    let engine = &*replicas.one;
    for tenant in ["a", "b", "c", "d"] {
        put(engine, tenant, "r").await;
    }
    let claims = claim(engine, START, 10).await;
    complete(engine, &claims[0], at(1)).await;
    complete(engine, &claims[1], at(5)).await;
    fail(engine, claims[2].token, at(5), AfterFailure::Dead(None)).await;
    let ended = async |since| replicas.two.ended(since).await.unwrap();
    assert_eq!(ended(Timestamp::MIN).await, Ended::new(2, 1));
    assert_eq!(ended(at(5)).await, Ended::new(1, 1), "the instant itself counts");
    assert_eq!(ended(at(6)).await, Ended::default());
    assert!(engine.retry(claims[2].token.id, at(7)).await.unwrap());
    assert_eq!(ended(Timestamp::MIN).await, Ended::new(2, 0), "a retried one has not ended");
}

async fn pages_neither_miss_nor_repeat_a_delivery(replicas: Replicas) {
    let engine = &*replicas.one;
    let mut ids = Vec::new();
    for request in 0..7 {
        ids.push(put(engine, "t", &request.to_string()).await);
    }
    for newest_first in [false, true] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let filter = DeliveryFilter { after, newest_first, limit: 3, ..DeliveryFilter::default() };
            let page = listed(engine, filter).await;
            assert!(page.len() <= 3);
            let Some(last) = page.last() else { break };
            after = Some(*last);
            seen.extend(page);
        }
        assert_eq!(seen, ids, "newest first: {newest_first}");
        ids.reverse();
    }
    assert!(listed(engine, DeliveryFilter { limit: 0, ..DeliveryFilter::default() }).await.is_empty());
}

async fn a_waiting_delivery_can_be_retried_at_once(replicas: Replicas) {
    let engine = &*replicas.one;
    let id = put(engine, "t", "r").await;
    let claimed = claim_one(engine, START).await;
    fail(engine, claimed.token, START, AfterFailure::At(at(3_600))).await;
    assert!(replicas.two.retry(id, at(1)).await.unwrap());
    let again = claim_one(engine, at(1)).await;
    assert_eq!((again.token.id, again.attempt), (id, 1));
}

async fn a_leased_or_finished_delivery_is_not_retried(replicas: Replicas) {
    let engine = &*replicas.one;
    let id = put(engine, "t", "r").await;
    let claimed = claim_one(engine, START).await;
    assert!(!engine.retry(id, START).await.unwrap());
    assert!(complete(engine, &claimed, START).await);
    assert!(!engine.retry(id, START).await.unwrap());
    assert_eq!(state(engine, id).await, DeliveryState::Done);
}

async fn a_deleted_delivery_is_gone_and_its_key_known(replicas: Replicas) {
    let engine = &*replicas.one;
    let id = put(engine, "t", "r").await;
    assert!(engine.delete(id).await.unwrap());
    assert!(!engine.delete(id).await.unwrap());
    assert!(replicas.two.show(id).await.unwrap().is_none());
    let record = super::sample::record("t", "install", "r");
    assert_eq!(engine.accept(record, START, WITHIN).await.unwrap(), crate::Accepted::Duplicate);
    assert!(put(engine, "t", "other").await > id, "an id is never used again");
}

async fn pruning_takes_old_finished_deliveries_only(replicas: Replicas) {
    let engine = &*replicas.one;
    for tenant in ["old", "new", "dead", "leased"] {
        put(engine, tenant, "r").await;
    }
    let claims = claim(engine, START, 10).await;
    put(engine, "pending", "r").await;
    complete(engine, &claims[0], at(1)).await;
    complete(engine, &claims[1], at(2)).await;
    fail(engine, claims[2].token, at(1), AfterFailure::Dead(None)).await;
    let prune = Prune { done_before: at(2), dead_before: START, keys_before: START, limit: 100 };
    assert_eq!(engine.prune(prune).await.unwrap(), Pruned { done: 1, dead: 0, keys: 0 });
    assert!(engine.show(claims[0].token.id).await.unwrap().is_none());
    assert_eq!(engine.list(&DeliveryFilter::default()).await.unwrap().len(), 4);
    assert_eq!(engine.prune(prune).await.unwrap(), Pruned::default());
}

async fn pruning_takes_dead_letters_by_a_time_of_their_own(replicas: Replicas) {
    let engine = &*replicas.one;
    for tenant in ["old", "new", "done", "leased"] {
        put(engine, tenant, "r").await;
    }
    let claims = claim(engine, START, 10).await;
    put(engine, "pending", "r").await;
    fail(engine, claims[0].token, at(1), AfterFailure::Dead(None)).await;
    fail(engine, claims[1].token, at(2), AfterFailure::Dead(None)).await;
    complete(engine, &claims[2], at(1)).await;
    let prune = Prune { done_before: START, dead_before: at(2), keys_before: START, limit: 100 };
    assert_eq!(replicas.two.prune(prune).await.unwrap(), Pruned { done: 0, dead: 1, keys: 0 });
    assert!(engine.show(claims[0].token.id).await.unwrap().is_none());
    assert!(!engine.retry(claims[0].token.id, at(3)).await.unwrap());
    assert_eq!(engine.list(&DeliveryFilter::default()).await.unwrap().len(), 4);
    assert!(engine.retry(claims[1].token.id, at(3)).await.unwrap());
    let later = Prune { dead_before: at(100), ..prune };
    assert_eq!(engine.prune(later).await.unwrap(), Pruned::default(), "what is retried is not dead");
}

async fn pruning_a_dead_letter_forgets_its_key_and_holds_up_nobody(replicas: Replicas) {
    let engine = &*replicas.one;
    let dead = put_kind(engine, "t", "uninstall", "1").await;
    let next = put(engine, "t", "2").await;
    let claimed = claim_one(engine, START).await;
    let closing = change(&claimed);
    fail(engine, claimed.token, at(1), AfterFailure::Dead(Some(&closing))).await;
    let before = engine.installation(&key("t")).await.unwrap();
    let keys_before = at(1);
    let prune = Prune { done_before: at(2), dead_before: at(1), keys_before, limit: 100 };
    assert_eq!(engine.prune(prune).await.unwrap(), Pruned::default(), "the key of a dead letter is needed");
    let prune = Prune { dead_before: at(2), ..prune };
    assert_eq!(engine.prune(prune).await.unwrap(), Pruned { done: 0, dead: 1, keys: 1 });
    assert!(engine.show(dead).await.unwrap().is_none());
    assert_eq!(engine.installation(&key("t")).await.unwrap(), before);
    assert!(before.is_some());
    assert_eq!(claim_one(engine, at(3)).await.token.id, next);
}

async fn pruning_stops_at_its_limit(replicas: Replicas) {
    let engine = &*replicas.one;
    for tenant in ["a", "b", "c", "d", "e", "f"] {
        put(engine, tenant, "r").await;
    }
    for (nth, claimed) in claim(engine, START, 10).await.into_iter().enumerate() {
        if nth % 2 == 0 {
            complete(engine, &claimed, START).await;
        } else {
            fail(engine, claimed.token, START, AfterFailure::Dead(None)).await;
        }
    }
    let prune = Prune { done_before: at(1), dead_before: at(1), keys_before: at(1), limit: 2 };
    let mut counts = Vec::new();
    for _ in 0..3 {
        let pruned = engine.prune(prune).await.unwrap();
        counts.push((pruned.done, pruned.dead, pruned.keys));
    }
    assert_eq!(counts, [(2, 2, 2), (1, 1, 2), (0, 0, 2)]);
}

async fn a_delivery_that_cannot_be_decoded_is_kept_as_a_dead_letter(replicas: Replicas) {
    let engine = &*replicas.one;
    let mut broken = super::sample::record("t", "install", "r");
    broken.body = bytes::Bytes::from_static(b"\xFF not JSON");
    engine.accept(broken.clone(), START, WITHIN).await.unwrap();
    let claimed = claim_one(engine, START).await;
    assert!(claimed.record.unwrap().restore(&Platforms::default()).is_err());
    fail(engine, claimed.token, START, AfterFailure::Dead(None)).await;
    let stored = replicas.two.show(claimed.token.id).await.unwrap().unwrap();
    assert_eq!((stored.summary.state, &stored.body), (DeliveryState::Dead, &broken.body));
    assert_eq!(summary(engine, claimed.token.id).await.state, DeliveryState::Dead);
}

async fn the_store_is_well(replicas: Replicas) {
    replicas.one.check().await.unwrap();
    replicas.two.check().await.unwrap();
}
