//! A disk that is full, a folder that goes away, a schema that changes below.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lifecycle_core::Delivery;
use lifecycle_inbox::{Accepted, Engine, Runner};
use lifecycle_inbox_sqlite::{SqliteEngine, Transaction};
use tokio::signal::unix::{SignalKind, signal};

use crate::support::{Bench, Handler, WITHIN, again, claim_one, put, record};

/// Lets the file grow by that many pages and no more, as a disk with little room would.
async fn leave_room(bench: &Bench, pages: u32) {
    let claimed = claim_one(&bench.engine).await;
    let runner = bench.engine.runner(Handler(move |_: &Delivery, transaction: &Transaction<'_>| {
        let count: u32 = transaction.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let limit = format!("PRAGMA max_page_count = {}", count.saturating_add(pages));
        transaction.query_row(&limit, [], |_| Ok(()))?;
        Ok(())
    }));
    let delivery = claimed.record.unwrap().restore(&lifecycle_inbox::Platforms::default()).unwrap();
    runner.run(claimed.token, &delivery).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_takes_what_does() {
    let bench = Bench::new();
    put(&bench.engine, "1").await;
    leave_room(&bench, 20).await;
    let mut large = record("t", "large");
    large.body = vec![b' '; 200_000].into();
    // In one transaction: the large one ends it for all.
    let (before, full, after) = tokio::join!(
        bench.engine.accept(record("t", "before"), bench.engine.now(), WITHIN),
        bench.engine.accept(large.clone(), bench.engine.now(), WITHIN),
        bench.engine.accept(record("t", "after"), bench.engine.now(), WITHIN),
    );
    assert!(matches!((before, after), (Ok(Accepted::New(_)), Ok(Accepted::New(_)))));
    let error = full.unwrap_err().to_string();
    assert!(error.contains("full"), "{error}");
    assert!(bench.holds(&["1", "before", "after"]).await);
    assert!(!bench.engine.is_known(large.key).await.unwrap(), "no key without its row");
    let whole: String = bench.connection().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");

    claim_one(&bench.engine).await; // "before", whose turn it is; "after" waits for it
    let waiting = bench.engine.list(&lifecycle_inbox::DeliveryFilter::default()).await.unwrap();
    bench.engine.delete(waiting[1].id).await.unwrap();
    leave_room(&bench, 1_000_000).await;
    let again = bench.engine.accept(large, bench.engine.now(), WITHIN).await;
    assert!(matches!(again, Ok(Accepted::New(_))), "the same delivery, sent again, is no duplicate");
}

#[tokio::test]
async fn an_error_undoes_its_own_job_only() {
    let bench = Bench::new();
    bench
        .connection()
        .execute_batch(
            "CREATE TRIGGER refused BEFORE INSERT ON lifecycle_inbox WHEN new.tenant = 'refused'
             BEGIN SELECT raise(ABORT, 'refused by a trigger of this test'); END",
        )
        .unwrap();
    let (one, refused, two) = tokio::join!(
        bench.engine.accept(record("t", "1"), bench.engine.now(), WITHIN),
        bench.engine.accept(record("refused", "r"), bench.engine.now(), WITHIN),
        bench.engine.accept(record("t", "2"), bench.engine.now(), WITHIN),
    );
    assert!(matches!((one, two), (Ok(Accepted::New(_)), Ok(Accepted::New(_)))));
    assert!(refused.is_err());
    assert!(!bench.engine.is_known(record("refused", "r").key).await.unwrap());
    assert!(bench.holds(&["1", "2"]).await);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_to_is_not_well() {
    let bench = Bench::new();
    bench.engine.check().await.unwrap();
    let other = bench.connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(bench.engine.check().await.is_err());
    other.execute_batch("COMMIT").unwrap();
    bench.engine.check().await.unwrap();
}

/// Files that may not grow are a full disk that needs no disk of its own.
#[tokio::test]
async fn where_callbacks_find_no_room_the_store_is_not_well() {
    const FILE: &str = "LIFECYCLE_TEST_FULL";
    if let Some(path) = std::env::var_os(FILE) {
        return without_room(Path::new(&path)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let test = again("faults::where_callbacks_find_no_room_the_store_is_not_well", FILE, folder.path());
    let mut limited = Command::new("prlimit"); // of util-linux
    limited.arg("--fsize=1000000").arg(test.get_program()).args(test.get_args()).env(FILE, folder.path());
    assert!(limited.status().unwrap().success());
}

async fn without_room(folder: &Path) {
    // As the README says: without this, the system ends the process.
    drop(signal(SignalKind::from_raw(25)).unwrap());
    let engine = SqliteEngine::open(folder.join("inbox.db")).unwrap();
    engine.check().await.unwrap();
    let mut full_since = None;
    for request in 0.. {
        let mut large = record("t", &request.to_string());
        large.body = vec![b' '; 40_000].into();
        if engine.accept(large, engine.now(), WITHIN).await.is_ok() {
            full_since = None;
            continue;
        }
        // A log may find room once more, when it has been copied back.
        if full_since.get_or_insert_with(Instant::now).elapsed() > Duration::from_secs(4) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(engine.check().await.is_err(), "it says that it is well, and takes no callbacks");
}
