//! `OpenError`: why a store could not be opened or migrated, and how errors of the database are told.

use std::error::Error;

use lifecycle_inbox::EngineError;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;

use crate::settings::Settings;

/// Why a store could not be opened or migrated. Nothing was changed then, and no variant shows a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Any other error of the server.
    #[error("PostgreSQL cannot be used: {0}")]
    Database(String),
    /// The server does not let the user in: correct the user's name or the password, or the server's `pg_hba.conf`.
    #[error("PostgreSQL does not let the user in: {0}")]
    Login(String),
    /// A newer release of this library has migrated the schema: update this program.
    #[error("the schema is at version {found}, this program knows {known}: update the program")]
    NewerSchema {
        /// The version of the schema.
        found: i32,
        /// The newest version that this program knows.
        known: i32,
    },
    /// There is no such database: create it, or correct the URL.
    #[error("{0}: create it, or correct the database URL")]
    NoDatabase(String),
    /// The schema is older than this program, which was told not to migrate it: call [`PostgresEngine::migrate`](crate::PostgresEngine::migrate).
    #[error("the schema is at version {found}, this program needs {known}: migrate it")]
    OlderSchema {
        /// The version of the schema; 0 where there is none.
        found: i32,
        /// The version that this program needs.
        known: i32,
    },
    /// A parameter in the URL that is not known, or whose value is not.
    #[error("the database URL cannot be used: the parameter {0} is not known, or its value is not")]
    Parameter(String),
    /// Connections are shared by a pooler, of which none keeps what a session sets: listening, prepared statements, time
    /// limits.
    #[error(
        "PostgreSQL is behind a pooler in transaction or statement mode: use one in session mode, or connect to the \
         server itself"
    )]
    Pooler,
    /// The user may not do what is needed: the text says on what. To make the schema, a user needs CREATE on the
    /// database; to use it, USAGE on the schema and its sequence, and all on its tables.
    #[error("the database's user lacks a privilege: {0}")]
    Privilege(String),
    /// The server, or each of those in the URL, takes no writes now: it is a standby, or was set to read-only.
    #[error("PostgreSQL at {0} takes no writes: it is a standby, or read-only")]
    ReadOnly(String),
    /// Not a schema's name: 1 to 50 ASCII letters, digits and `_`, not first a digit, and not `pg_` first.
    #[error("a schema is named by 1 to 50 ASCII letters, digits and _, not first a digit, nor by pg_ first")]
    SchemaName,
    /// TLS is asked for and cannot be had: turn on the feature `tls-ring` or `tls-aws-lc`, or correct the certificates.
    #[error("TLS to PostgreSQL is not possible: {0}")]
    Tls(String),
    /// Nobody answers there in time: start the server, or correct the host and the port.
    #[error("PostgreSQL at {place} cannot be reached: {why}")]
    Unreachable {
        /// Hosts and ports.
        place: String,
        /// What the system says.
        why: String,
    },
    /// Not a URL of PostgreSQL. A special character in the password is percent-encoded: `@` is `%40`.
    #[error(
        "the database URL cannot be read: it is like postgres://user:password@host:5432/database, \
         with special characters of the password percent-encoded"
    )]
    Url,
}

impl OpenError {
    pub(crate) fn new(error: &tokio_postgres::Error, settings: &Settings) -> Self {
        let why = tell(error);
        let Some(code) = error.code() else {
            return match error.to_string() {
                text if text.contains("TLS") => Self::Tls(why),
                _ if is_read_only(error) => Self::ReadOnly(place(settings)),
                text if text.contains("configuration") || text.contains("authentication") => Self::Login(why),
                _ => Self::Unreachable { place: place(settings), why },
            };
        };
        if [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code) {
            return Self::Login(why);
        }
        match code {
            code if *code == SqlState::INVALID_CATALOG_NAME => Self::NoDatabase(why),
            code if *code == SqlState::INSUFFICIENT_PRIVILEGE => Self::Privilege(why),
            _ => Self::Database(why),
        }
    }

    pub(crate) fn timeout(settings: &Settings) -> Self {
        let why = format!("no answer within {:?}", settings.time_limit);
        Self::Unreachable { place: place(settings), why }
    }
}

fn place(settings: &Settings) -> String {
    let config = &settings.config;
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(nth, host)| {
        let port = ports.get(nth).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{} (port {port})", path.display()),
        }
    });
    hosts.collect::<Vec<_>>().join(", ")
}

/// What happened, without the detail and hint of the server, which may quote stored values.
pub(crate) fn tell(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} ({})", error.message(), error.code().code());
    }
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// What the driver says where no node takes writes.
pub(crate) fn is_read_only(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(|source| source.to_string().contains("does not allow writes"))
}

/// Whether the connection must not be used again, though it may be open: it is on a node that takes no writes, it was
/// ended, or nobody knows.
pub(crate) fn is_spent(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        None => true,
        Some(code) => {
            let code = code.code();
            code == "25006" || code.starts_with("08") || code.starts_with("57P")
        }
    }
}

pub(crate) fn store(error: &tokio_postgres::Error) -> EngineError {
    EngineError::new(format!("PostgreSQL: {}", tell(error)))
}

/// Whether the same may succeed at once on a new connection: this one was lost, or the transaction gave way to another.
pub(crate) fn is_passing(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        None => true,
        Some(code) => {
            let code = code.code();
            // Connection exceptions, rollbacks in favour of another transaction, and shutdowns of a session.
            code.starts_with("08") || code.starts_with("40") || code.starts_with("57P")
        }
    }
}
