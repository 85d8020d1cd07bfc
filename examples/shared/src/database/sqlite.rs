//! The demo app on an SQLite file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use lifecycle_core::{Decision, Delivery, HandlerError};
use lifecycle_inbox::{Inbox, Store, Worker};
use lifecycle_inbox_sqlite::rusqlite::{self, Connection, OpenFlags};
use lifecycle_inbox_sqlite::{SqliteEngine, Transaction, TransactionalHandler};
use serde_json::Value;

use super::SHOWN;
use crate::decision::decide;
use crate::describe;
use crate::failure::Failure;

#[derive(Clone)]
pub(crate) struct Database {
    pub(super) engine: SqliteEngine,
    path: PathBuf,
}

impl Database {
    pub(super) async fn open(url: &str) -> Result<Self, Failure> {
        survive_file_size_limits()?;
        let path = lifecycle_inbox_sqlite::path_from_url(url)?;
        tokio::task::spawn_blocking(move || {
            let engine = SqliteEngine::open(&path)?;
            connect(&path)?.execute(
                "CREATE TABLE IF NOT EXISTS handled (position INTEGER PRIMARY KEY, delivery TEXT NOT NULL)",
                [],
            )?;
            Ok(Self { engine, path })
        })
        .await?
    }

    /// Leaves one whole file, without a log.
    pub(super) async fn close(&self) {
        self.engine.close().await;
    }

    pub(super) fn inbox(&self) -> (Store, Inbox, Worker) {
        let store = Store::new(self.engine.clone());
        let (inbox, worker) = store.open_with(self.engine.runner(Handled));
        (store, inbox, worker)
    }

    pub(super) async fn handled(&self) -> Result<Vec<Value>, Failure> {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || read(&connect(&path)?)).await?
    }
}

/// A connection for the app's own statements. It makes no file: where there is none, the engine's is lost.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let app = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    app.busy_timeout(Duration::from_secs(5))?;
    Ok(app)
}

fn read(app: &Connection) -> Result<Vec<Value>, Failure> {
    let mut latest = app.prepare_cached("SELECT delivery FROM handled ORDER BY position DESC LIMIT ?1")?;
    let texts: Vec<String> = latest.query_map([SHOWN], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    texts.iter().rev().map(|text| Ok(serde_json::from_str(text)?)).collect()
}

/// A file that grows beyond a limit (`ulimit -f`, systemd's `LimitFSIZE=`) ends the process by a signal. Once somebody
/// listens for that, the write fails instead, as on a full disk: callbacks are answered 503 until there is room.
#[cfg(unix)]
fn survive_file_size_limits() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    const SIGXFSZ: i32 = 25; // on Linux, the BSDs and macOS
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop)
}

#[cfg(not(unix))]
fn survive_file_size_limits() -> std::io::Result<()> {
    Ok(())
}

/// The work: one row for each delivery, which is there if and only if the delivery is done.
struct Handled;

#[async_trait]
impl TransactionalHandler for Handled {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        decide(delivery).await
    }

    fn event(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        let text = describe::delivery(delivery).to_string();
        transaction.execute("INSERT INTO handled (delivery) VALUES (?1)", [text])?;
        Ok(())
    }
}
