//! `TransactionalHandler`: what an app does in the transaction that completes a delivery.

use std::fmt;
use std::ops::Deref;

use async_trait::async_trait;
use lifecycle_core::{Decision, Delivery, EventKind, HandlerError};
use rusqlite::Connection;

/// A handler whose effect is rows in the engine's own file: effect and completion are committed together, so each
/// delivery has its effect exactly once, whatever crashes when.
///
/// It has the two phases of a [`LifecycleHandler`](lifecycle_core::LifecycleHandler): [`decide`](Self::decide), which has no
/// transaction, and one method for each kind of event. An error or a panic undoes what was written.
///
/// The method runs on the one thread that writes, and callbacks wait for that thread: only read and write the database here. What
/// takes longer (a call to another service, a mail) belongs into an ordinary handler; or write here what is to be sent,
/// and let a task of your own send it. A transaction may have to be repeated, and then the handler runs again.
///
/// ```
/// use lifecycle_core::{Delivery, HandlerError};
/// use lifecycle_inbox::Store;
/// use lifecycle_inbox_sqlite::{SqliteEngine, Transaction, TransactionalHandler, rusqlite};
///
/// struct Seats;
///
/// impl TransactionalHandler for Seats {
///     fn install(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
///         let tenant = delivery.event().tenant();
///         transaction.execute("INSERT INTO seats (tenant, free) VALUES (?1, 10)", [tenant])?;
///         Ok(())
///     }
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.db");
/// # let body = r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r"}"#;
/// # let delivery = lifecycle_testing::delivery(&lifecycle_core::seismic::PLATFORM, body);
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let engine = SqliteEngine::open(&path)?;
/// let app = rusqlite::Connection::open(&path)?; // the app's own tables live in the same file
/// app.execute("CREATE TABLE seats (tenant TEXT NOT NULL, free INTEGER NOT NULL)", [])?;
///
/// let store = Store::new(engine.clone());
/// let (inbox, worker) = store.open_with(engine.runner(Seats));
/// # lifecycle_core::run_handler(&inbox, &delivery, std::time::Duration::from_secs(2)).await?;
/// worker.run_until_idle().await?; // in a test; else `worker.run(shutdown)`
///
/// let free: i64 = app.query_row("SELECT free FROM seats WHERE tenant = 't'", [], |row| row.get(0))?;
/// assert_eq!(free, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[async_trait]
pub trait TransactionalHandler: Send + Sync + 'static {
    /// Whether the event is taken; it is, by default. It runs while the platform waits, before anything is written, perhaps in
    /// another process than the worker, and has no effects; see
    /// [`LifecycleHandler::decide`](lifecycle_core::LifecycleHandler::decide).
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        let _ = delivery;
        Ok(Decision::Accept)
    }

    /// An administrator installs the app.
    fn install(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// An administrator enables the app.
    fn enable(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// An administrator moves the tenant to a newer version.
    fn upgrade(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// An administrator disables the app.
    fn disable(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// An administrator removes the app from the tenant.
    fn uninstall(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// A kind that this version does not know.
    fn other(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// Any event that was accepted: calls the method of its kind. Override it to treat all kinds alike.
    fn event(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
        match delivery.event().kind() {
            EventKind::Disable => self.disable(delivery, transaction),
            EventKind::Enable => self.enable(delivery, transaction),
            EventKind::Install => self.install(delivery, transaction),
            EventKind::Uninstall => self.uninstall(delivery, transaction),
            EventKind::Upgrade => self.upgrade(delivery, transaction),
            _ => self.other(delivery, transaction),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what the defaults of the trait return")]
fn nothing_to_do(_delivery: &Delivery, _transaction: &Transaction<'_>) -> Result<(), HandlerError> {
    Ok(())
}

/// A transaction that the engine has begun, and will commit together with the completion.
///
/// ```
/// use lifecycle_core::seismic;
/// use lifecycle_inbox_sqlite::{Transaction, TransactionalHandler, rusqlite};
/// # use lifecycle_core::{Delivery, HandlerError};
/// # struct Seats;
/// # impl TransactionalHandler for Seats {
/// #     fn install(&self, delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
/// #         let tenant = delivery.event().tenant();
/// #         transaction.execute("INSERT INTO seats (tenant, free) VALUES (?1, 10)", [tenant])?;
/// #         Ok(())
/// #     }
/// # }
///
/// // A handler's test needs no inbox: only its tables and a delivery.
/// let app = rusqlite::Connection::open_in_memory()?;
/// app.execute("CREATE TABLE seats (tenant TEXT NOT NULL, free INTEGER NOT NULL)", [])?;
/// let body = r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r"}"#;
/// let install = lifecycle_testing::delivery(&seismic::PLATFORM, body);
///
/// assert!(Seats.install(&install, &Transaction::for_tests(&app)).is_ok());
///
/// let free: i64 = app.query_row("SELECT free FROM seats WHERE tenant = 't'", [], |row| row.get(0))?;
/// assert_eq!(free, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is a `rusqlite::Connection` to prepare and execute statements on, of the version that this crate re-exports as
/// [`rusqlite`](crate::rusqlite): 0.32 to 0.43, whichever the other crates of the app allow. Use savepoints inside it if
/// need be; never `BEGIN`, `COMMIT` or `ROLLBACK`, which end it too early: the attempt has failed then.
pub struct Transaction<'t>(pub(crate) &'t Connection);

impl<'t> Transaction<'t> {
    /// For tests of a handler: this connection, or a transaction that the test has begun on it, in place of the engine's.
    /// Nothing is committed or undone by it.
    pub fn for_tests(connection: &'t Connection) -> Self {
        Self(connection)
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}
