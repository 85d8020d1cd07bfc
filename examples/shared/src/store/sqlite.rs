//! The demo app on an SQLite file.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lifecycle_core::{Delivery, HandlerError, Outcome};
use lifecycle_inbox::{Engine, Worker};
use lifecycle_inbox_sqlite::rusqlite::{self, Connection};
use lifecycle_inbox_sqlite::{SqliteEngine, Transaction, TransactionalHandler};
use serde_json::Value;

use super::SHOWN;
use crate::describe;
use crate::failure::Failure;

#[derive(Clone)]
pub(crate) struct Store {
    engine: SqliteEngine,
    app: Arc<Mutex<Connection>>,
}

impl Store {
    pub(super) async fn open(path: &str) -> Result<Self, Failure> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || {
            let engine = SqliteEngine::open(&path)?;
            let app = Connection::open(&path)?;
            app.busy_timeout(Duration::from_secs(5))?;
            app.execute(
                "CREATE TABLE IF NOT EXISTS handled (position INTEGER PRIMARY KEY, delivery TEXT NOT NULL)",
                [],
            )?;
            Ok(Self { engine, app: Arc::new(Mutex::new(app)) })
        })
        .await?
    }

    pub(super) fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(self.engine.clone())
    }

    pub(super) fn worker(&self) -> Worker {
        Worker::with_runner(self.engine(), self.engine.runner(Handled))
    }

    pub(super) async fn handled(&self) -> Result<Vec<Value>, Failure> {
        let app = self.app.clone();
        tokio::task::spawn_blocking(move || read(&app.lock().unwrap_or_else(PoisonError::into_inner))).await?
    }
}

fn read(app: &Connection) -> Result<Vec<Value>, Failure> {
    let mut latest = app.prepare_cached("SELECT delivery FROM handled ORDER BY position DESC LIMIT ?1")?;
    let texts: Vec<String> = latest.query_map([SHOWN], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    texts.iter().rev().map(|text| Ok(serde_json::from_str(text)?)).collect()
}

/// The work: one row for each delivery, which is there if and only if the delivery is done.
struct Handled;

impl TransactionalHandler for Handled {
    fn handle(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<Outcome, HandlerError> {
        let text = describe::delivery(delivery).to_string();
        transaction.execute("INSERT INTO handled (delivery) VALUES (?1)", [text])?;
        Ok(Outcome::Accept)
    }
}
