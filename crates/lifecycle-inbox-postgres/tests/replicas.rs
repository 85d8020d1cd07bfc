//! Two receivers and two workers, each a process of its own, any of which is killed at any moment: no delivery that was
//! acknowledged is lost, doubled or out of order.

mod support;

use std::collections::HashMap;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, io};

use libtest_mimic::{Arguments, Trial};
use lifecycle_core::{Delivery, HandlerError, async_trait};
use lifecycle_inbox::{Backoff, Engine};
use lifecycle_inbox_postgres::tokio_postgres::Transaction;
use lifecycle_inbox_postgres::{PostgresEngine, Settings, TransactionalHandler};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Mutex, RwLock, oneshot};
use tokio::time::timeout;

use support::effects::{Effects, effects};
use support::{Store, WITHIN, record};

const TENANTS: u32 = 40;
const EACH: u32 = 30;

/// Tells a process of this test what it is; with the URL and the schema it works on.
const ROLE: &str = "REPLICAS_ROLE";

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    if let Ok(role) = env::var(ROLE) {
        runtime.block_on(replica(&role));
        return ExitCode::SUCCESS;
    }
    let name = "any_replica_may_be_killed_at_any_moment_without_loss_doubling_or_reordering";
    let test = Trial::test(name, move || {
        runtime.block_on(scene());
        Ok(())
    });
    libtest_mimic::run(&Arguments::from_args(), vec![test]).exit_code()
}

/// What a child process does.
async fn replica(role: &str) {
    let (url, schema) =
        (env::var("REPLICAS_URL").expect("a URL"), env::var("REPLICAS_SCHEMA").expect("a schema"));
    let settings = Settings::new(&url).and_then(|settings| settings.schema(&schema)).expect("settings");
    let engine = PostgresEngine::open_with(settings).await.expect("it opens");
    match role {
        "receiver" => receive(&engine).await,
        _ => work(&engine, schema).await,
    }
}

/// Reads `tenant nth`, writes `tenant nth` when it is acknowledged; each line for itself, many at a time.
async fn receive(engine: &PostgresEngine) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let output = Arc::new(Mutex::new(tokio::io::stdout()));
    while let Ok(Some(line)) = lines.next_line().await {
        let (engine, output) = (engine.clone(), output.clone());
        tokio::spawn(async move {
            let (tenant, nth) = line.split_once(' ').expect("two words");
            if engine
                .accept(record(tenant, nth.parse().expect("a number")), engine.now(), WITHIN)
                .await
                .is_ok()
            {
                let mut output = output.lock().await;
                let _ = output.write_all(format!("{line}\n").as_bytes()).await;
                let _ = output.flush().await;
            }
        });
    }
}

async fn work(engine: &PostgresEngine, schema: String) {
    // Leases as short as they may be: what a killed worker had is taken over soon. On a busy machine they are lost often,
    // and each loss counts as an attempt, which must not make dead letters here.
    let (_, worker) =
        lifecycle_inbox::Store::new(engine.clone()).open_with(engine.runner(Handler(Effects(schema))));
    worker
        .lease(Duration::from_secs(1))
        .attempts(u32::MAX)
        .poll(Duration::from_millis(200))
        .backoff(Backoff::new(Duration::from_millis(50), Duration::from_millis(200)))
        .run(std::future::pending())
        .await;
}

/// Writes down what it handles. It fails now and then, and takes its time.
struct Handler(Effects);

#[async_trait]
impl TransactionalHandler for Handler {
    async fn event(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        self.0.note(delivery, transaction).await?;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..5))).await;
        if fastrand::u8(0..10) == 0 { Err("now and then".into()) } else { Ok(()) }
    }
}

/// A running replica, seen from outside.
struct Replica {
    child: Child,
    line: Arc<Line>,
}

