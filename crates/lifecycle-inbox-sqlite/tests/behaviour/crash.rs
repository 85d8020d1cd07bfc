//! Processes on one file that are killed at any moment.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use lifecycle_core::{Delivery, HandlerError};
use lifecycle_inbox::{Backoff, Engine, Store, Worker};
use lifecycle_inbox_sqlite::{SqliteEngine, Transaction, TransactionalHandler, rusqlite};
use rusqlite::Connection;

use crate::support::{Bench, WITHIN, again, record, settled};

const FILE: &str = "LIFECYCLE_TEST_CRASH";
const TENANTS: usize = 8;
const ROUNDS: u64 = 8;

/// Its effect is a row, so that the rows tell what was run, how often and in which order.
struct Noting;

impl TransactionalHandler for Noting {
    fn event(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        let event = delivery.event();
        let values = (event.tenant(), event.request_id());
        transaction.execute("INSERT INTO effects (tenant, request) VALUES (?1, ?2)", values)?;
        Ok(())
    }
}

fn worker(engine: &SqliteEngine) -> Worker {
    let (_, worker) = Store::new(engine.clone()).open_with(engine.runner(Noting));
    worker
        .lease(Duration::from_secs(1))
        .poll(Duration::from_millis(50))
        .attempts(1_000)
        .backoff(Backoff::new(Duration::from_millis(1), Duration::from_millis(10)))
}

/// Accepts for all tenants and works, until it is killed. Tells what is acknowledged.
fn victim(path: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = SqliteEngine::open(path).unwrap();
        for tenant in 0..TENANTS {
            tokio::spawn(send(engine.clone(), format!("t{tenant}")));
        }
        worker(&engine).run(std::future::pending()).await;
    });
}

async fn send(engine: SqliteEngine, tenant: String) {
    for nth in 0.. {
        let request = format!("{} {nth}", std::process::id());
        // As a platform would: until it is acknowledged.
        while engine.accept(record(&tenant, &request), engine.now(), WITHIN).await.is_err() {}
        let _ = writeln!(stdout(), "acknowledged {tenant} {request}");
        // The work keeps up, so that a kill finds some of everything.
        while engine.stats(engine.now()).await.is_ok_and(|stats| stats.depth() > 100) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

#[tokio::test]
async fn what_is_acknowledged_survives_every_kill_in_order_and_has_its_effect_once() {
    if let Some(path) = std::env::var_os(FILE) {
        return std::thread::spawn(move || victim(Path::new(&path))).join().unwrap();
    }
    let bench = Bench::new();
    bench
        .connection()
        .execute_batch("CREATE TABLE effects (id INTEGER PRIMARY KEY, tenant TEXT, request TEXT)")
        .unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        // Two at a time, each of which is killed while the other goes on, or dead already.
        let (mut one, mut two) = (Victim::start(&bench.path()), Victim::start(&bench.path()));
        one.acknowledge(20 + 37 * round);
        two.acknowledge(20 + 17 * round);
        acknowledged.extend(one.kill());
        two.acknowledge(100);
        acknowledged.extend(two.kill());
    }

    let later = SqliteEngine::open(bench.path()).unwrap();
    worker(&later).run(settled(&later)).await;
    let connection = bench.connection();
    let rows = sequences(
        &connection,
        "SELECT tenant, CAST(body AS TEXT) ->> 'requestId' FROM lifecycle_inbox ORDER BY id",
    );
    let effects = sequences(&connection, "SELECT tenant, request FROM effects ORDER BY id");
    assert_eq!(effects, rows, "each row has its effect once, in the order of acceptance");
    check_acknowledged(&acknowledged, &rows);
    assert_eq!(later.stats(later.now()).await.unwrap().dead, 0);
    assert!(acknowledged.len() as u64 > 100 * ROUNDS);
}

/// What was acknowledged is there, and what one sender sent stands in the order in which it was sent.
fn check_acknowledged(acknowledged: &[(String, String)], rows: &BTreeMap<String, Vec<String>>) {
    for (tenant, rows) in rows {
        let there: HashSet<&String> = rows.iter().collect();
        assert_eq!(there.len(), rows.len(), "no request is stored twice");
        let own = acknowledged.iter().filter(|(own, _)| own == tenant).map(|(_, request)| request);
        let lost: Vec<_> = own.filter(|request| !there.contains(request)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let senders: BTreeSet<&str> = rows.iter().map(|request| sender(request)).collect();
        for name in senders {
            let sent = rows.iter().filter(|request| sender(request) == name);
            let numbers: Vec<usize> =
                sent.map(|request| request.rsplit(' ').next().unwrap().parse().unwrap()).collect();
            assert!(numbers.iter().copied().eq(0..numbers.len()), "{tenant} of {name}: {numbers:?}");
        }
    }
}

fn sender(request: &str) -> &str {
    request.split(' ').next().unwrap()
}

/// The second column by the first.
fn sequences(connection: &Connection, sql: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut statement = connection.prepare(sql).unwrap();
    let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    for (tenant, request) in pairs.map(Result::unwrap) {
        found.entry(tenant).or_default().push(request);
    }
    found
}

/// A process that will be killed.
struct Victim {
    process: Child,
    output: BufReader<ChildStdout>,
    acknowledged: Vec<(String, String)>,
}

impl Victim {
    fn start(path: &Path) -> Self {
        let test = "crash::what_is_acknowledged_survives_every_kill_in_order_and_has_its_effect_once";
        let mut process = again(test, FILE, path).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output, acknowledged: Vec::new() }
    }

    /// Waits until that many more are acknowledged.
    fn acknowledge(&mut self, more: u64) {
        let enough = self.acknowledged.len() as u64 + more;
        while (self.acknowledged.len() as u64) < enough {
            assert!(self.read_line(), "it ended by itself");
        }
    }

    /// Kills it, and tells all that it has acknowledged.
    fn kill(mut self) -> Vec<(String, String)> {
        self.process.kill().unwrap();
        while self.read_line() {}
        self.process.wait().unwrap();
        self.acknowledged
    }

    fn read_line(&mut self) -> bool {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).unwrap();
        // The test harness may have begun the line.
        if let Some((_, found)) = line.strip_suffix('\n').and_then(|line| line.split_once("acknowledged ")) {
            let (tenant, request) = found.split_once(' ').unwrap();
            self.acknowledged.push((tenant.to_owned(), request.to_owned()));
        }
        read > 0
    }
}
