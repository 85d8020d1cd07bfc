//! `PostgresRunner`: gives a handler the transaction that also completes its delivery.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{Object, Pool};
use lifecycle_core::{Change, Decision, Delivery, HandlerError};
use lifecycle_inbox::{Engine, LeaseToken, RunOutcome, Runner};
use tokio::time::timeout;
use tokio_postgres::SimpleQueryMessage;

use crate::batcher::NOT_IN_TIME;
use crate::ending::{Completion, Ending, Failure};
use crate::engine::{PostgresEngine, READ_ONLY, no_client};
use crate::error::store;
use crate::handler::TransactionalHandler;
use crate::session::take;

/// Runs a [`TransactionalHandler`] in the transaction that completes the delivery; made by [`PostgresEngine::runner`], for
/// [`Store::open_with`](lifecycle_inbox::Store::open_with).
///
/// Each handler holds a connection while it runs, of a pool of their own.
pub struct PostgresRunner {
    engine: PostgresEngine,
    handler: Arc<dyn TransactionalHandler>,
    pool: Pool,
}

impl PostgresRunner {
    pub(crate) fn new(engine: &PostgresEngine, handler: Arc<dyn TransactionalHandler>) -> Self {
        Self { engine: engine.clone(), handler, pool: engine.handler_pool(32) }
    }

    /// For so many handlers at a time; 32 by default, as many as a worker runs by default when half of them are slow. Give it
    /// twice the worker's [`concurrency`](lifecycle_inbox::Worker::concurrency), or some deliveries may wait for a connection.
    #[must_use]
    pub fn connections(mut self, handlers: usize) -> Self {
        self.pool = self.engine.handler_pool(handlers.max(1));
        self
    }

    async fn run_in(
        &self,
        client: &mut Object,
        token: LeaseToken,
        delivery: &Delivery,
    ) -> Result<RunOutcome, HandlerError> {
        let inner = &*self.engine.0;
        let statements = client.statement_cache.clone();
        // The mark goes with the transaction, so that it tells whether the handler has ended it.
        let mark = format!("{}:{}", token.id, token.fence);
        let begun = async {
            let transaction = (***client).transaction().await?;
            let holds = statements.prepare(transaction.client(), &inner.sql.holds).await?;
            let held = transaction.query_opt(&holds, &[&token.id.0, &token.fence, &mark]).await?;
            let is_writable = held.map(|row| row.try_get::<_, bool>(0)).transpose()?;
            Ok::<_, tokio_postgres::Error>((transaction, is_writable))
        };
        let mut transaction = match timeout(inner.time_limit, begun).await {
            Ok(Ok((transaction, Some(true)))) => transaction,
            Ok(Ok((_, Some(false)))) => return Ok(RunOutcome::NotRun(READ_ONLY.to_owned())),
            Ok(Ok((_, None))) => return Ok(RunOutcome::LeaseLost),
            Ok(Err(error)) => return Ok(RunOutcome::NotRun(store(&error).to_string())),
            Err(_) => return Ok(RunOutcome::NotRun(NOT_IN_TIME.to_owned())),
        };
        self.handler.event(delivery, &mut transaction).await?;
        let is_same = async {
            let is_same = statements.prepare(transaction.client(), &inner.sql.is_same).await?;
            transaction.query_one(&is_same, &[&mark]).await?.try_get::<_, bool>(0)
        };
        match timeout(inner.time_limit, is_same).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Err("the handler ended the transaction that was lent to it".into()),
            Ok(Err(error)) => return Err(HandlerError::unavailable(store(&error))),
            Err(_) => return Err(HandlerError::unavailable(NOT_IN_TIME)),
        }
        let end = Completion::done(token, self.engine.now(), Change::new(delivery, token.id.0));
        let finish = async {
            // From here on the tenant is locked, so a process that stops here must not stop the tenant.
            let limit = inner.time_limit.as_millis().max(1);
            let limits = format!(
                "SET LOCAL idle_in_transaction_session_timeout = {limit}; SET LOCAL statement_timeout = {limit}"
            );
            transaction.batch_execute(&limits).await?;
            let ending = Ending::prepare(transaction.client(), &statements, &inner.sql).await?;
            let ended = ending.finish(&[&end]).await?;
            if !ended.held.is_empty() {
                ending.put(&ended).await?;
                transaction.commit().await?;
            }
            Ok(ended)
        };
        let ended = match timeout(inner.time_limit, finish).await {
            Ok(ended) => ended.map_err(|error: Failure| HandlerError::unavailable(error.into_error()))?,
            Err(_) => return Err(HandlerError::unavailable("PostgreSQL did not commit in time")),
        };
        if ended.held.is_empty() {
            return Ok(RunOutcome::LeaseLost);
        }
        ended.tell(&inner.notifier);
        Ok(RunOutcome::Committed)
    }
}

#[async_trait]
impl Runner for PostgresRunner {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        self.handler.decide(delivery).await
    }

    async fn run(&self, token: LeaseToken, delivery: &Delivery) -> Result<RunOutcome, HandlerError> {
        let client = match take(&self.pool, self.engine.0.time_limit).await {
            Ok(client) => client,
            Err(error) => return Ok(RunOutcome::NotRun(no_client(&error).to_string())),
        };
        let mut lent = Lent(Some(client));
        let Some(client) = &mut lent.0 else { return Ok(RunOutcome::LeaseLost) };
        let ran = self.run_in(client, token, delivery).await;
        // A roll-back must be over before another attempt may begin.
        match timeout(self.engine.0.time_limit, is_writable(client)).await {
            Ok(Ok(true)) => lent.give_back(),
            Ok(_) => {}
            Err(_) => self.engine.0.connector.close_unused(Duration::ZERO), // the host may answer nobody
        }
        ran
    }
}

/// Whether the connection is of use to another handler. It is no statement that has to be prepared.
async fn is_writable(client: &Object) -> Result<bool, tokio_postgres::Error> {
    let answer = client.simple_query("SHOW transaction_read_only").await?;
    Ok(answer.iter().any(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0) == Some("off"),
        _ => false,
    }))
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

impl fmt::Debug for PostgresRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresRunner").finish_non_exhaustive()
    }
}
