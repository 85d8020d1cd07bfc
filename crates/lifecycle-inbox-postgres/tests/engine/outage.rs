//! A server that is away for ten seconds under load, crashed or hung.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lifecycle_core::{Delivery, HandlerError, async_trait};
use lifecycle_inbox::{Backoff, Engine};
use lifecycle_inbox_postgres::TransactionalHandler;
use lifecycle_inbox_postgres::tokio_postgres::Transaction;
use test_app::{Answer, App, DEADLINE};
use test_postgres::Server;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::support::Store;
use crate::support::effects::{Effects, effects};
use crate::until;

const AWAY: Duration = Duration::from_secs(10);

/// Before it goes and after it came back.
const THERE: Duration = Duration::from_secs(1);

const TENANTS: u32 = 16;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_for_ten_seconds_is_answered_503_and_nothing_is_lost_doubled_or_reordered() {
    scene(Server::stop, Server::start_again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_for_ten_seconds_is_answered_503_and_nothing_is_lost_doubled_or_reordered() {
    scene(Server::freeze, Server::thaw).await;
}

async fn scene(go: fn(&mut Server), come_back: fn(&mut Server)) {
    let mut server = Server::start();
    let store = Store::on(&server.url());
    let engine = store.open().await;
    let runner = engine.runner(Handler(Effects::create(&store).await));
    let (inbox, worker) = lifecycle_inbox::Store::new(engine.clone()).open_with(runner);
    let worker = worker
        .backoff(Backoff::new(Duration::from_millis(50), Duration::from_millis(200)))
        .lease(AWAY / 2) // what a claim leased whose answer was lost is taken over soon
        .poll(Duration::from_millis(200));
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));

    let app = Arc::new(App::start(inbox).await);
    let is_over = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..TENANTS)
        .map(|tenant| tokio::spawn(send(app.clone(), tenant.to_string(), is_over.clone())))
        .collect();
    sleep(THERE).await;
    go(&mut server);
    let gone = Instant::now();
    sleep(AWAY).await;
    let back = Instant::now();
    come_back(&mut server);
    sleep(THERE).await;
    is_over.store(true, Ordering::Relaxed);

    let mut expected = HashMap::new();
    for sender in senders {
        let sent = sender.await.unwrap();
        let meanwhile = |(asked, answer): &&(Instant, Answer)| *asked > gone && *asked + answer.took < back;
        assert!(sent.answers.iter().filter(meanwhile).count() > 0, "it was asked while the server was away");
        assert!(sent.answers.iter().filter(meanwhile).all(|(_, answer)| answer.status == 503));
        for (_, answer) in sent.answers {
            assert!(matches!(answer.status, 202 | 503) && answer.took < DEADLINE, "{answer:?}");
        }
        expected.insert(sent.tenant, (0..sent.acknowledged).map(|nth| nth.to_string()).collect());
    }
    until("all is handled", async || {
        engine.stats(engine.now()).await.is_ok_and(|stats| stats.depth() + stats.dead == 0)
    })
    .await;
    assert_eq!(effects(&store).await, expected);
    assert!(is_whole(&store, expected.values().map(Vec::len).sum()).await);
    assert!(!worker.is_finished());
    stop.send(()).unwrap();
    worker.await.unwrap();
}

/// What one sender sent to its tenant.
pub(crate) struct Sent {
    pub(crate) tenant: String,
    pub(crate) acknowledged: u32,
    pub(crate) answers: Vec<(Instant, Answer)>,
}

/// As a platform does: each callback again and again until it is acknowledged, then the next one.
pub(crate) async fn send(app: Arc<App>, tenant: String, is_over: Arc<AtomicBool>) -> Sent {
    let mut sent = Sent { tenant, acknowledged: 0, answers: Vec::new() };
    loop {
        let asked = Instant::now();
        let answer = app.send(&sent.tenant, sent.acknowledged).await.unwrap();
        sent.answers.push((asked, answer));
        if answer.status == 202 {
            sent.acknowledged += 1;
            if is_over.load(Ordering::Relaxed) {
                return sent;
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Whether there are so many deliveries, each of them done and with its key, and no key without one.
pub(crate) async fn is_whole(store: &Store, deliveries: usize) -> bool {
    let count = format!(
        "SELECT count(*) FILTER (WHERE d.state = 'done' AND k.key = {schema}.short(d.key)), count(*)
        FROM {schema}.deliveries AS d FULL JOIN {schema}.keys AS k ON k.delivery = d.id",
        schema = store.schema()
    );
    let row = store.client().await.query_one(&count, &[]).await.unwrap();
    let expected = i64::try_from(deliveries).unwrap();
    (row.get::<_, i64>(0), row.get::<_, i64>(1)) == (expected, expected)
}

/// Writes down what it handles, in the transaction that completes it.
pub(crate) struct Handler(pub(crate) Effects);

#[async_trait]
impl TransactionalHandler for Handler {
    async fn event(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        self.0.note(delivery, transaction).await?;
        Ok(())
    }
}
