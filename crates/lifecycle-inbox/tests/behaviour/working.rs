//! Deliveries are handled once, in order, and at once.

use lifecycle_core::{Change, Decision, Delivery, HandlerError, LifecycleHandler, Status, async_trait};
use lifecycle_inbox::{
    DeliveryFilter, DeliveryState, Engine, InstallationStore, LeaseToken, MemoryEngine, Record, Retention,
    RunOutcome, Runner,
};
use tokio::time::{Instant, sleep};

use crate::support::{Bench, SECOND, Script, WITHIN, delivery, key, put, start, state};

#[tokio::test(start_paused = true)]
async fn a_delivery_is_handled_once_and_its_installation_known() {
    let bench = Bench::default();
    let id = put(&bench.engine, "t", "ok").await;
    let _worker = start(bench.worker());
    bench.settled().await;
    assert_eq!(bench.script.ended(), ["t ok"]);
    assert_eq!(state(&bench.engine, id).await, DeliveryState::Done);
    let installation = bench.engine.installation(&key("t")).await.unwrap().unwrap();
    assert_eq!(installation.status(), Status::Installed);
}

#[tokio::test(start_paused = true)]
async fn a_new_delivery_and_the_next_of_its_tenant_wake_the_worker_at_once() {
    let bench = Bench::default();
    let _worker = start(bench.worker().poll(SECOND * 86_400));
    sleep(SECOND).await;
    let begun = Instant::now();
    for request in ["ok/1", "ok/2", "ok/3"] {
        put(&bench.engine, "t", request).await;
    }
    bench.settled().await;
    assert!(begun.elapsed() < SECOND);
    assert_eq!(bench.script.ended(), ["t ok/1", "t ok/2", "t ok/3"]);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_is_handled_in_order_and_others_beside_it() {
    let bench = Bench::default();
    for request in ["sleep:10/1", "ok/2", "ok/3"] {
        put(&bench.engine, "t", request).await;
    }
    put(&bench.engine, "u", "sleep:5").await;
    put(&bench.engine, "v", "ok").await;
    let _worker = start(bench.worker());
    bench.settled().await;
    assert_eq!(bench.script.ended(), ["v ok", "u sleep:5", "t sleep:10/1", "t ok/2", "t ok/3"]);
}

#[tokio::test(start_paused = true)]
async fn tenants_whose_handlers_hang_do_not_hold_up_the_others() {
    let bench = Bench::default();
    for tenant in 0..16 {
        put(&bench.engine, &format!("hangs {tenant}"), "sleep:86400").await;
    }
    for tenant in 0..4 {
        put(&bench.engine, &format!("quick {tenant}"), "ok").await;
    }
    let begun = Instant::now();
    let _worker = start(bench.worker());
    while bench.script.ended().len() < 4 {
        assert!(begun.elapsed() < SECOND * 40, "only {:?}", bench.script.ended());
        sleep(SECOND / 10).await;
    }
    // But there are never more than twice as many.
    for tenant in 16..60 {
        put(&bench.engine, &format!("hangs {tenant}"), "sleep:86400").await;
    }
    sleep(SECOND * 60).await;
    assert_eq!(bench.script.most(), 32);
}

#[tokio::test(start_paused = true)]
async fn no_more_handlers_run_at_a_time_than_allowed() {
    let bench = Bench::default();
    for tenant in 0..10 {
        put(&bench.engine, &tenant.to_string(), "sleep:1").await;
    }
    let begun = Instant::now();
    let _worker = start(bench.worker().concurrency(3));
    bench.settled().await;
    assert_eq!(bench.script.most(), 3);
    assert!((SECOND * 4..SECOND * 5).contains(&begun.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn old_rows_and_keys_are_pruned() {
    let bench = Bench::default();
    let record = Record::from(&delivery("t", "install", "ok"));
    bench.engine.accept(record.clone(), bench.engine.now(), WITHIN).await.unwrap();
    let hour = SECOND * 3_600;
    let mut retention = Retention::default();
    (retention.done, retention.keys) = (hour * 3, hour * 24);
    let _worker = start(bench.worker().retention(retention));
    let rows = async || bench.engine.list(&DeliveryFilter::default()).await.unwrap().len();
    sleep(hour * 2).await;
    assert_eq!(rows().await, 1);
    sleep(hour * 3).await;
    assert_eq!(rows().await, 0);
    assert!(bench.engine.is_known(record.key).await.unwrap());
    sleep(hour * 22).await;
    assert!(!bench.engine.is_known(record.key).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_a_year_ahead_for_a_while_deletes_nothing() {
    let (minute, day) = (SECOND * 60, SECOND * 24 * 3_600);
    let bench = Bench::default();
    let record = Record::from(&delivery("t", "install", "ok"));
    let id = put(&bench.engine, "t", "ok").await;
    let worker = start(bench.worker());
    bench.settled().await;
    drop(worker);
    let (right, ahead) = (bench.engine.now(), bench.engine.now() + day * 400);
    let is_kept = async || {
        let row = bench.engine.show(id).await.unwrap();
        row.is_some() && bench.engine.is_known(record.key).await.unwrap()
    };
    bench.engine.set_clock(ahead);
    let worker = start(bench.worker()); // of a machine that asks for the time only later
    sleep(minute * 5).await;
    assert!(is_kept().await, "ahead as it starts");
    bench.engine.set_clock(right);
    sleep(minute * 90).await;
    assert!(is_kept().await, "set right");
    bench.engine.set_clock(ahead);
    sleep(minute * 5).await;
    drop(worker);
    assert!(is_kept().await, "ahead while it runs");
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_deleted_90_days_after_it_died() {
    let bench = Bench::default();
    let hour = SECOND * 3_600;
    let id = put(&bench.engine, "t", "panic").await;
    let _worker = start(bench.worker().attempts(1));
    bench.settled().await;
    assert_eq!(state(&bench.engine, id).await, DeliveryState::Dead);
    bench.engine.set_clock(bench.engine.now() + hour * (90 * 24 - 2));
    sleep(hour + SECOND).await;
    assert_eq!(state(&bench.engine, id).await, DeliveryState::Dead);
    sleep(hour * 2).await;
    assert_eq!(bench.engine.show(id).await.unwrap(), None);
}

/// Does what an engine's own runner does: it commits an effect together with the completion.
struct Transactional {
    engine: MemoryEngine,
    handler: Script,
}

#[async_trait]
impl Runner for Transactional {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        self.handler.decide(delivery).await
    }

    async fn run(&self, token: LeaseToken, delivery: &Delivery) -> Result<RunOutcome, HandlerError> {
        self.handler.event(delivery).await?;
        let held = self.engine.complete(token, self.engine.now(), &Change::new(delivery, token.id.0)).await?;
        Ok(if held { RunOutcome::Committed } else { RunOutcome::LeaseLost })
    }
}

#[tokio::test(start_paused = true)]
async fn a_runner_may_finish_the_row_itself() {
    let bench = Bench::default();
    let ids = [put(&bench.engine, "t", "fail:2").await, put(&bench.engine, "u", "sleep:100").await];
    let runner = Transactional { engine: bench.engine.clone(), handler: bench.script.clone() };
    let (_, worker) = bench.store().open_with(runner);
    let _worker = start(worker);
    bench.settled().await;
    for id in ids {
        assert_eq!(state(&bench.engine, id).await, DeliveryState::Done);
    }
    assert_eq!(bench.script.runs("t", "fail:2").len(), 3);
    assert!(bench.engine.installation(&key("u")).await.unwrap().is_some());
}
