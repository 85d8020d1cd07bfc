//! Stores: ours, the limit that a disk sets, and what is written without much thought, behind one trait.

mod log;
mod postgres;
mod sqlite;

pub(crate) use postgres::connect;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lifecycle_core::{Decision, Delivery, EndpointHandler, HandlerError, LifecycleHandler, async_trait};
use lifecycle_inbox::{Engine, Inbox};
use lifecycle_inbox_postgres::{PostgresEngine, Settings};
use lifecycle_inbox_sqlite::SqliteEngine;

use crate::Failure;

/// Acknowledges what is on disk.
#[async_trait]
pub(crate) trait Store: EndpointHandler {
    /// How many callbacks it holds.
    async fn count(&self) -> Result<u64, Failure>;
}

/// Ours.
struct Durable {
    store: lifecycle_inbox::Store,
    inbox: Inbox,
}

impl Durable {
    fn new(engine: impl Engine) -> Self {
        let store = lifecycle_inbox::Store::new(engine);
        let (inbox, _) = store.open(AcceptAll);
        Self { store, inbox }
    }
}

#[async_trait]
impl EndpointHandler for Durable {
    async fn answer(&self, delivery: &Delivery, within: Duration) -> Result<Decision, HandlerError> {
        self.inbox.answer(delivery, within).await
    }
}

#[async_trait]
impl Store for Durable {
    async fn count(&self) -> Result<u64, Failure> {
        Ok(self.store.stats().await?.pending)
    }
}

/// A handler that decides at once, and has nothing to do.
pub(crate) struct AcceptAll;

impl LifecycleHandler for AcceptAll {}

/// The stores that are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A file that is only appended to, with group commit: as fast as this disk allows.
    Log,
    /// One connection to SQLite, one transaction for each callback.
    SqliteEach,
    /// `Inbox` with `SqliteEngine`.
    SqliteInbox,
    /// One connection to PostgreSQL, one `INSERT` for each callback.
    PostgresEach,
    /// `Inbox` with `PostgresEngine`.
    PostgresInbox,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Log, Self::SqliteEach, Self::SqliteInbox, Self::PostgresEach, Self::PostgresInbox];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Log => "append-only log",
            Self::SqliteEach => "SQLite, one transaction each",
            Self::SqliteInbox => "SQLite, inbox",
            Self::PostgresEach => "PostgreSQL, one INSERT each",
            Self::PostgresInbox => "PostgreSQL, inbox",
        }
    }

    /// The same database with one transaction for each callback.
    pub(crate) fn each(self) -> Option<Self> {
        match self {
            Self::SqliteInbox => Some(Self::SqliteEach),
            Self::PostgresInbox => Some(Self::PostgresEach),
            _ => None,
        }
    }

    /// Opens an empty one: a file in the folder, or in the schema of the server.
    pub(crate) async fn open(
        self,
        folder: &Path,
        url: &str,
        schema: &str,
    ) -> Result<Arc<dyn Store>, Failure> {
        let file = folder.join(format!("{self:?}"));
        Ok(match self {
            Self::Log => Arc::new(log::Log::create(&file)?),
            Self::SqliteEach => Arc::new(sqlite::EachInSqlite::create(&file)?),
            Self::SqliteInbox => Arc::new(Durable::new(SqliteEngine::open(&file)?)),
            Self::PostgresEach => Arc::new(postgres::EachInPostgres::create(url, schema).await?),
            Self::PostgresInbox => Arc::new(Durable::new(postgres_engine(url, schema).await?)),
        })
    }
}

/// An engine in a schema of its own.
pub(crate) async fn postgres_engine(url: &str, schema: &str) -> Result<PostgresEngine, Failure> {
    let settings = Settings::new(url)?.schema(schema)?;
    Ok(PostgresEngine::open_with(settings).await?)
}

/// A write that did not happen.
fn unavailable(error: impl Into<Failure>) -> HandlerError {
    HandlerError::unavailable(error)
}

#[cfg(test)]
mod tests {
    use crate::inbox::callbacks::Callbacks;
    use crate::inbox::senders::{Load, send};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn each_store_holds_exactly_what_it_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let callbacks = Arc::new(Callbacks::to(10));
        for kind in Kind::ALL {
            let store = kind.open(folder.path(), test_postgres::url(), "bench_stores").await.unwrap();
            let sent = send(&store, &callbacks, Load::of(300, 16)).await.unwrap();
            assert_eq!(sent.acknowledged, 300, "{kind:?}");
            assert_eq!(store.count().await.unwrap(), 300, "{kind:?}");
        }
    }
}
