//! Database: where the demo app keeps everything, chosen by `DATABASE_URL`.

mod postgres;
mod sqlite;

use std::sync::Arc;

use lifecycle_inbox::{Inbox, InstallationStore, Store, Worker};
use serde_json::Value;

use crate::failure::Failure;

/// The most deliveries that `GET /deliveries` shows: the latest.
const SHOWN: u32 = 10_000;

/// The store of the inbox, and the app's own table in the same database: one row for each delivery that was handled, written in
/// the transaction that completes the delivery.
#[derive(Clone)]
pub(crate) enum Database {
    Postgres(postgres::Database),
    Sqlite(sqlite::Database),
}

impl Database {
    /// `sqlite:..`, `postgres://..` or `postgresql://..`.
    pub(crate) async fn open(url: &str) -> Result<Self, Failure> {
        match url.split_once(':') {
            Some(("sqlite", _)) => Ok(Self::Sqlite(sqlite::Database::open(url).await?)),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(postgres::Database::open(url).await?)),
            _ => Err("DATABASE_URL has to begin with sqlite:, postgres:// or postgresql://".into()),
        }
    }

    /// The store, with the app's handler at both of its ends.
    pub(crate) fn inbox(&self) -> (Store, Inbox, Worker) {
        match self {
            Self::Postgres(database) => database.inbox(),
            Self::Sqlite(database) => database.inbox(),
        }
    }

    /// The installations that follow from the deliveries.
    pub(crate) fn installations(&self) -> Arc<dyn InstallationStore> {
        match self {
            Self::Postgres(database) => Arc::new(database.engine.clone()),
            Self::Sqlite(database) => Arc::new(database.engine.clone()),
        }
    }

    /// Ends the use of the database, in the order that leaves it tidy. Call it when nothing else uses it.
    pub(crate) async fn close(&self) {
        if let Self::Sqlite(database) = self {
            database.close().await;
        }
    }

    /// What was handled, in order.
    pub(crate) async fn handled(&self) -> Result<Vec<Value>, Failure> {
        match self {
            Self::Postgres(database) => database.handled().await,
            Self::Sqlite(database) => database.handled().await,
        }
    }
}
