//! Platforms of the app's own, which one inbox or worker knows and another one does not.

use std::time::Duration;

use lifecycle_core::{
    Ack, Delivery, EventFields, EventKind, Platform, Proof, Rejection, Undecodable, VerifiedRequest,
};
use lifecycle_inbox::{
    Accepted, DeliveryId, DeliveryState, Engine, Inbox, MemoryEngine, Record, Store, Worker,
};
use test_adapter::Log;
use tokio::time::sleep;

use crate::support::{Bench, SECOND, WITHIN, answer, key, put, start, state, summary};

static OWN: Platform = Platform::new("own", Proof::UnguessableUrl, Ack::new(200), decode);

/// The tenant and a request.
#[expect(clippy::unnecessary_wraps, reason = "a platform's decoder may fail")]
fn decode<'a>(request: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    let (tenant, id) = request.body().split_once(' ').unwrap_or_default();
    let mut fields = EventFields::new(EventKind::Enable);
    (fields.tenant, fields.app, fields.request_id) = (tenant.into(), "own-app".into(), Some(id.into()));
    Ok(fields)
}

/// Those of the next release, which knows the platform.
fn next(bench: &Bench) -> (Store, Inbox, Worker) {
    let store = bench.store().with(&OWN);
    let (inbox, worker) = store.open(bench.script.clone());
    (store, inbox, worker)
}

fn delivery(engine: &MemoryEngine, body: &'static str) -> Delivery {
    lifecycle_testing::delivery_at(&OWN, body, engine.now().into())
}

async fn put_own(engine: &MemoryEngine, body: &'static str) -> DeliveryId {
    match engine.accept(Record::from(&delivery(engine, body)), engine.now(), WITHIN).await.unwrap() {
        Accepted::New(id) => id,
        Accepted::Duplicate => panic!("{body} is no duplicate"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_of_an_unknown_platform_waits_for_a_worker_that_knows_it() {
    let bench = Bench::default();
    let ids = [put_own(&bench.engine, "t ok/1").await, put_own(&bench.engine, "t ok/2").await];
    let known = put(&bench.engine, "t", "ok").await;
    let _old = start(bench.worker().attempts(1));
    sleep(SECOND * 86_400).await;
    assert_eq!(state(&bench.engine, known).await, DeliveryState::Done);
    for id in ids {
        let row = summary(&bench.engine, id).await;
        assert_eq!((row.state, row.attempts, row.last_error), (DeliveryState::Pending, 0, None));
    }
    let _new = start(next(&bench).2);
    bench.settled().await;
    assert_eq!(bench.script.ended(), ["t ok", "t ok/1", "t ok/2"]);
    assert_eq!(state(&bench.engine, ids[1]).await, DeliveryState::Done);
}

#[tokio::test(start_paused = true)]
async fn a_worker_tells_once_a_minute_of_what_it_leaves_alone() {
    let (log, _logging) = Log::start("lifecycle::inbox=error");
    let bench = Bench::default();
    let _worker = start(bench.worker());
    sleep(SECOND * 300).await;
    assert_eq!(log.take(), "");
    put_own(&bench.engine, "somebody ok/1").await;
    put_own(&bench.engine, "somebody ok/2").await;
    sleep(SECOND * 299).await;
    let text = log.take();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(
        lines[0].contains(r#"deliveries of unknown platforms wait platforms=["own"] open=2 oldest_s=0"#),
        "{text}"
    );
    assert!(lines[4].contains("oldest_s=240"), "{text}");
    assert!(!text.contains("somebody"));
    let _new = start(next(&bench).2);
    bench.settled().await;
    sleep(SECOND * 300).await;
    assert_eq!(log.take(), "");
}

#[tokio::test(start_paused = true)]
async fn an_inbox_answers_503_for_a_platform_that_it_does_not_know_and_keeps_nothing() {
    let bench = Bench::default();
    let own = delivery(&bench.engine, "t ok");
    let begun = tokio::time::Instant::now();
    let rejection = answer(&bench.inbox(), &own).await.unwrap_err();
    assert_eq!(rejection, Rejection::Unavailable);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(bench.engine.stats(bench.engine.now()).await.unwrap().depth(), 0);
    assert_eq!(bench.script.decisions("t", "ok"), 0, "nor is the handler asked");

    let (store, inbox, _) = next(&bench);
    assert_eq!(answer(&inbox, &own).await, Ok(()));
    let unknown = bench.store().unknown_platforms().await.unwrap();
    assert_eq!((unknown.len(), &*unknown[0].name, unknown[0].open), (1, "own", 1));
    assert_eq!(store.unknown_platforms().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn an_installation_of_a_platform_of_the_apps_own_is_known() {
    use lifecycle_inbox::InstallationStore;
    let bench = Bench::default();
    put_own(&bench.engine, "t ok").await;
    let _worker = start(next(&bench).2);
    bench.settled().await;
    let mut tenant = key("t");
    (tenant.platform, tenant.app) = ("own".to_owned(), "own-app".to_owned());
    assert!(bench.engine.installation(&tenant).await.unwrap().is_some());
}

/// Knows a platform by the name of another one, and decodes nothing of it any more.
static STRICTER: Platform = Platform::new("own", Proof::UnguessableUrl, Ack::new(200), refuse);

fn refuse<'a>(_: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    Err(Undecodable::Missing("everything"))
}

#[tokio::test(start_paused = true)]
async fn a_stricter_decoder_of_the_next_release_handles_what_this_one_accepted() {
    let bench = Bench::default();
    let id = put_own(&bench.engine, "t ok").await;
    let (_, worker) = bench.store().with(&STRICTER).open(bench.script.clone());
    let _worker = start(worker);
    bench.settled().await;
    assert_eq!(bench.script.ended(), ["t ok"]);
    assert_eq!(state(&bench.engine, id).await, DeliveryState::Done);
}

#[tokio::test(start_paused = true)]
async fn what_a_later_release_wrote_is_not_given_up_at_once() {
    let bench = Bench::default();
    let mut record = Record::from(&delivery(&bench.engine, "t ok"));
    record.envelope = r#"{"version":2,"all else":"is another thing"}"#.to_owned();
    let Accepted::New(id) = bench.engine.accept(record, bench.engine.now(), WITHIN).await.unwrap() else {
        panic!("new")
    };
    let _old = start(next(&bench).2);
    sleep(SECOND * 600).await;
    let row = summary(&bench.engine, id).await;
    assert_eq!(row.state, DeliveryState::Pending);
    assert!((2..20).contains(&row.attempts), "{row:?}");
    assert!(row.last_error.unwrap().contains("of a later version"));
}
