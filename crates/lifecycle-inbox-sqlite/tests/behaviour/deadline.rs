//! Acknowledgement in time, from the socket to the disk.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lifecycle_inbox_sqlite::SqliteEngine;
use lifecycle_inbox_sqlite::rusqlite::Connection;
use test_app::deadline;

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
