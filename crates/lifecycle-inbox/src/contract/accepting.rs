//! Rules about what is written, and about duplicates.

use std::time::Duration;

use bytes::Bytes;
use lifecycle_core::{IdempotencyKey, TenantKey};

use super::sample::{START, WITHIN, at, claim, claim_of, claim_one, complete, delivery, put, record, state};
use super::{Replicas, Rule};
use crate::engine::Accepted;
use crate::operations::{DeliveryFilter, DeliveryState, Prune};
use crate::record::{Platforms, Record};
use crate::timestamp::Timestamp;

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(what_was_accepted_comes_back_byte_for_byte),
        Rule::new(any_text_and_any_bytes_are_kept),
        Rule::new(a_duplicate_is_not_written_again),
        Rule::new(a_duplicate_of_a_finished_delivery_is_still_a_duplicate),
        Rule::new(of_many_duplicates_at_once_one_is_new),
        Rule::new(a_key_outlives_its_delivery),
        Rule::new(a_forgotten_key_is_new_again),
        Rule::new(the_key_of_an_unfinished_delivery_is_not_forgotten),
        Rule::new(a_call_that_is_dropped_happens_wholly_or_not_at_all),
        Rule::new(what_has_no_time_left_is_not_written),
        Rule::new(a_new_delivery_notifies),
    ]
}

async fn what_was_accepted_comes_back_byte_for_byte(replicas: Replicas) {
    let sent = delivery("t", "upgrade", "r", at(-7));
    let record = Record::from(&sent);
    let accepted = replicas.one.accept(record.clone(), START, WITHIN).await.unwrap();
    let Accepted::New(id) = accepted else { panic!("it is new") };
    let claimed = claim_one(&*replicas.two, START).await;
    assert_eq!(claimed.record.as_ref(), Ok(&record));
    let again = claimed.record.unwrap().restore(&Platforms::default()).unwrap();
    assert_eq!((again.body(), again.trust()), (sent.body(), sent.trust()));
    assert_eq!(Timestamp::from(again.received_at()), at(-7));
    let stored = replicas.one.show(id).await.unwrap().unwrap();
    assert_eq!((stored.body, stored.envelope), (record.body, record.envelope));
    assert_eq!(stored.summary.tenant, record.tenant);
    assert_eq!(stored.summary.kind, "upgrade");
    assert_eq!(stored.summary.key, Some(record.key));
    assert_eq!((stored.summary.received_at, stored.summary.accepted_at), (at(-7), START));
}

async fn any_text_and_any_bytes_are_kept(replicas: Replicas) {
    let texts = ["", "\0", "a\0b", "ä\u{1F980}\u{FFFF}", "'; --", "%_\\", "\u{202E}\r\n"];
    for (nth, text) in texts.into_iter().enumerate() {
        let record = Record {
            tenant: TenantKey::new(text, text, text),
            kind: text.to_owned(),
            key: IdempotencyKey::from_bytes([u8::try_from(nth).unwrap(); 32]),
            body: Bytes::from_static(&[0, 255, 128, b'\'', 0]),
            envelope: text.to_owned(),
            received_at: Timestamp::from_millis(-1),
        };
        let accepted = replicas.one.accept(record.clone(), START, WITHIN).await.unwrap();
        assert!(matches!(accepted, Accepted::New(_)), "{text:?}");
        let claimed = claim_of(&*replicas.one, &[text], START, 10).await.remove(0);
        assert_eq!(claimed.record.as_ref(), Ok(&record), "{text:?}");
        let failed =
            replicas.one.fail(claimed.token, START, text, crate::AfterFailure::Dead(None)).await.unwrap();
        assert!(failed, "{text:?}");
        let stored = replicas.one.show(claimed.token.id).await.unwrap().unwrap();
        assert_eq!(stored.summary.last_error.as_deref(), Some(text));
        assert_eq!(stored.summary.tenant, record.tenant);
    }
}

async fn a_duplicate_is_not_written_again(replicas: Replicas) {
    let first = record("t", "install", "r");
    assert!(!replicas.one.is_known(first.key).await.unwrap());
    assert!(matches!(replicas.one.accept(first.clone(), START, WITHIN).await.unwrap(), Accepted::New(_)));
    assert_eq!(replicas.two.accept(first.clone(), at(1), WITHIN).await.unwrap(), Accepted::Duplicate);
    assert_eq!(replicas.one.accept(first.clone(), at(2), WITHIN).await.unwrap(), Accepted::Duplicate);
    assert!(replicas.two.is_known(first.key).await.unwrap());
    assert_eq!(replicas.one.stats(START).await.unwrap().depth(), 1);
}

async fn a_duplicate_of_a_finished_delivery_is_still_a_duplicate(replicas: Replicas) {
    let id = put(&*replicas.one, "t", "r").await;
    let claimed = claim_one(&*replicas.one, START).await;
    assert!(complete(&*replicas.one, &claimed, START).await);
    let again = replicas.two.accept(record("t", "install", "r"), at(1), WITHIN).await.unwrap();
    assert_eq!(again, Accepted::Duplicate);
    assert_eq!(state(&*replicas.one, id).await, DeliveryState::Done);
    assert!(claim(&*replicas.one, at(2), 10).await.is_empty());
}

