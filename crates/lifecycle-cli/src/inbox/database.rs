//! Database: how an inbox's database is named, opened as it is, and what to do where it cannot be.

#![expect(clippy::doc_markdown, reason = "comments on options are the program's help, shown as they stand")]

use std::sync::Arc;

use clap::Args;
use lifecycle_inbox::{
    DeliveryFilter, DeliveryState, DeliverySummary, Engine, EngineError, Store, Timestamp,
};
use lifecycle_inbox_postgres::{OpenError as PostgresError, PostgresEngine, Settings};
use lifecycle_inbox_sqlite::{OpenError as SqliteError, SqliteEngine, path_from_url};

use crate::failure::Failure;
use crate::secret::{SecretText, variable_or_file};

const VARIABLE: &str = "DATABASE_URL";
const UPDATE: &str = "use the `lifecycle` of the release that the app is of";
const MIGRATE: &str = "is it the app's database? the app migrates it when it starts";

/// Which database.
#[derive(Args, Debug)]
pub(crate) struct DatabaseArgs {
    /// sqlite:PATH or postgres://user:password@host:5432/database. Beware: other users of this machine see it in the
    /// process list; where a password is in it, set the variable [default: the environment variable DATABASE_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = "Database")]
    database_url: Option<SecretText>,
    /// The schema of the inbox in a PostgreSQL database [default: lifecycle]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Database")]
    schema: Option<String>,
}

impl DatabaseArgs {
    /// Opens it. Neither a file nor a schema is made or changed by that.
    pub(crate) async fn open(&self) -> Result<Database, Failure> {
        let url = self.url()?;
        let engine: Arc<dyn Engine> = match url.as_str().split_once(':') {
            Some(("sqlite", _)) => Arc::new(self.sqlite(url.as_str())?),
            Some(("postgres" | "postgresql", _)) => Arc::new(self.postgres(url.as_str()).await?),
            _ => {
                return Err(Failure::new(
                    "the database URL is of no known kind",
                    "it begins with sqlite:, postgres:// or postgresql://",
                ));
            }
        };
        Ok(Database { store: Store::from(engine) })
    }

    fn url(&self) -> Result<SecretText, Failure> {
        if let Some(url) = &self.database_url {
            return Ok(url.clone());
        }
        let next = "give --database-url sqlite:PATH or postgres://..., or set DATABASE_URL";
        match variable_or_file(VARIABLE)? {
            Some(url) => SecretText::from_bytes(&url),
            None => Err(Failure::new("no database", next)),
        }
    }

    fn sqlite(&self, url: &str) -> Result<SqliteEngine, Failure> {
        if self.schema.is_some() {
            return Err(Failure::new("an SQLite file has no schemas to name", "leave --schema out"));
        }
        path_from_url(url)
            .and_then(SqliteEngine::open_without_migrating)
            .map_err(|error| sqlite_failure(&error))
    }

    async fn postgres(&self, url: &str) -> Result<PostgresEngine, Failure> {
        let telling = |error: PostgresError| postgres_failure(&error);
        let settings = Settings::new(url).map_err(telling)?;
        let settings = match &self.schema {
            Some(name) => settings.schema(name).map_err(telling)?,
            None => settings,
        };
        let settings = settings.migrate_at_start(false).writers(1).connections(1);
        PostgresEngine::open_with(settings).await.map_err(telling)
    }
}

/// An inbox that is open for an operator.
pub(crate) struct Database {
    pub(crate) store: Store,
}

impl Database {
    /// The later deliveries of its tenant that are done, of one that they have overtaken: the first ten.
    pub(crate) async fn overtaking(
        &self,
        row: &DeliverySummary,
    ) -> Result<Vec<DeliverySummary>, EngineError> {
        if row.overtaken_by.is_none() {
            return Ok(Vec::new());
        }
        let mut filter = DeliveryFilter::in_state(DeliveryState::Done);
        filter.tenant = Some(row.tenant.clone());
        filter.after = Some(row.id);
        filter.limit = 10;
        self.store.list(&filter).await
    }

    /// The time by the clock that the inbox goes by.
    pub(crate) fn now(&self) -> Timestamp {
        self.store.engine().now()
    }
}

/// A question that was not answered.
pub(crate) fn unanswered(error: &EngineError) -> Failure {
    Failure::new(format!("the inbox did not answer: {error}"), "is its database well? then try again")
}

fn sqlite_failure(error: &SqliteError) -> Failure {
    match error {
        SqliteError::Locked(_) => Failure::new(error.to_string(), "try again, or stop that process"),
        SqliteError::NewerSchema { path, found, known } => Failure::new(
            format!("{} has schema version {found}, and this program knows {known}", path.display()),
            UPDATE,
        ),
        SqliteError::OlderSchema { path, found: 0, .. } => {
            Failure::new(format!("there is no inbox in {}", path.display()), MIGRATE)
        }
        SqliteError::OlderSchema { path, found, known } => Failure::new(
            format!("{} has schema version {found}, and this program needs {known}", path.display()),
            MIGRATE,
        ),
        SqliteError::NotPermitted(_) | SqliteError::ReadOnly(_) => {
            Failure::new(error.to_string(), "run this as the user that the app runs as")
        }
        SqliteError::Url(why) => {
            Failure::new(format!("the database URL cannot be used: {why}"), "it is like sqlite:inbox.db")
        }
        _ => Failure::new(error.to_string(), "check the path; the app makes the file when it starts"),
    }
}

fn postgres_failure(error: &PostgresError) -> Failure {
    match error {
        PostgresError::Login(_) => {
            Failure::new(error.to_string(), "check the user and the password in the database URL")
        }
        PostgresError::NoDatabase(why) => Failure::new(why.as_str(), "check the database URL"),
        PostgresError::OlderSchema { found: 0, .. } => Failure::new(
            "there is no inbox in this database",
            "is it the app's database, and its schema? the app makes the tables when it starts",
        ),
        PostgresError::OlderSchema { found, known } => {
            Failure::new(format!("the schema is at version {found}, and this program needs {known}"), MIGRATE)
        }
        PostgresError::Parameter(_) => Failure::new(error.to_string(), "leave it out, or correct its value"),
        PostgresError::Pooler => Failure::new(error.to_string(), "the database URL names the pooler"),
        PostgresError::ReadOnly(_) => Failure::new(error.to_string(), "name the primary in the database URL"),
        PostgresError::Privilege(_) => Failure::new(error.to_string(), "use the user that the app uses"),
        PostgresError::SchemaName => Failure::new(error.to_string(), "correct --schema"),
        PostgresError::NewerSchema { found, known } => {
            Failure::new(format!("the schema is at version {found}, and this program knows {known}"), UPDATE)
        }
        PostgresError::Tls(_) => {
            Failure::new(error.to_string(), "check sslmode in the database URL, and the server's certificate")
        }
        PostgresError::Unreachable { .. } => {
            Failure::new(error.to_string(), "is the server running? check the host and the port")
        }
        PostgresError::Url => Failure::new(
            "the database URL cannot be read",
            "it is like postgres://user:password@host:5432/database, with special characters of the password \
             percent-encoded",
        ),
        _ => Failure::new(error.to_string(), "look into the server's log"),
    }
}
