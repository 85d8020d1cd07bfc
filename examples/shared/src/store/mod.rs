//! Store: the database behind the demo app, chosen by `DATABASE_URL`.

mod postgres;
mod sqlite;

use std::sync::Arc;

use lifecycle_inbox::{Engine, Worker};
use serde_json::Value;

use crate::failure::Failure;

/// The most deliveries that `GET /deliveries` tells of: the latest.
const SHOWN: u32 = 10_000;

/// An engine for the inbox, and the app's own table beside it: one row for each delivery that was handled, written in
/// the transaction that completes the delivery.
#[derive(Clone)]
pub(crate) enum Store {
    Postgres(postgres::Store),
    Sqlite(sqlite::Store),
}

impl Store {
    /// `sqlite:..`, `postgres://..` or `postgresql://..`.
    pub(crate) async fn open(url: &str) -> Result<Self, Failure> {
        match url.split_once(':') {
            Some(("sqlite", _)) => Ok(Self::Sqlite(sqlite::Store::open(url).await?)),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(postgres::Store::open(url).await?)),
            _ => Err("DATABASE_URL has to begin with sqlite:, postgres:// or postgresql://".into()),
        }
    }

    pub(crate) fn engine(&self) -> Arc<dyn Engine> {
        match self {
            Self::Postgres(store) => store.engine(),
            Self::Sqlite(store) => store.engine(),
        }
    }

    pub(crate) fn worker(&self) -> Worker {
        match self {
            Self::Postgres(store) => store.worker(),
            Self::Sqlite(store) => store.worker(),
        }
    }

    /// Ends the use of the database, in the order that leaves it tidy. Call it when nothing else uses it.
    pub(crate) async fn close(&self) {
        if let Self::Sqlite(store) = self {
            store.close().await;
        }
    }

    /// What was handled, in order.
    pub(crate) async fn handled(&self) -> Result<Vec<Value>, Failure> {
        match self {
            Self::Postgres(store) => store.handled().await,
            Self::Sqlite(store) => store.handled().await,
        }
    }
}
