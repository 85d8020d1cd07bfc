//! Durable servers: axum's endpoint, whose handler has the event on the disk before it is acknowledged.

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, async_trait};
use lifecycle_inbox::Store;
use lifecycle_inbox_sqlite::SqliteEngine;
use lifecycle_tower::LifecycleEndpoint;
use rusqlite::Connection;
use tokio::task::spawn_blocking;

use crate::{AcceptAll, Failure, axum, verifier};

/// Serves `inbox`, ours, or `per-event`, with a commit for each event as it is often written by hand.
pub(crate) fn serve(name: &str, file: &Path, listener: TcpListener) -> Result<(), Failure> {
    let endpoint = match name {
        "inbox" => {
            let (inbox, _) = Store::new(SqliteEngine::open(file)?).open(AcceptAll);
            LifecycleEndpoint::new(verifier()?, inbox)
        }
        "per-event" => LifecycleEndpoint::new(verifier()?, PerEvent::open(file)?),
        _ => return Err(format!("there is no durable server {name}").into()),
    };
    axum::run(axum::endpoint(endpoint), listener)
}

struct PerEvent {
    connection: Arc<Mutex<Connection>>,
}

impl PerEvent {
    fn open(file: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(file)?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.execute_batch(
            "PRAGMA synchronous = FULL;
             CREATE TABLE event (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;",
        )?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }
}

#[async_trait]
impl LifecycleHandler for PerEvent {
    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let connection = Arc::clone(&self.connection);
        let (key, body) = (delivery.idempotency_key(), delivery.body().clone());
        let write = move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let sql = "INSERT INTO event (key, body) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING";
            connection.prepare_cached(sql)?.execute((key.as_bytes(), &*body))
        };
        spawn_blocking(write).await??;
        Ok(())
    }
}
