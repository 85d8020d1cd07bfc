//! `PostgresEngine`: the inbox, over one database and any number of replicas.

mod deliveries;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use lifecycle_inbox::EngineError;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::batcher::{Batcher, NOT_IN_TIME};
use crate::clock::Clock;
use crate::endings::Endings;
use crate::error::{OpenError, is_spent, store};
use crate::handler::TransactionalHandler;
use crate::low_water::LowWater;
use crate::migration::{bring_up, migrate};
use crate::notifier::{NotifierTask, PgNotifier};
use crate::quiet;
use crate::row::column;
use crate::runner::PostgresRunner;
use crate::session::{Connector, take};
use crate::settings::Settings;
use crate::sql::Sql;
use crate::writer::{Shared, Writers};

/// How long pruning may take: it is asked for by people, who may ask for much.
const PRUNE_LIMIT: Duration = Duration::from_secs(60);

/// So many keys are new ones: their index has some 8 MB. Where there are more, they become old ones, so many at a time.
const MANY_KEYS: i64 = 200_000;
const KEYS_AT_ONCE: i64 = 2_000;

/// An engine in a PostgreSQL database, which any number of processes may share.
///
/// Open it once in a process; clones share its connections. It works in the tokio runtime in which it was opened, and
/// its connections end with the last clone.
#[derive(Clone)]
pub struct PostgresEngine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) notifier: Arc<PgNotifier>,
    clock: Arc<Clock>,
    pub(crate) connector: Connector,
    endings: Batcher<Endings>,
    low_water: LowWater,
    pool: Pool,
    notifier_task: JoinHandle<()>,
    pub(crate) sql: Arc<Sql>,
    pub(crate) time_limit: Duration,
    writers: Writers,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.notifier_task.abort();
    }
}

