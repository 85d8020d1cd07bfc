//! Attempts that fail, and deliveries that are given up.

use std::sync::Arc;
use std::time::Duration;

use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, async_trait};
use lifecycle_inbox::{
    ClaimRequest, DeliveryFilter, DeliveryState, EnabledGate, Engine, InstallationStore, MemoryEngine,
    Record, Store,
};
use tokio::time::{Instant, sleep};

use crate::support::{Bench, LEASE, SECOND, WITHIN, delivery, key, put, settled, start, state, summary};

#[tokio::test(start_paused = true)]
async fn a_failed_delivery_comes_again_after_longer_and_longer_waits() {
    let bench = Bench::default();
    let id = put(&bench.engine, "t", "fail:4").await;
    let _worker = start(bench.worker().poll(SECOND * 86_400));
    bench.settled().await;
    let runs = bench.script.runs("t", "fail:4");
    assert_eq!(runs.len(), 5);
    for (nth, longest) in [1, 2, 4, 8].into_iter().enumerate() {
        let wait = runs[nth + 1] - runs[nth];
        let longest = SECOND * longest;
        assert!(wait >= longest / 2 && wait <= longest + SECOND / 2, "wait {nth} was {wait:?}");
    }
    let row = summary(&bench.engine, id).await;
    assert_eq!((row.state, row.attempts), (DeliveryState::Done, 5));
    assert_eq!(row.last_error.as_deref(), Some("the seat could not be made: the directory is away"));
}

