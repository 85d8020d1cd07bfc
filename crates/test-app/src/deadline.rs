//! The deadline: callbacks are acknowledged in time, however long handlers and store take.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lifecycle_core::{Delivery, HandlerError, LifecycleHandler};
use lifecycle_inbox::{Engine, Store};
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use crate::{Answer, App, DEADLINE};

const TENANTS: u32 = 64;
const WAVES: u32 = 4;
/// As many as a worker takes by default.
const SLOTS: u32 = 16;

/// Sends waves of callbacks of many tenants, all at once, while each of a worker's slots is taken by a handler of a
/// minute and each write takes the store a second. Then stops without waiting for the handlers, opens the store again,
/// and has the work done by others. `open` opens the store; `slow` is called before each wave, and makes its write slow.
///
/// # Panics
/// When a callback is not acknowledged in time, or one that was is not there, or not in its tenant's order.
pub async fn check(engine: &str, open: impl AsyncFn() -> Arc<dyn Engine>, slow: impl Fn()) {
    let (busy, slots) = watch::channel(0);
    let (inbox, worker) = Store::from(open().await).open(Minute(busy));
    let app = App::start(inbox).await;
    let worker = worker.drain(Duration::ZERO);
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));

    wave(&app, SLOTS, 0).await;
    slots.clone().wait_for(|busy| *busy == SLOTS).await.expect("the handlers run");
    let mut answers = Vec::new();
    for nth in 1..=WAVES {
        slow();
        answers.extend(wave(&app, TENANTS, nth).await);
    }
    answers.sort_unstable_by_key(|answer| answer.took);
    let percentile = |percent: usize| answers[(answers.len() * percent).div_ceil(100) - 1].took.as_secs_f64();
    println!(
        "{engine}: {} callbacks, {TENANTS} at a time, handlers of 60 s, writes of 1 s: \
        p50 {:.3} s, p99 {:.3} s, longest {:.3} s",
        answers.len(),
        percentile(50),
        percentile(99),
        percentile(100),
    );
    for answer in &answers {
        assert!(answer.status == 202 && answer.took < DEADLINE, "{answer:?}");
    }
    assert_eq!(*slots.borrow(), SLOTS, "all slots were taken all the time");

    drop(app);
    stop.send(()).expect("the worker runs");
    worker.await.expect("the worker ends");
    let store = Store::from(open().await);
    let stats = store.stats().await.expect("stats");
    assert_eq!((stats.pending, stats.leased), (u64::from(SLOTS + WAVES * TENANTS), 0), "all are still there");

    let handled = Handled::default();
    let (_, worker) = store.open(handled.clone());
    worker.run_until_idle().await.expect("the store answers");
    for (tenant, requests) in &*handled.0.lock().expect("no test has failed") {
        let first = u32::from(tenant.parse::<u32>().expect("a number") >= SLOTS);
        let expected: Vec<String> = (first..=WAVES).map(|nth| nth.to_string()).collect();
        assert_eq!(*requests, expected, "of the tenant {tenant}");
    }
    assert_eq!(handled.0.lock().expect("no test has failed").len(), TENANTS as usize);
}

/// The nth callback of each of so many tenants, at the same time.
async fn wave(app: &App, tenants: u32, nth: u32) -> Vec<Answer> {
    let sent: Vec<_> = (0..tenants).map(|tenant| app.send(&tenant.to_string(), nth)).collect();
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.expect("an answer"));
    }
    answers
}

/// A handler that takes a minute, and counts how often it was begun.
struct Minute(watch::Sender<u32>);

#[async_trait]
impl LifecycleHandler for Minute {
    async fn event(&self, _delivery: &Delivery) -> Result<(), HandlerError> {
        self.0.send_modify(|busy| *busy += 1);
        sleep(Duration::from_secs(60)).await;
        Ok(())
    }
}

/// A handler that writes down what it handled, for each tenant in order.
#[derive(Clone, Default)]
struct Handled(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

#[async_trait]
impl LifecycleHandler for Handled {
    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let (tenant, request) = (delivery.event().tenant(), delivery.event().request_id());
        let mut handled = self.0.lock().expect("no test has failed");
        handled.entry(tenant.to_owned()).or_default().push(request.unwrap_or_default().to_owned());
        Ok(())
    }
}
