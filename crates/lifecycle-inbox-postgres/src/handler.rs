//! `TransactionalHandler`: what an app does in the transaction that completes a delivery.

use async_trait::async_trait;
use lifecycle_core::{Decision, Delivery, EventKind, HandlerError};
use tokio_postgres::Transaction;

/// A handler whose effect is rows in the inbox's own database: effect and completion are committed together, so each
/// delivery has its effect exactly once, whatever crashes when.
///
/// It has the two phases of a [`LifecycleHandler`](lifecycle_core::LifecycleHandler): [`decide`](Self::decide), which has no
/// transaction, and one method for each kind of event. An error or a panic undoes what was written; so does the loss of the delivery to another worker. What is done outside of the database still happens at least once.
///
/// The transaction is the driver's own, at READ COMMITTED, on a session of the user in the URL. Use savepoints inside it
/// if need be; never `COMMIT` or `ROLLBACK`, which end it too early: the attempt has failed then.
///
/// ```
/// use lifecycle_core::{Delivery, HandlerError, async_trait};
/// use lifecycle_inbox::Store;
/// use lifecycle_inbox_postgres::tokio_postgres::Transaction;
/// use lifecycle_inbox_postgres::{PostgresEngine, TransactionalHandler};
///
/// struct Seats;
///
/// #[async_trait]
/// impl TransactionalHandler for Seats {
///     async fn install(&self, delivery: &Delivery, transaction: &mut Transaction<'_>) -> Result<(), HandlerError> {
///         let tenant = delivery.event().tenant();
///         transaction.execute("INSERT INTO seats (tenant, free) VALUES ($1, 10)", &[&tenant]).await?;
///         Ok(())
///     }
/// }
///
/// # use lifecycle_inbox_postgres::{Settings, tokio_postgres};
/// # let body = r#"{"type":"install","appId":"a","tenantId":"t","requestId":"r"}"#;
/// # let delivery = lifecycle_testing::delivery(&lifecycle_core::seismic::PLATFORM, body);
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
/// # let (mut app, connection) = tokio_postgres::connect(test_postgres::url(), tokio_postgres::NoTls).await?;
/// # tokio::spawn(connection);
/// # app.batch_execute("CREATE TABLE seats (tenant text NOT NULL, free bigint NOT NULL)").await?;
/// # let settings = Settings::new(test_postgres::url())?.schema(&format!("seats_{}", std::process::id()))?;
/// # let engine = PostgresEngine::open_with(settings).await?;
/// let store = Store::new(engine.clone());
/// let (inbox, worker) = store.open_with(engine.runner(Seats));
/// # lifecycle_core::run_handler(&inbox, &delivery, std::time::Duration::from_secs(2)).await?;
/// worker.run_until_idle().await?; // in a test; else `worker.run(shutdown)`
///
/// let row = app.query_one("SELECT free FROM seats WHERE tenant = 't'", &[]).await?;
/// assert_eq!(row.get::<_, i64>(0), 10);
///
/// // Or without an inbox: a test lends the handler a transaction of its own, and rolls it back.
/// let mut transaction = app.transaction().await?;
/// assert!(Seats.install(&delivery, &mut transaction).await.is_ok());
/// let row = transaction.query_one("SELECT count(*) FROM seats", &[]).await?;
/// assert_eq!(row.get::<_, i64>(0), 2);
/// transaction.rollback().await?;
/// # app.batch_execute("DROP TABLE seats").await?;
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
    async fn install(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// An administrator enables the app.
    async fn enable(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// An administrator moves the tenant to a newer version.
    async fn upgrade(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// An administrator disables the app.
    async fn disable(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// An administrator removes the app from the tenant.
    async fn uninstall(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// A kind that this version does not know.
    async fn other(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        nothing_to_do(delivery, transaction)
    }

    /// Any event that was accepted: calls the method of its kind. Override it to treat all kinds alike.
    async fn event(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        match delivery.event().kind() {
            EventKind::Disable => self.disable(delivery, transaction).await,
            EventKind::Enable => self.enable(delivery, transaction).await,
            EventKind::Install => self.install(delivery, transaction).await,
            EventKind::Uninstall => self.uninstall(delivery, transaction).await,
            EventKind::Upgrade => self.upgrade(delivery, transaction).await,
            _ => self.other(delivery, transaction).await,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what the defaults of the trait return")]
fn nothing_to_do(_delivery: &Delivery, _transaction: &Transaction<'_>) -> Result<(), HandlerError> {
    Ok(())
}
