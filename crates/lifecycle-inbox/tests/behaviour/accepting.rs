//! What an inbox answers, and what it leaves in the store.

use std::sync::Arc;
use std::time::Duration;

use lifecycle_core::{Rejection, run_handler};
use lifecycle_inbox::{Engine, Fault, Inbox, MemoryEngine, Pruned, Retention};
use tokio::time::Instant;

use crate::support::{Script, delivery, put};

fn inbox(engine: &MemoryEngine) -> Inbox {
    Inbox::new(Arc::new(engine.clone()))
}

async fn depth(engine: &MemoryEngine) -> u64 {
    engine.stats(engine.now()).await.unwrap().depth()
}

#[tokio::test]
async fn a_delivery_is_written_once_and_each_duplicate_accepted() {
    let engine = MemoryEngine::new();
    for _ in 0..3 {
        assert_eq!(run_handler(&inbox(&engine), &delivery("t", "install", "r")).await, Ok(()));
    }
    assert_eq!(depth(&engine).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_answered_503_and_nothing_is_kept() {
    let engine = MemoryEngine::new();
    let sent = delivery("t", "install", "r");
    engine.set_fault(Some(Fault::Away));
    let rejection = run_handler(&inbox(&engine), &sent).await.unwrap_err();
    assert_eq!(rejection, Rejection::Unavailable);
    assert!(inbox(&engine).check().await.is_err());
    engine.set_fault(None);
    assert_eq!(depth(&engine).await, 0);
    assert!(inbox(&engine).check().await.is_ok());
    assert_eq!(run_handler(&inbox(&engine), &sent).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_too_slow_is_answered_503_within_the_timeout() {
    let engine = MemoryEngine::new();
    let timeout = Duration::from_millis(1_500);
    let inbox = inbox(&engine).with_timeout(timeout);
    engine.set_fault(Some(Fault::Slow(Duration::from_secs(60))));
    let begun = Instant::now();
    let rejection = run_handler(&inbox, &delivery("t", "install", "r")).await.unwrap_err();
    assert_eq!(rejection, Rejection::Unavailable);
    assert!(begun.elapsed() <= timeout + Duration::from_millis(2));
    engine.set_fault(Some(Fault::Slow(Duration::from_secs(1))));
    assert_eq!(run_handler(&inbox, &delivery("t", "install", "r")).await, Ok(()));
}

#[tokio::test]
async fn what_the_gate_refuses_or_fails_at_is_not_written() {
    let engine = MemoryEngine::new();
    let inbox = inbox(&engine).gate(Script::default());
    let refused = run_handler(&inbox, &delivery("t", "install", "refuse")).await.unwrap_err();
    assert_eq!((refused.status(), refused.code()), (403, "refused"));
    let failed = run_handler(&inbox, &delivery("t", "install", "fail:1")).await.unwrap_err();
    assert_eq!(failed, Rejection::HandlerFailed);
    assert_eq!(depth(&engine).await, 0);
    assert_eq!(run_handler(&inbox, &delivery("t", "install", "fail:1")).await, Ok(()));
    assert_eq!(depth(&engine).await, 1);
}

#[tokio::test]
async fn a_duplicate_of_what_the_gate_let_through_is_accepted_without_asking_it() {
    let engine = MemoryEngine::new();
    let gate = Script::default();
    put(&engine, "t", "refuse").await;
    let inbox = inbox(&engine).gate(gate.clone());
    assert_eq!(run_handler(&inbox, &delivery("t", "install", "refuse")).await, Ok(()));
    assert!(gate.runs("t", "refuse").is_empty());
}

#[tokio::test]
async fn an_operator_sees_retries_deletes_and_prunes() {
    let engine = MemoryEngine::new();
    let inbox = inbox(&engine);
    let id = put(&engine, "t", "r").await;
    assert_eq!(inbox.list(&lifecycle_inbox::DeliveryFilter::default()).await.unwrap()[0].id, id);
    assert_eq!(inbox.show(id).await.unwrap().unwrap().body, *delivery("t", "install", "r").body());
    assert!(inbox.retry(id).await.unwrap());
    assert!(inbox.delete(id).await.unwrap());
    assert_eq!(inbox.show(id).await.unwrap(), None);
    let retention = Retention { done: Duration::ZERO, dead: Duration::ZERO, keys: Duration::from_secs(60) };
    assert_eq!(inbox.prune(retention).await.unwrap(), Pruned::default());
    assert_eq!(inbox.stats().await.unwrap().depth(), 0);
}
