//! The write-ahead log: copied back beside the writer, begun again while work goes on, and gone in the end.

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lifecycle_inbox::{Accepted, Engine};
use lifecycle_inbox_sqlite::rusqlite;
use rusqlite::Connection;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::support::{Bench, WITHIN, put, record};

/// At so many bytes of log a commit copies them by itself.
const NET: u64 = 40_000 * (4_096 + 24);

fn log(bench: &Bench) -> PathBuf {
    bench.path().with_extension("db-wal")
}

/// How often the log began again: SQLite counts that in its header.
fn laps(bench: &Bench) -> u32 {
    let mut header = [0; 16];
    File::open(log(bench)).unwrap().read_exact(&mut header).unwrap();
    u32::from_be_bytes(header[12..].try_into().unwrap())
}

/// Accepts for some tenants without a pause, until it is dropped. Counts what is acknowledged.
fn send_for_ever(bench: &Bench) -> (JoinSet<()>, Arc<AtomicU64>) {
    let mut senders = JoinSet::new();
    let acknowledged = Arc::new(AtomicU64::new(0));
    for tenant in 0..4 {
        let (engine, acknowledged) = (bench.engine.clone(), acknowledged.clone());
        senders.spawn(async move {
            for request in 0.. {
                let record = record(&tenant.to_string(), &format!("{tenant} {request}"));
                let accepted = engine.accept(record, engine.now(), WITHIN).await;
                assert!(matches!(accepted, Ok(Accepted::New(_))), "{accepted:?}");
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    (senders, acknowledged)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_copied_and_begins_anew_under_load_that_never_rests() {
    let bench = Bench::new();
    let (senders, _) = send_for_ever(&bench);
    while laps(&bench) < 2 {
        sleep(Duration::from_millis(10)).await;
    }
    assert!(fs::metadata(log(&bench)).unwrap().len() < NET, "no commit had to copy it");
    drop(senders);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stays_in_the_log_holds_up_no_writes() {
    let bench = Bench::new();
    put(&bench.engine, "r").await;
    let reader = bench.connection();
    reader.execute_batch("BEGIN").unwrap();
    let count = || reader.query_row("SELECT count(*) FROM lifecycle_inbox", [], |row| row.get::<_, i64>(0));
    assert_eq!(count().unwrap(), 1);
    let before = laps(&bench);
    let (senders, acknowledged) = send_for_ever(&bench);
    while acknowledged.load(Ordering::Relaxed) < 3_000 {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(count().unwrap(), 1, "it still sees what it saw");
    // Once, if all was copied before it began: then it stands in the file, and what follows cannot be copied into that.
    assert!(laps(&bench) <= before + 1);
    reader.execute_batch("COMMIT").unwrap();
    while laps(&bench) < before + 2 {
        sleep(Duration::from_millis(10)).await;
    }
    drop(senders);
}

#[tokio::test]
async fn an_engine_that_ends_leaves_one_whole_file() {
    let bench = Bench::new();
    for request in ["1", "2", "3"] {
        put(&bench.engine, request).await;
    }
    let clone = bench.engine.clone();
    bench.engine.close().await;
    assert!(!log(&bench).exists(), "it is copied back, and gone");
    clone.close().await; // a second time does nothing
    assert!(clone.check().await.is_err(), "what is closed is closed for all");
    let alone = bench.folder.path().join("alone.db");
    fs::copy(bench.path(), &alone).unwrap();
    let rows = "SELECT count(*) FROM lifecycle_inbox";
    let rows: i64 = Connection::open(&alone).unwrap().query_row(rows, [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_finishes_what_was_asked_before() {
    let bench = Bench::new();
    let asked: Vec<_> = (0..100)
        .map(|request: u32| {
            let engine = bench.engine.clone();
            tokio::spawn(async move {
                engine.accept(record("t", &request.to_string()), engine.now(), WITHIN).await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    bench.engine.close().await;
    let mut acknowledged = 0;
    for asked in asked {
        acknowledged += i64::from(asked.await.unwrap().is_ok()); // the others came too late, and know it
    }
    let rows = "SELECT count(*) FROM lifecycle_inbox";
    let rows: i64 = bench.connection().query_row(rows, [], |row| row.get(0)).unwrap();
    assert_eq!(rows, acknowledged);
}

#[tokio::test]
async fn an_engine_that_is_dropped_ends_by_itself() {
    let bench = Bench::new();
    put(&bench.engine, "r").await;
    let log = log(&bench);
    let Bench { engine, folder } = bench;
    drop(engine);
    while log.exists() {
        sleep(Duration::from_millis(10)).await; // its threads end
    }
    drop(folder);
}
