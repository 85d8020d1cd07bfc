//! Leases, crashes, a store that is away, and the end of a worker.

use lifecycle_inbox::{DeliveryState, Engine, Fault, InstallationStore, Timestamp};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Bench, LEASE, SECOND, key, put, start, state, summary};

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_for_as_long_as_the_handler_runs() {
    let bench = Bench::default();
    put(&bench.engine, "t", "sleep:300").await;
    let _one = start(bench.worker().name("same"));
    let _two = start(bench.worker().name("same"));
    bench.settled().await;
    assert_eq!(bench.script.runs("t", "sleep:300").len(), 1);
    assert_eq!(bench.script.ended(), ["t sleep:300"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_whose_row_is_taken_away_is_dropped_and_changes_nothing() {
    let bench = Bench::default();
    let id = put(&bench.engine, "t", "sleep:100").await;
    let _worker = start(bench.worker());
    sleep(SECOND).await;
    assert!(bench.engine.delete(id).await.unwrap());
    sleep(LEASE).await;
    assert_eq!(bench.script.dropped(), ["t sleep:100"]);
    assert_eq!(bench.engine.installation(&key("t")).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn the_row_of_a_worker_that_died_is_taken_over_when_its_lease_ends() {
    let bench = Bench::default();
    let id = put(&bench.engine, "t", "sleep:5").await;
    let (_stop, dying) = start(bench.worker());
    sleep(SECOND).await;
    dying.abort();
    let begun = Instant::now();
    let _worker = start(bench.worker());
    bench.settled().await;
    assert_eq!(bench.script.dropped(), ["t sleep:5"]);
    assert_eq!(bench.script.ended(), ["t sleep:5"]);
    assert_eq!(summary(&bench.engine, id).await.attempts, 2);
    let elapsed = begun.elapsed();
    assert!(elapsed > LEASE && elapsed < LEASE + SECOND * 15, "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_goes_away_and_comes_back_does_not_end_the_worker() {
    let bench = Bench::default();
    let _worker = start(bench.worker());
    sleep(SECOND).await;
    let id = put(&bench.engine, "t", "ok").await;
    bench.engine.set_fault(Some(Fault::Away));
    sleep(SECOND * 600).await;
    bench.engine.set_fault(None);
    bench.settled().await;
    assert_eq!(state(&bench.engine, id).await, DeliveryState::Done);
}

#[tokio::test(start_paused = true)]
async fn a_result_is_kept_while_the_store_is_away_for_less_than_the_lease() {
    let bench = Bench::default();
    let id = put(&bench.engine, "t", "sleep:5").await;
    let _worker = start(bench.worker());
    sleep(SECOND).await;
    bench.engine.set_fault(Some(Fault::Away));
    sleep(SECOND * 10).await;
    bench.engine.set_fault(None);
    bench.settled().await;
    assert_eq!(bench.script.runs("t", "sleep:5").len(), 1);
    assert_eq!(summary(&bench.engine, id).await.attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_handler_does_not_outlive_a_lease_that_cannot_be_renewed() {
    let bench = Bench::default();
    put(&bench.engine, "t", "sleep:300").await;
    let _worker = start(bench.worker());
    sleep(SECOND).await;
    bench.engine.set_fault(Some(Fault::Away));
    sleep(SECOND * 28).await;
    assert!(bench.script.dropped().is_empty());
    sleep(SECOND * 2).await;
    assert_eq!(bench.script.dropped(), ["t sleep:300"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_slow_and_nothing_else() {
    let bench = Bench::default();
    for tenant in ["t", "u"] {
        put(&bench.engine, tenant, "ok").await;
    }
    bench.engine.set_fault(Some(Fault::Slow(SECOND * 2)));
    let _worker = start(bench.worker());
    bench.settled().await;
    assert_eq!(bench.script.ended(), ["t ok", "u ok"]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_running_handlers_end_and_takes_nothing_new() {
    let bench = Bench::default();
    let running = put(&bench.engine, "t", "sleep:20").await;
    let (stop, worker) = start(bench.worker());
    sleep(SECOND).await;
    stop.send(()).unwrap();
    sleep(SECOND).await;
    let waiting = put(&bench.engine, "u", "ok").await;
    timeout(SECOND * 25, worker).await.unwrap().unwrap();
    assert_eq!(bench.script.ended(), ["t sleep:20"]);
    assert_eq!(state(&bench.engine, running).await, DeliveryState::Done);
    assert_eq!(state(&bench.engine, waiting).await, DeliveryState::Pending);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_the_drain_time_is_given_back_at_once() {
    let bench = Bench::default();
    let id = put(&bench.engine, "t", "sleep:300").await;
    let (stop, worker) = start(bench.worker().drain(SECOND * 3));
    sleep(SECOND).await;
    stop.send(()).unwrap();
    timeout(SECOND * 4, worker).await.unwrap().unwrap();
    assert_eq!(bench.script.dropped(), ["t sleep:300"]);
    let row = summary(&bench.engine, id).await;
    assert_eq!((row.state, row.attempts, row.due_at), (DeliveryState::Pending, 0, Timestamp::MIN));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_doubles_nothing_and_delays_nothing() {
    let bench = Bench::default();
    put(&bench.engine, "t", "sleep:300").await;
    let _worker = start(bench.worker());
    for shift in [SECOND * 3_600, SECOND * 1_000_000] {
        sleep(SECOND).await;
        bench.engine.set_clock(bench.engine.now() + shift);
        put(&bench.engine, "u", &format!("ok/{shift:?}")).await;
        sleep(SECOND).await;
        bench.engine.set_clock(bench.engine.now() - shift * 2);
        put(&bench.engine, "u", &format!("ok/{shift:?} back")).await;
        sleep(SECOND).await;
    }
    assert_eq!(bench.script.ended().len(), 4);
    bench.settled().await;
    assert_eq!(bench.script.runs("t", "sleep:300").len(), 1);
}
