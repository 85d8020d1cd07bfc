//! One transaction for each callback, in SQLite.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, async_trait};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Store, unavailable};
use crate::Failure;

/// A thread with a connection, as durable as ours: write-ahead log, `synchronous=FULL`.
pub(crate) struct EachInSqlite(Sender<Job>);

type Job = Box<dyn FnOnce(&Connection) + Send>;

impl EachInSqlite {
    pub(crate) fn create(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             CREATE TABLE callbacks (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;",
        )?;
        let (jobs, queue): (_, Receiver<Job>) = channel();
        thread::spawn(move || queue.into_iter().for_each(|job| job(&connection)));
        Ok(Self(jobs))
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let job = move |connection: &Connection| drop(answer.send(work(connection)));
        self.0.send(Box::new(job)).map_err(|_| "the thread has ended")?;
        Ok(answered.await??)
    }
}

#[async_trait]
impl LifecycleHandler for EachInSqlite {
    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let (key, body) = (delivery.idempotency_key(), delivery.body().clone());
        let write = move |connection: &Connection| {
            connection
                .prepare_cached("INSERT INTO callbacks (key, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                .execute((key.as_bytes(), &body[..]))
        };
        self.ask(write).await.map_err(unavailable)?;
        Ok(())
    }
}

#[async_trait]
impl Store for EachInSqlite {
    async fn count(&self) -> Result<u64, Failure> {
        let count = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM callbacks", [], |row| row.get::<_, i64>(0))
        };
        Ok(u64::try_from(self.ask(count).await?)?)
    }
}