impl Replica {
    fn start(role: &'static str, store: &Store) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .env(ROLE, role)
            .env("REPLICAS_URL", test_postgres::url())
            .env("REPLICAS_SCHEMA", store.schema())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().expect("stdin is piped");
        let mut answers = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let line = Arc::new(Line { input: Mutex::new(input), waiting: std::sync::Mutex::default() });
        let hearing = line.clone();
        tokio::spawn(async move {
            while let Ok(Some(answer)) = answers.next_line().await {
                if let Some(waiting) = hearing.waiting.lock().unwrap().remove(&answer) {
                    let _ = waiting.send(());
                }
            }
            hearing.waiting.lock().unwrap().clear(); // it is dead
        });
        Ok(Self { child, line })
    }
}

/// How deliveries get to a receiver, many at a time.
struct Line {
    input: Mutex<ChildStdin>,
    waiting: std::sync::Mutex<HashMap<String, oneshot::Sender<()>>>,
}

impl Line {
    /// Sends a delivery, and tells whether it was acknowledged.
    async fn send(&self, delivery: &str) -> bool {
        let (acknowledge, acknowledged) = oneshot::channel();
        self.waiting.lock().unwrap().insert(delivery.to_owned(), acknowledge);
        if self.input.lock().await.write_all(format!("{delivery}\n").as_bytes()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
            return false;
        }
        matches!(timeout(Duration::from_secs(5), acknowledged).await, Ok(Ok(())))
    }
}

async fn scene() {
    let store = Arc::new(Store::new());
    drop(store.open().await);
    Effects::create(&store).await;
    let client = store.client().await;
    let roles = ["receiver", "receiver", "worker", "worker"];
    let mut replicas = roles.map(|role| Replica::start(role, &store).expect("it starts"));
    let receivers: Arc<[_; 2]> =
        Arc::new([RwLock::new(replicas[0].line.clone()), RwLock::new(replicas[1].line.clone())]);
    let senders: Vec<_> = (0..TENANTS)
        .map(|tenant| {
            let receivers = receivers.clone();
            tokio::spawn(async move {
                for nth in 0..EACH {
                    let delivery = format!("t{tenant} {nth}");
                    // As a platform does: again, to whichever receiver, until it is acknowledged; then the next one.
                    loop {
                        let line = receivers[fastrand::usize(0..2)].read().await.clone();
                        if line.send(&delivery).await {
                            break;
                        }
                    }
                }
            })
        })
        .collect();

    let is_over = Arc::new(AtomicBool::new(false));
    let (over, home) = (is_over.clone(), store.clone());
    let killing = tokio::spawn(async move {
        let mut kills = 0;
        while !over.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(100..800))).await;
            let victim = fastrand::usize(0..replicas.len());
            replicas[victim].child.kill().await.expect("it was alive");
            replicas[victim] = Replica::start(roles[victim], &home).expect("it starts again");
            if let Some(receiver) = receivers.get(victim) {
                *receiver.write().await = replicas[victim].line.clone();
            }
            kills += 1;
        }
        (kills, replicas)
    });
    for sender in senders {
        sender.await.unwrap();
    }
    let count = format!("SELECT count(*) FROM {}.deliveries WHERE state <> 'done'", store.schema());
    for round in 0.. {
        if client.query_one(&count, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            break;
        }
        assert!(round < 1200, "the work does not end");
        is_over.store(round > 100, Ordering::Relaxed); // the last ones are handled in peace
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let (kills, replicas): (u32, _) = killing.await.unwrap();
    assert!(kills > 3, "it was a quiet run: {kills}");

    let effects = effects(&store).await;
    let expected: Vec<String> = (0..EACH).map(|nth| nth.to_string()).collect();
    for tenant in 0..TENANTS {
        assert_eq!(effects[&format!("t{tenant}")], expected, "of t{tenant}, after {kills} kills");
    }
    drop(replicas);
    if let Some(store) = Arc::into_inner(store) {
        store.remove().await;
    }
}