async fn of_many_duplicates_at_once_one_is_new(replicas: Replicas) {
    let mut tasks = Vec::new();
    for nth in 0..60 {
        let engine = if nth % 2 == 0 { replicas.one.clone() } else { replicas.two.clone() };
        let record = record("t", "install", &format!("r{}", nth / 20));
        tasks.push(tokio::spawn(async move { engine.accept(record, START, WITHIN).await.unwrap() }));
    }
    let mut new = 0;
    for task in tasks {
        new += usize::from(matches!(task.await.unwrap(), Accepted::New(_)));
    }
    assert_eq!(new, 3);
    assert_eq!(replicas.one.stats(START).await.unwrap().pending, 3);
}

async fn a_key_outlives_its_delivery(replicas: Replicas) {
    let id = put(&*replicas.one, "t", "r").await;
    let claimed = claim_one(&*replicas.one, START).await;
    complete(&*replicas.one, &claimed, at(1)).await;
    let prune = Prune { done_before: at(100), dead_before: START, keys_before: START, limit: 100 };
    let pruned = replicas.one.prune(prune).await.unwrap();
    assert_eq!((pruned.done, pruned.keys), (1, 0));
    assert!(replicas.one.show(id).await.unwrap().is_none());
    let again = replicas.two.accept(record("t", "install", "r"), at(2), WITHIN).await.unwrap();
    assert_eq!(again, Accepted::Duplicate);
}

async fn a_forgotten_key_is_new_again(replicas: Replicas) {
    put(&*replicas.one, "t", "r").await;
    let claimed = claim_one(&*replicas.one, START).await;
    complete(&*replicas.one, &claimed, at(1)).await;
    let prune = Prune { done_before: START, dead_before: START, keys_before: at(100), limit: 100 };
    let pruned = replicas.one.prune(prune).await.unwrap();
    assert_eq!((pruned.done, pruned.keys), (0, 1));
    assert!(!replicas.two.is_known(record("t", "install", "r").key).await.unwrap());
    let again = replicas.two.accept(record("t", "install", "r"), at(2), WITHIN).await.unwrap();
    assert!(matches!(again, Accepted::New(_)));
}

async fn the_key_of_an_unfinished_delivery_is_not_forgotten(replicas: Replicas) {
    let engine = &*replicas.one;
    for tenant in ["dead", "leased"] {
        put(engine, tenant, "r").await;
    }
    let claims = claim(engine, START, 10).await;
    super::sample::fail(engine, claims[0].token, START, crate::AfterFailure::Dead(None)).await;
    put(engine, "pending", "r").await;
    let prune = Prune { done_before: at(1_000), dead_before: START, keys_before: at(1_000), limit: 100 };
    let pruned = engine.prune(prune).await.unwrap();
    assert_eq!((pruned.done, pruned.keys), (0, 0));
    for tenant in ["dead", "leased", "pending"] {
        let again = engine.accept(record(tenant, "install", "r"), at(1), WITHIN).await.unwrap();
        assert_eq!(again, Accepted::Duplicate, "{tenant}");
    }
}

/// A caller that runs out of time drops the call, and what it was about may or may not have been written.
async fn what_has_no_time_left_is_not_written(replicas: Replicas) {
    let late = record("t", "install", "1");
    replicas.one.accept(late.clone(), START, Duration::ZERO).await.unwrap_err();
    put(&*replicas.one, "t", "2").await;
    assert_eq!(replicas.two.list(&DeliveryFilter::default()).await.unwrap().len(), 1);
    assert!(
        matches!(replicas.two.accept(late, START, WITHIN).await.unwrap(), Accepted::New(_)),
        "its key too"
    );
}

async fn a_call_that_is_dropped_happens_wholly_or_not_at_all(replicas: Replicas) {
    let engine = &*replicas.one;
    let records: Vec<Record> = (0..20).map(|nth| record("t", "install", &nth.to_string())).collect();
    for (nth, record) in records.iter().enumerate() {
        let engine = replicas.one.clone();
        let record = record.clone();
        let call = tokio::spawn(async move { engine.accept(record, START, WITHIN).await });
        for _ in 0..nth {
            tokio::task::yield_now().await;
        }
        call.abort();
        drop(call.await);
    }
    for record in &records {
        // The write may still be under way, so the key is asked for before the row, and again after.
        let known_before = engine.is_known(record.key).await.unwrap();
        let rows = engine.list(&DeliveryFilter::default()).await.unwrap();
        let is_there = rows.iter().any(|row| row.key == Some(record.key));
        assert!(is_there || !known_before, "a key without its row");
        assert!(!is_there || engine.is_known(record.key).await.unwrap(), "a row without its key");
    }
    for record in records {
        engine.accept(record, START, WITHIN).await.unwrap();
    }
    assert_eq!(engine.stats(START).await.unwrap().pending, 20);
}

async fn a_new_delivery_notifies(replicas: Replicas) {
    let mut subscription = replicas.one.notifier().subscribe();
    put(&*replicas.one, "t", "r").await;
    subscription.changed().await;
}
