//! A rolling deployment: for a while, replicas of the old release run next to those of the new one, which has one more platform.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lifecycle_core::{
    Ack, Delivery, EventFields, EventKind, HandlerError, LifecycleHandler, Platform, Proof, Rejection,
    Undecodable, VerifiedRequest, run_handler, seismic,
};
use lifecycle_inbox::{DeliveryFilter, DeliveryState, DeliverySummary, Engine, Inbox, Store, Worker};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The platform that only the new release knows.
static THIRD: Platform = Platform::new("third", Proof::UnguessableUrl, Ack::new(200), decode);

const TENANTS: u32 = 8;
/// Only so that a store that hangs ends a test.
const WITHIN: Duration = Duration::from_secs(60);

/// Has the old release and then both accept deliveries and work on them, until the old one is gone. `open` opens the store, as
/// each process does.
///
/// # Panics
/// When a delivery is lost, is given up, is handled by a release that does not know its platform, or not in its tenant's order.
pub async fn check(open: impl AsyncFn() -> Arc<dyn Engine>) {
    let (old, new) = (Store::from(open().await), Store::from(open().await).with(&THIRD));
    let handled = Handled::default();
    let (old_inbox, old_worker) = old.open(handled.of("old"));
    let (new_inbox, new_worker) = new.open(handled.of("new"));
    // What is claimed without being known would be a dead letter at once.
    let old_worker = start(old_worker.attempts(1));

    // The new release accepts already, and only the old one works.
    for nth in 0..4 {
        for tenant in 0..TENANTS {
            accept(&old_inbox, "seismic", tenant, nth).await;
            accept(&new_inbox, "third", tenant, nth).await;
            accept(&new_inbox, "seismic", tenant, nth + 100).await;
        }
    }
    let unknown = run_handler(&old_inbox, &delivery("third", 0, 9), WITHIN).await;
    assert_eq!(unknown, Err(Rejection::Unavailable), "the old release accepts nothing that it does not know");
    until(&new, |rows| rows.iter().all(|row| is_third(row) || row.state == DeliveryState::Done)).await;
    for row in rows(&new).await.iter().filter(|row| is_third(row)) {
        assert_eq!((row.state, row.attempts), (DeliveryState::Pending, 0), "{row:?}");
    }
    let waiting = old.unknown_platforms().await.expect("it answers");
    assert_eq!((waiting.len(), waiting[0].open), (1, u64::from(4 * TENANTS)), "{waiting:?}");

    // Both work.
    let new_worker = start(new_worker.attempts(1));
    for nth in 4..8 {
        for tenant in 0..TENANTS {
            accept(&old_inbox, "seismic", tenant, nth + 100).await;
            accept(&new_inbox, "third", tenant, nth).await;
        }
    }
    old_worker.stop().await;
    accept(&new_inbox, "third", 0, 9).await;
    until(&new, |rows| rows.iter().all(|row| row.state == DeliveryState::Done)).await;
    new_worker.stop().await;

    assert_eq!(
        rows(&new).await.len(),
        (4 + 4 + 4 + 4 + 4) as usize * TENANTS as usize + 1,
        "nothing is lost"
    );
    assert_eq!(old.unknown_platforms().await.expect("it answers"), []);
    handled.check();
}

fn delivery(platform: &str, tenant: u32, nth: u32) -> Delivery {
    let (platform, body) = match platform {
        "third" => (&THIRD, format!("t{tenant} {nth}")),
        _ => (
            &seismic::PLATFORM,
            format!(r#"{{"type":"upgrade","appId":"app","tenantId":"t{tenant}","requestId":"{nth}"}}"#),
        ),
    };
    let now = std::time::SystemTime::now();
    lifecycle_testing::delivery_at(platform, &body, now)
}

/// A tenant and the number of a request.
#[expect(clippy::unnecessary_wraps, reason = "a platform's decoder may fail")]
fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let (tenant, nth) = request.body().split_once(' ').unwrap_or_default();
    let mut fields = EventFields::new(EventKind::Upgrade);
    (fields.app, fields.tenant, fields.request_id) = ("app".into(), tenant.into(), Some(nth.into()));
    Ok(fields)
}

async fn accept(inbox: &Inbox, platform: &str, tenant: u32, nth: u32) {
    run_handler(inbox, &delivery(platform, tenant, nth), WITHIN).await.expect("it is acknowledged");
}

fn is_third(row: &DeliverySummary) -> bool {
    row.tenant.platform == THIRD.name()
}

async fn rows(store: &Store) -> Vec<DeliverySummary> {
    let mut all = DeliveryFilter::default();
    all.limit = 10_000;
    store.list(&all).await.expect("it answers")
}

/// Waits until it is so, for as long as a slow machine may need.
async fn until(store: &Store, is_so: impl Fn(&[DeliverySummary]) -> bool) {
    for _ in 0..3_000 {
        if is_so(&rows(store).await) {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("in vain: {:?}", rows(store).await);
}

fn start(worker: Worker) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move { drop(stopped.await) };
    Running { stop, worker: tokio::spawn(worker.poll(Duration::from_millis(100)).run(shutdown)) }
}

struct Running {
    stop: oneshot::Sender<()>,
    worker: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        drop(self.stop);
        self.worker.await.expect("the worker ends");
    }
}

/// Which release handled what, in order.
#[derive(Clone, Default)]
struct Handled(Arc<Mutex<Vec<Run>>>);

struct Run {
    release: &'static str,
    /// Platform and tenant.
    of: String,
    nth: u32,
}

impl Handled {
    fn of(&self, release: &'static str) -> Release {
        Release { release, handled: self.clone() }
    }

    fn check(&self) {
        let handled = self.0.lock().expect("no test has failed");
        let of = |platform: &str, tenant: u32| {
            let key = format!("{platform} t{tenant}");
            let of_tenant = handled.iter().filter(move |run| run.of == key);
            of_tenant.map(|run| (run.release, run.nth)).collect::<Vec<_>>()
        };
        for tenant in 0..TENANTS {
            let third = of("third", tenant);
            assert!(third.iter().all(|(release, _)| *release == "new"), "{third:?}");
            let numbers: Vec<u32> = third.into_iter().map(|(_, nth)| nth).collect();
            let expected: Vec<u32> = (0..8).chain((tenant == 0).then_some(9)).collect();
            assert_eq!(numbers, expected, "of tenant {tenant}");
            let numbers: Vec<u32> = of("seismic", tenant).into_iter().map(|(_, nth)| nth).collect();
            let expected = (0..4).flat_map(|nth| [nth, nth + 100]).chain(104..108);
            assert_eq!(numbers, expected.collect::<Vec<u32>>(), "of tenant {tenant}");
        }
    }
}

struct Release {
    release: &'static str,
    handled: Handled,
}

#[async_trait]
impl LifecycleHandler for Release {
    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let (event, platform) = (delivery.event(), delivery.platform().name());
        let nth = event.request_id().and_then(|id| id.parse().ok()).ok_or("the number of a request")?;
        let run = Run { release: self.release, of: format!("{platform} {}", event.tenant()), nth };
        self.handled.0.lock().expect("no test has failed").push(run);
        Ok(())
    }
}
