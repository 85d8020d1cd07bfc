//! Settings: where the database is, and how much of it to use.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;

use crate::error::OpenError;
use crate::url::{self, Url};

/// Where the database is, and how much of it to use.
///
/// `Debug` shows neither the password nor the place.
///
/// ```
/// use lifecycle_inbox_postgres::Settings;
///
/// let settings = Settings::new("postgres://app:secret@db.example/app?sslmode=require")?.schema("lifecycle")?;
/// assert!(!format!("{settings:?}").contains("secret"));
/// assert!(Settings::new("postgres://app:secret@db.example:here/app").is_err());
/// # Ok::<(), lifecycle_inbox_postgres::OpenError>(())
/// ```
#[derive(Clone)]
pub struct Settings {
    pub(crate) config: Config,
    pub(crate) schema: Schema,
    pub(crate) migrate: bool,
    pub(crate) writers: usize,
    pub(crate) queue: usize,
    pub(crate) connections: usize,
    pub(crate) time_limit: Duration,
    #[cfg_attr(
        not(any(feature = "tls-ring", feature = "tls-aws-lc")),
        expect(dead_code, reason = "without TLS there is no certificate")
    )]
    pub(crate) verifies_name: bool,
    pub(crate) root_certificates: Option<PathBuf>,
    pub(crate) password: Option<Password>,
}

/// Gives the password for a session that is about to be opened.
pub(crate) type Password = Arc<dyn Fn() -> String + Send + Sync>;

impl Settings {
    /// The settings for the database of this URL: `postgres://user:password@host:5432/database`.
    ///
    /// It may name several hosts, of which one that takes writes is used, and how to use TLS: `sslmode=disable`, `prefer`
    /// (the default: TLS where the server has it), `require`, `verify-full` or `verify-ca`. Where TLS is used, the server's
    /// certificate and name are always verified; only `verify-ca` lets the name differ. `sslrootcert` is
    /// [`root_certificates`](Self::root_certificates). A special character in the password is percent-encoded.
    ///
    /// # Errors
    /// [`OpenError::Url`], which shows nothing of it, or [`OpenError::Parameter`].
    pub fn new(url: &str) -> Result<Self, OpenError> {
        let Url { mut config, verifies_name, root_certificates } = url::read(url)?;
        if config.get_application_name().is_none() {
            config.application_name("lifecycle-inbox");
        }
        // Where a machine vanished, its connections are found dead within a minute, not within hours.
        config.keepalives_idle(Duration::from_secs(30)).keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3);
        Ok(Self {
            config,
            schema: Schema::new("lifecycle")?,
            migrate: true,
            writers: 1,
            queue: 1024,
            connections: 8,
            time_limit: Duration::from_secs(5),
            verifies_name,
            root_certificates,
            password: None,
        })
    }

    /// The schema that holds everything; `lifecycle` by default. Several inboxes may share a database, each with a
    /// schema of its own.
    ///
    /// # Errors
    /// [`OpenError::SchemaName`] for another name than of 1 to 50 ASCII letters, digits and `_`, not first a digit.
    pub fn schema(mut self, name: &str) -> Result<Self, OpenError> {
        self.schema = Schema::new(name)?;
        Ok(self)
    }

    /// Whether opening the store also makes or migrates its schema; true by default. If not, an older schema is an error,
    /// and [`PostgresEngine::migrate`](crate::PostgresEngine::migrate) is called by whoever may change tables.
    #[must_use]
    pub fn migrate_at_start(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// Over how many connections deliveries are written; 1 by default, at most 16. It writes all that waits in one
    /// transaction, with one flush; more of them divide the flush, and pay off for hundreds of concurrent callbacks on a
    /// server with cores to spare.
    #[must_use]
    pub fn writers(mut self, connections: usize) -> Self {
        self.writers = connections.clamp(1, 16);
        self
    }

    /// How many deliveries may wait for each writer; 1024 by default. A callback that finds it full is answered 503 at
    /// once.
    #[must_use]
    pub fn queue(mut self, deliveries: usize) -> Self {
        self.queue = deliveries.max(1);
        self
    }

    /// The most connections for everything else: claims and look-ups; 8 by default. One more ends deliveries, and one
    /// listens.
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most.max(1);
        self
    }

    /// How long one operation may take, and opening a connection, and the wait for one; 5 s each by default.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit.max(Duration::from_millis(1));
        self
    }

    /// Where the password changes while the program runs: this gives the one of now, in place of the one in the URL, for each
    /// session that is opened. Sessions that are open stay so. It must not block; a password that has to be fetched is fetched by a task of
    /// its own, and read here.
    ///
    /// ```
    /// use lifecycle_inbox_postgres::Settings;
    ///
    /// // A file that is replaced at each rotation, as Kubernetes does with a mounted secret.
    /// let current = || std::fs::read_to_string("/run/secrets/database").unwrap_or_default().trim_end().to_owned();
    /// let settings = Settings::new("postgres://app@db.example/app")?.password(current);
    /// assert!(format!("{settings:?}").starts_with("Settings"));
    /// # Ok::<(), lifecycle_inbox_postgres::OpenError>(())
    /// ```
    #[must_use]
    pub fn password(mut self, current: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.password = Some(Arc::new(current));
        self
    }

    /// A PEM file with the certificates to trust, in place of the system's.
    #[must_use]
    pub fn root_certificates(mut self, file: impl Into<PathBuf>) -> Self {
        self.root_certificates = Some(file.into());
        self
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("schema", &self.schema.0)
            .field("writers", &self.writers)
            .field("connections", &self.connections)
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}

/// The name of the schema. Being of letters, digits and `_` only, it needs no escape between quotes.
#[derive(Clone)]
pub(crate) struct Schema(String);

impl Schema {
    fn new(name: &str) -> Result<Self, OpenError> {
        let is_word = name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
        let starts = name.starts_with(|it: char| !it.is_ascii_digit());
        if is_word && starts && name.len() <= 50 && !name.starts_with("pg_") {
            return Ok(Self(name.to_owned()));
        }
        Err(OpenError::SchemaName)
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// What is told to other processes goes through this channel.
    pub(crate) fn channel(&self) -> String {
        format!("lifecycle_{}", self.0)
    }

    /// In all SQL, `lifecycle.` stands for the schema.
    pub(crate) fn sql(&self, text: &str) -> String {
        text.replace("lifecycle.", &format!("\"{}\".", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_a_password_has_torn_is_refused() {
        for url in [
            "postgres://u:p@ss@host/db",
            "postgres://u:p@s/s@host/db",
            "postgres://u:p@s:s@host/db",
            "postgres://u:p@s?s@host/db",
            "postgres://",
            "user=u password=two words",
            "not a url",
            "",
        ] {
            assert!(matches!(Settings::new(url), Err(OpenError::Url)), "{url}");
        }
        assert!(Settings::new("postgres://u:p%40ss@host/db").is_ok());
        assert!(Settings::new("host=/run/postgresql user=u dbname=d").is_ok());
    }

    #[test]
    fn a_schema_is_named_by_a_word() {
        let settings = Settings::new("postgres://u@host/db").unwrap();
        for name in ["", "1st", "a-b", "a\"b", "pg_mine", "ä", "a.b", &"a".repeat(51)] {
            assert!(matches!(settings.clone().schema(name), Err(OpenError::SchemaName)), "{name}");
        }
        let settings = settings.schema("My_app1").unwrap();
        assert_eq!(settings.schema.sql("SELECT lifecycle.x"), "SELECT \"My_app1\".x");
    }
}
