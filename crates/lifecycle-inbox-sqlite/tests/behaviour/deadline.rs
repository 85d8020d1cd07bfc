//! Acknowledgement in time, from the socket to the disk.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lifecycle_core::{LifecycleHandler, Rejection, run_handler};
use lifecycle_inbox::Store;
use lifecycle_inbox_sqlite::SqliteEngine;
use lifecycle_inbox_sqlite::rusqlite::Connection;
use test_app::deadline;

use crate::support::{Bench, delivery, put};

/// The lock is another process's for a second: what is to be written waits for it, and then shares one transaction.
#[tokio::test(flavor = "multi_thread")]
async fn callbacks_are_acknowledged_in_time_while_handlers_take_a_minute_and_a_write_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inbox.db");
    let open = async || Arc::new(SqliteEngine::open(&path).unwrap()) as _;
    let slow = || {
        let other = Connection::open(&path).unwrap();
        other.busy_timeout(Duration::from_secs(5)).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(1));
            other.execute_batch("ROLLBACK").unwrap();
        });
    };
    deadline::check("SQLite", open, slow).await;
}

#[tokio::test]
async fn what_a_platform_with_a_short_deadline_is_refused_is_not_kept() {
    let bench = Bench::new();
    let (inbox, _) = Store::new(bench.engine.clone()).open(Nothing);
    let other = bench.connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = run_handler(&inbox, &delivery("t", "refused"), Duration::from_millis(700)).await;
    assert_eq!(answer, Err(Rejection::Unavailable));
    other.execute_batch("ROLLBACK").unwrap();
    put(&bench.engine, "next").await; // by the same thread, so what it was at is over
    assert!(bench.holds(&["next"]).await);
}

struct Nothing;

impl LifecycleHandler for Nothing {}