impl PostgresEngine {
    /// Opens the inbox in the database of this URL, with the default [`Settings`].
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::open_with(Settings::new(url)?).await
    }

    /// The same for a database whose schema is this release's already: an older one is an error, and nothing is changed.
    /// For those who call [`migrate`](Self::migrate) when they deploy.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub async fn open_without_migrating(url: &str) -> Result<Self, OpenError> {
        Self::open_with(Settings::new(url)?.migrate_at_start(false)).await
    }

    /// Opens the inbox: connects, makes or migrates the schema, and writes once to see that it can.
    ///
    /// # Errors
    /// [`OpenError`]: nothing was changed then, and it says what to do.
    pub async fn open_with(settings: Settings) -> Result<Self, OpenError> {
        let connector = Connector::new(&settings)?;
        let telling = |error: tokio_postgres::Error| OpenError::new(&error, &settings);
        let time_limit = settings.time_limit;
        // What acknowledges and what ends have their connections before anything else, and keep them.
        let [mut session, for_endings] = connector.open_first(&settings).await?;
        bring_up(&mut session, &settings).await?;
        let mut for_writers = vec![session];
        while for_writers.len() < settings.writers {
            let opened = timeout(time_limit, connector.open()).await;
            for_writers.push(opened.map_err(|_| OpenError::timeout(&settings))?.map_err(telling)?);
        }
        let session = &for_writers[0];
        let sql = Arc::new(Sql::new(&settings.schema));
        let clock = async {
            let check = session.prepare(&sql.check).await?;
            quiet::execute(session, &check, &[&SAMPLE]).await?;
            warn_of_lost_writes(session).await?;
            Clock::new(session).await
        };
        let clock =
            timeout(time_limit, clock).await.map_err(|_| OpenError::timeout(&settings))?.map_err(telling)?;
        let (notifier, clock) = (Arc::<PgNotifier>::default(), Arc::new(clock));
        let notifier_task = NotifierTask {
            notifier: notifier.clone(),
            clock: clock.clone(),
            connector: connector.clone(),
            channel: settings.schema.channel(),
            time_limit,
        };
        let shared = Arc::new(Shared {
            notifier: notifier.clone(),
            connector: connector.clone(),
            sql: sql.clone(),
            time_limit,
        });
        Ok(Self(Arc::new(Inner {
            notifier,
            clock,
            pool: connector.pool(settings.connections, time_limit),
            connector,
            notifier_task: tokio::spawn(notifier_task.run()),
            sql,
            time_limit,
            writers: Writers::start(&shared, for_writers, settings.queue),
            endings: Endings::start(shared, for_endings),
            low_water: LowWater::default(),
        })))
    }

    /// Makes the schema, or brings it to this release's version. Any number of processes may do so at once; it happens
    /// wholly or not at all.
    ///
    /// [`open_with`](Self::open_with) does it too, unless the [settings](Settings::migrate_at_start) say otherwise: then
    /// call this once at each deployment, as a user that may create schemas and tables.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub async fn migrate(settings: &Settings) -> Result<(), OpenError> {
        migrate(settings).await
    }

    /// A runner for a [`Worker`](lifecycle_inbox::Worker) whose handler writes to this database, in the transaction that
    /// completes the delivery.
    pub fn runner(&self, handler: impl TransactionalHandler) -> PostgresRunner {
        PostgresRunner::new(self, Arc::new(handler))
    }

    pub(crate) fn handler_pool(&self, connections: usize) -> Pool {
        self.0.connector.for_handlers().pool(connections, self.0.time_limit)
    }

    /// The connection may be dead, or busy for ever: it does not go back to the pool. And what is idle may be on the same
    /// host that no longer answers, and would each use up the time of another question.
    pub(crate) fn too_late(&self, client: Object) -> EngineError {
        drop(Object::take(client));
        self.0.connector.close_unused(Duration::ZERO);
        EngineError::new(NOT_IN_TIME)
    }

    async fn client(&self) -> Result<Object, EngineError> {
        take(&self.0.pool, self.0.time_limit).await.map_err(|error| no_client(&error))
    }

    /// One statement, which is one transaction, on a connection of the pool.
    pub(crate) async fn query(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, EngineError> {
        let client = self.client().await?;
        let asked = async {
            let statement = client.prepare_cached(sql).await?;
            quiet::query(&client, &statement, parameters).await
        };
        match timeout(self.0.time_limit, asked).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => Err(failed(client, &error)),
            Err(_) => Err(self.too_late(client)),
        }
    }

    /// Where many keys are new, all of them become old ones, in small transactions.
    async fn move_keys(&self) -> Result<(), EngineError> {
        let are_many = self.query(&self.0.sql.has_many_keys, &[&MANY_KEYS]).await?;
        if !are_many.first().map_or(Ok(false), |row| column(row, 0))? {
            return Ok(());
        }
        let mut last: Option<Vec<u8>> = None;
        loop {
            let moved = self.query(&self.0.sql.move_keys, &[&last, &KEYS_AT_ONCE]).await?;
            last = moved.first().map_or(Ok(None), |row| column(row, 0))?;
            if last.is_none() {
                return Ok(());
            }
        }
    }

    /// The same for a statement that only reads. A node that takes no writes would answer it, with what was true once: so it
    /// is asked for that too.
    pub(crate) async fn read(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, EngineError> {
        let client = self.client().await?;
        let asked = async {
            let statement = client.prepare_cached(sql).await?;
            let writable = client.prepare_cached(&self.0.sql.is_writable).await?;
            let (writable, rows) =
                tokio::join!(client.query_one(&writable, &[]), quiet::query(&client, &statement, parameters));
            Ok((writable?.try_get::<_, bool>(0)?, rows?))
        };
        match timeout(self.0.time_limit, asked).await {
            Ok(Ok((true, rows))) => Ok(rows),
            Ok(Ok((false, _))) => {
                drop(Object::take(client));
                Err(EngineError::new(READ_ONLY))
            }
            Ok(Err(error)) => Err(failed(client, &error)),
            Err(_) => Err(self.too_late(client)),
        }
    }
}

pub(crate) const READ_ONLY: &str = "PostgreSQL takes no writes here: it is a standby, or read-only";

/// What a health check writes: more than the callbacks of the platforms have.
pub(crate) const SAMPLE: &[u8] = &[0; 64 * 1024];

/// A disk that is told to forget makes every acknowledgement a guess; but whose server that is, may know why.
async fn warn_of_lost_writes(client: &tokio_postgres::Client) -> Result<(), tokio_postgres::Error> {
    let fsync: String = client.query_one("SELECT current_setting('fsync')", &[]).await?.try_get(0)?;
    if fsync == "off" {
        tracing::warn!(
            target: "lifecycle::inbox",
            "the server runs with fsync = off: what was acknowledged may be lost when its machine stops"
        );
    }
    Ok(())
}

pub(crate) fn no_client(error: &deadpool_postgres::PoolError) -> EngineError {
    use deadpool_postgres::PoolError;
    match error {
        PoolError::Backend(error) => store(error),
        PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => {
            EngineError::new("all connections to PostgreSQL are in use")
        }
        _ => EngineError::new("PostgreSQL did not let us connect in time"),
    }
}

/// A connection that will fail again does not go back to the pool.
fn failed(client: Object, error: &tokio_postgres::Error) -> EngineError {
    if is_spent(error) {
        drop(Object::take(client));
    }
    store(error)
}

impl fmt::Debug for PostgresEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresEngine").field("time_limit", &self.0.time_limit).finish_non_exhaustive()
    }
}