#[tokio::test(start_paused = true)]
async fn a_failing_tenant_delays_no_other() {
    let bench = Bench::default();
    put(&bench.engine, "t", "fail:99").await;
    let begun = Instant::now();
    let _worker = start(bench.worker().concurrency(1));
    for nth in 0..5 {
        put(&bench.engine, "u", &format!("ok/{nth}")).await;
    }
    while bench.script.ended().iter().filter(|name| name.starts_with("u ")).count() < 5 {
        sleep(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn after_the_last_attempt_it_is_a_dead_letter_and_its_tenant_goes_on() {
    let bench = Bench::default();
    let dead = put(&bench.engine, "t", "fail:99").await;
    let next = put(&bench.engine, "t", "ok").await;
    let _worker = start(bench.worker().attempts(3));
    bench.settled().await;
    let row = summary(&bench.engine, dead).await;
    assert_eq!((row.state, row.attempts), (DeliveryState::Dead, 3));
    assert!(row.last_error.unwrap().contains("the directory is away"));
    assert_eq!(state(&bench.engine, next).await, DeliveryState::Done);
    assert_eq!(bench.script.runs("t", "fail:99").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_folds_nothing_until_it_is_retried() {
    let bench = Bench::default();
    let id = put(&bench.engine, "t", "fail:2").await;
    let _worker = start(bench.worker().attempts(2));
    bench.settled().await;
    assert_eq!(bench.engine.installation(&key("t")).await.unwrap(), None);
    assert!(bench.engine.retry(id, bench.engine.now()).await.unwrap());
    bench.settled().await;
    assert_eq!(state(&bench.engine, id).await, DeliveryState::Done);
    assert!(bench.engine.installation(&key("t")).await.unwrap().is_some());
}

/// Accepts an event of this kind, and has it handled or given up.
async fn work_off(bench: &Bench, kind: &str, request: &str) {
    let record = Record::from(&delivery("t", kind, request));
    bench.engine.accept(record, bench.engine.now(), WITHIN).await.unwrap();
    bench.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_for_ever_keeps_no_app_open_and_opens_none() {
    let bench = Bench::default();
    let gate = EnabledGate::new(Arc::new(bench.engine.clone()));
    let _worker = start(bench.worker().attempts(2));
    work_off(&bench, "enable", "fail:99/1").await;
    assert!(gate.check(&key("t")).await.is_err());
    for (kind, request) in [("disable", "fail:99/2"), ("uninstall", "panic"), ("uninstall", "fail:99/3")] {
        work_off(&bench, "enable", &format!("ok/{request}")).await;
        gate.check(&key("t")).await.unwrap();
        work_off(&bench, kind, request).await;
        assert!(gate.check(&key("t")).await.is_err(), "{kind}, {request}");
    }
    assert_eq!(bench.engine.stats(bench.engine.now()).await.unwrap().dead, 4);
}

#[tokio::test(start_paused = true)]
async fn a_disable_that_kills_its_workers_closes_in_the_end() {
    let bench = Bench::default();
    let gate = EnabledGate::new(Arc::new(bench.engine.clone()));
    let (stop, worker) = start(bench.worker());
    work_off(&bench, "enable", "ok").await;
    stop.send(()).unwrap();
    worker.await.unwrap();
    let disable = Record::from(&delivery("t", "disable", "ok"));
    bench.engine.accept(disable, bench.engine.now(), WITHIN).await.unwrap();
    for nth in 0..2_u32 {
        let now = bench.engine.now() + LEASE * nth;
        let request = ClaimRequest::new("dies", &["seismic"], now, LEASE, 1);
        assert_eq!(bench.engine.claim(request).await.unwrap().len(), 1);
    }
    gate.check(&key("t")).await.unwrap();
    let _worker = start(bench.worker().attempts(2));
    bench.settled().await;
    assert!(gate.check(&key("t")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_not_decided_about_again() {
    let bench = Bench::default();
    let id = put(&bench.engine, "t", "refuse").await;
    let _worker = start(bench.worker());
    bench.settled().await;
    assert_eq!(state(&bench.engine, id).await, DeliveryState::Done);
    assert_eq!(bench.script.decisions("t", "refuse"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_attempt_and_the_worker_goes_on() {
    let bench = Bench::default();
    let id = put(&bench.engine, "t", "panic").await;
    let other = put(&bench.engine, "u", "ok").await;
    let _worker = start(bench.worker().attempts(2));
    bench.settled().await;
    let row = summary(&bench.engine, id).await;
    assert_eq!((row.state, row.attempts), (DeliveryState::Dead, 2));
    assert_eq!(row.last_error.as_deref(), Some("the handler panicked"));
    assert_eq!(state(&bench.engine, other).await, DeliveryState::Done);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_dropped_and_has_failed() {
    let bench = Bench::default();
    let id = put(&bench.engine, "t", "sleep:100").await;
    let _worker = start(bench.worker().attempts(2).time_limit(SECOND * 3));
    bench.settled().await;
    assert_eq!(bench.script.dropped().len(), 2);
    let row = summary(&bench.engine, id).await;
    assert_eq!(row.last_error.as_deref(), Some("the handler did not end within 3 s"));
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_kills_its_workers_is_a_dead_letter_in_the_end() {
    let bench = Bench::default();
    let id = put(&bench.engine, "t", "ok").await;
    for nth in 0..3_u32 {
        let now = bench.engine.now() + LEASE * nth;
        let request = ClaimRequest::new("dies", &["seismic"], now, LEASE, 1);
        assert_eq!(bench.engine.claim(request).await.unwrap().len(), 1);
    }
    let _worker = start(bench.worker().attempts(3));
    bench.settled().await;
    assert_eq!(bench.script.runs("t", "ok").len(), 0);
    let row = summary(&bench.engine, id).await;
    assert_eq!(row.state, DeliveryState::Dead);
    assert!(row.last_error.unwrap().starts_with("given up after 3 attempts"));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_does_not_read_is_a_dead_letter_with_its_bytes() {
    let bench = Bench::default();
    let sound = Record::from(&delivery("t", "install", "ok"));
    let mut records = Vec::new();
    for nth in 0..3_u8 {
        let mut record = sound.clone();
        record.key = lifecycle_core::IdempotencyKey::from_bytes([nth; 32]);
        match nth {
            0 => record.body = "{}".into(),
            1 => record.envelope = "{".to_owned(),
            _ => record.envelope = record.envelope.replace("sha256", "sha257"),
        }
        bench.engine.accept(record.clone(), bench.engine.now(), WITHIN).await.unwrap();
        records.push(record);
    }
    let _worker = start(bench.worker());
    bench.settled().await;
    let dead = DeliveryFilter::in_state(DeliveryState::Dead);
    let rows = bench.engine.list(&dead).await.unwrap();
    assert_eq!(rows.len(), records.len());
    for (row, record) in rows.iter().zip(records) {
        let stored = bench.engine.show(row.id).await.unwrap().unwrap();
        assert_eq!((stored.body, stored.envelope), (record.body, record.envelope));
        assert!(row.last_error.as_ref().unwrap().starts_with("the stored delivery cannot be read"));
    }
    assert!(bench.script.ended().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_long_error_is_cut_between_characters() {
    struct Wordy;
    #[async_trait]
    impl LifecycleHandler for Wordy {
        async fn event(&self, _: &Delivery) -> Result<(), HandlerError> {
            Err("ä".repeat(10_000).into())
        }
    }
    let engine = MemoryEngine::new();
    let id = put(&engine, "t", "ok").await;
    let (_, worker) = Store::new(engine.clone()).open(Wordy);
    let _worker = start(worker.attempts(1));
    settled(&engine).await;
    let error = summary(&engine, id).await.last_error.unwrap();
    assert!(error.len() < 2_100 && error.ends_with("ä…"), "{}", error.len());
}
