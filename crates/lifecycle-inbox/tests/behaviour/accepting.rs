//! What an inbox answers, and what it leaves in the store.

use std::time::Duration;

use lifecycle_core::{Ack, EventFields, EventKind, Platform, Proof, Rejection, run_handler};
use lifecycle_inbox::{DeliveryFilter, Engine, Fault, MemoryEngine, Pruned, Retention};
use tokio::time::Instant;

use crate::support::{Bench, SECOND, WITHIN, answer, delivery, put};

async fn depth(engine: &MemoryEngine) -> u64 {
    engine.stats(engine.now()).await.unwrap().depth()
}

#[tokio::test]
async fn a_delivery_is_written_once_and_each_duplicate_accepted() {
    let bench = Bench::default();
    for _ in 0..3 {
        assert_eq!(answer(&bench.inbox(), &delivery("t", "install", "r")).await, Ok(()));
    }
    assert_eq!(depth(&bench.engine).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_answered_503_and_nothing_is_kept() {
    let bench = Bench::default();
    let sent = delivery("t", "install", "r");
    bench.engine.set_fault(Some(Fault::Away));
    assert_eq!(answer(&bench.inbox(), &sent).await, Err(Rejection::Unavailable));
    assert!(bench.store().check().await.is_err());
    bench.engine.set_fault(None);
    assert_eq!(depth(&bench.engine).await, 0);
    assert!(bench.store().check().await.is_ok());
    assert_eq!(answer(&bench.inbox(), &sent).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_too_slow_is_answered_503_in_the_time_that_is_left() {
    let bench = Bench::default();
    let sent = delivery("t", "install", "r");
    for within in [SECOND * 3, SECOND, SECOND / 5, Duration::from_millis(1), Duration::ZERO] {
        bench.engine.set_fault(Some(Fault::Slow(SECOND * 60)));
        let begun = Instant::now();
        let rejection = run_handler(&bench.inbox(), &sent, within).await.unwrap_err();
        assert_eq!(rejection, Rejection::Unavailable);
        assert!(begun.elapsed() <= within, "{:?} of {within:?}", begun.elapsed());
    }
    bench.engine.set_fault(Some(Fault::Slow(SECOND)));
    assert_eq!(answer(&bench.inbox(), &sent).await, Ok(()));
    let (inbox, other) = (bench.inbox(), delivery("u", "install", "r"));
    assert_eq!(run_handler(&inbox, &other, Duration::MAX).await, Ok(()));
}

#[tokio::test]
async fn what_cannot_be_written_before_the_answer_is_not_begun() {
    let bench = Bench::default();
    let within = Duration::from_millis(50);
    let rejection = run_handler(&bench.inbox(), &delivery("t", "install", "r"), within).await.unwrap_err();
    assert_eq!(rejection, Rejection::Unavailable);
    assert_eq!(depth(&bench.engine).await, 0);
}

#[tokio::test(start_paused = true)]
async fn the_write_has_what_the_decision_leaves_of_the_time() {
    let bench = Bench::default();
    bench.engine.set_fault(Some(Fault::Slow(SECOND / 2)));
    let begun = Instant::now();
    let rejection = answer(&bench.inbox(), &delivery("t", "install", "ponder:2")).await.unwrap_err();
    assert_eq!(rejection, Rejection::Unavailable);
    assert!(begun.elapsed() <= WITHIN, "{:?}", begun.elapsed());
    assert_eq!(answer(&bench.inbox(), &delivery("t", "install", "ponder:1")).await, Ok(()));
}

#[tokio::test]
async fn what_the_handler_refuses_or_cannot_decide_is_not_written() {
    let bench = Bench::default();
    let inbox = bench.inbox();
    let refused = answer(&inbox, &delivery("t", "install", "refuse")).await.unwrap_err();
    assert_eq!((refused.status(), refused.code()), (403, "refused"));
    let failed = answer(&inbox, &delivery("t", "install", "undecided:1")).await.unwrap_err();
    assert_eq!(failed, Rejection::HandlerFailed);
    assert_eq!(depth(&bench.engine).await, 0);
    assert_eq!(answer(&inbox, &delivery("t", "install", "undecided:1")).await, Ok(()));
    assert_eq!(depth(&bench.engine).await, 1);
    assert!(bench.script.ended().is_empty(), "only a worker runs the event's method");
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_of_what_was_accepted_is_accepted_whatever_would_be_decided_now() {
    let bench = Bench::default();
    for request in ["refuse", "undecided:9", "ponder:60"] {
        put(&bench.engine, "t", request).await;
        let begun = Instant::now();
        assert_eq!(answer(&bench.inbox(), &delivery("t", "install", request)).await, Ok(()), "{request}");
        assert_eq!(begun.elapsed(), Duration::ZERO, "{request}");
    }
    assert_eq!(depth(&bench.engine).await, 3);
}

#[tokio::test]
async fn a_refused_close_is_written_where_a_refusal_blocks_nothing() {
    /// Tells of what has happened already.
    static TELLS: Platform = Platform::new("tells", Proof::UnguessableUrl, Ack::new(200), |request| {
        let is_close = request.body() == "uninstall";
        let mut fields = EventFields::new(if is_close { EventKind::Uninstall } else { EventKind::Install });
        fields.request_id = Some("refuse".into());
        Ok(fields)
    });
    let bench = Bench::default();
    let (inbox, _) = bench.store().with(&TELLS).open(bench.script.clone());
    let told = |kind: &'static str| {
        let now = bench.engine.now().into();
        lifecycle_testing::delivery_at(&TELLS, kind, now)
    };
    assert_eq!(answer(&inbox, &told("install")).await.unwrap_err().code(), "refused");
    assert_eq!(depth(&bench.engine).await, 0);
    assert_eq!(answer(&inbox, &told("uninstall")).await, Ok(()));
    assert_eq!(depth(&bench.engine).await, 1);
}

#[tokio::test]
async fn an_operator_sees_retries_deletes_and_prunes() {
    let bench = Bench::default();
    let store = bench.store();
    let id = put(&bench.engine, "t", "r").await;
    assert_eq!(store.list(&DeliveryFilter::default()).await.unwrap()[0].id, id);
    assert_eq!(store.show(id).await.unwrap().unwrap().body, *delivery("t", "install", "r").body());
    assert!(store.retry(id).await.unwrap());
    assert!(store.delete(id).await.unwrap());
    assert_eq!(store.show(id).await.unwrap(), None);
    let mut retention = Retention::default();
    (retention.done, retention.dead, retention.keys) = (Duration::ZERO, Duration::ZERO, SECOND * 60);
    assert_eq!(store.prune(retention).await.unwrap(), Pruned::default());
    assert_eq!(store.stats().await.unwrap().depth(), 0);
}
