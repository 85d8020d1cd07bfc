//! Store: the database behind the demo app, chosen by `DATABASE_URL`.

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
    Sqlite(sqlite::Store),
}

impl Store {
    /// `sqlite:PATH`, `postgres://..` or `postgresql://..`.
    pub(crate) async fn open(url: &str) -> Result<Self, Failure> {
        match url.split_once(':') {
            Some(("sqlite", path)) => Ok(Self::Sqlite(sqlite::Store::open(path).await?)),
            _ => Err("DATABASE_URL has to begin with sqlite:, postgres:// or postgresql://".into()),
        }
    }

    pub(crate) fn engine(&self) -> Arc<dyn Engine> {
        match self {
            Self::Sqlite(store) => store.engine(),
        }
    }

    pub(crate) fn worker(&self) -> Worker {
        match self {
            Self::Sqlite(store) => store.worker(),
        }
    }

    /// What was handled, in order.
    pub(crate) async fn handled(&self) -> Result<Vec<Value>, Failure> {
        match self {
            Self::Sqlite(store) => store.handled().await,
        }
    }
}
