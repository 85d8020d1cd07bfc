//! `TransactionRunner`: gives a handler the transaction that also completes its delivery.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use deadpool_postgres::{Object, Pool};
use lifecycle_core::{Change, Delivery, HandlerError, Outcome, Transition};
use lifecycle_inbox::{Engine, Ran, Runner, StoreError, Token};
use tokio::time::timeout;
use tokio_postgres::Transaction;

use crate::completion::{Completion, complete_in};
use crate::error::store;
use crate::postgres::{Postgres, no_client};

/// What an app does with a delivery inside a transaction of the inbox's database.
///
/// What it writes there is committed together with the completion of the delivery, so it takes effect exactly once: a
/// handler that was cut off by a crash, failed, or lost its delivery to another worker has written nothing.
#[async_trait]
pub trait TransactionHandler: Send + Sync + 'static {
    /// Handles a delivery. When it accepts, the transaction is committed by the caller; when it fails or refuses, rolled
    /// back. It runs at READ COMMITTED; leave its settings and its end alone. Other effects than those of this
    /// transaction happen at least once.
    async fn handle(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<Outcome, HandlerError>;
}

/// Runs a [`TransactionHandler`] for a [`Worker`](lifecycle_inbox::Worker).
///
/// Each handler holds a connection while it runs, of a pool of its own.
pub struct TransactionRunner {
    engine: Postgres,
    handler: Arc<dyn TransactionHandler>,
    pool: Pool,
}

impl TransactionRunner {
    /// A runner for as many handlers at a time as a worker runs by default: 16.
    pub fn new(engine: &Postgres, handler: impl TransactionHandler) -> Self {
        Self::with_connections(engine, handler, 16)
    }

    /// A runner for so many handlers at a time: give it as many as the worker's
    /// [`concurrency`](lifecycle_inbox::Worker::concurrency), or some attempts fail for want of one.
    pub fn with_connections(engine: &Postgres, handler: impl TransactionHandler, connections: usize) -> Self {
        let pool = engine.0.connector.for_handlers().pool(connections.max(1), engine.0.time_limit);
        Self { engine: engine.clone(), handler: Arc::new(handler), pool }
    }

    async fn run_in(
        &self,
        client: &mut Object,
        token: Token,
        delivery: &Delivery,
    ) -> Result<Ran, HandlerError> {
        let inner = &*self.engine.0;
        let statements = client.statement_cache.clone();
        let unavailable = |error: tokio_postgres::Error| HandlerError::unavailable(store(&error));
        let mut transaction = (***client).transaction().await.map_err(unavailable)?;
        let holds = statements.prepare(transaction.client(), &inner.sql.holds).await.map_err(unavailable)?;
        let held = transaction.query_opt(&holds, &[&token.id.0, &token.fence]).await.map_err(unavailable)?;
        if held.is_none() {
            return Ok(Ran::Lost);
        }
        match self.handler.handle(delivery, &mut transaction).await? {
            Outcome::Accept => {}
            Outcome::Refuse(refusal) => return Ok(Ran::Refused(refusal)),
        }
        let change = Change::from(delivery);
        let finish = async {
            // From here on the tenant is locked, so a process that stops here must not stop the tenant.
            let limit = inner.time_limit.as_millis().max(1);
            let limits = format!(
                "SET LOCAL idle_in_transaction_session_timeout = {limit}; SET LOCAL statement_timeout = {limit}"
            );
            transaction.batch_execute(&limits).await.map_err(|error| store(&error))?;
            let completion = Completion { token, now: self.engine.now(), change: &change };
            let transition = complete_in(&transaction, &statements, &inner.sql, completion).await?;
            if transition.is_some() {
                transaction.commit().await.map_err(|error| store(&error))?;
            }
            Ok(transition)
        };
        let transition = match timeout(inner.time_limit, finish).await {
            Ok(transition) => transition.map_err(|error: StoreError| HandlerError::unavailable(error))?,
            Err(_) => return Err(HandlerError::unavailable("PostgreSQL did not commit in time")),
        };
        if transition == Some(Transition::Applied) {
            inner.bell.installation_changed();
        }
        if transition.is_none() {
            return Ok(Ran::Lost);
        }
        inner.bell.ring();
        Ok(Ran::Committed)
    }
}

#[async_trait]
impl Runner for TransactionRunner {
    async fn run(&self, token: Token, delivery: &Delivery) -> Result<Ran, HandlerError> {
        let client = self.pool.get().await.map_err(|error| HandlerError::unavailable(no_client(&error)))?;
        let mut lent = Lent(Some(client));
        let Some(client) = &mut lent.0 else { return Ok(Ran::Lost) };
        let ran = self.run_in(client, token, delivery).await;
        // A roll-back must be over before another attempt may begin.
        let is_clean =
            matches!(timeout(self.engine.0.time_limit, client.batch_execute("")).await, Ok(Ok(())));
        if is_clean {
            lent.give_back();
        }
        ran
    }
}

/// A connection that goes back to its pool only when that is said; else it is closed, as its handler may have been
/// dropped in the middle of a statement.
struct Lent(Option<Object>);

impl Lent {
    fn give_back(&mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

impl fmt::Debug for TransactionRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionRunner").finish_non_exhaustive()
    }
}
