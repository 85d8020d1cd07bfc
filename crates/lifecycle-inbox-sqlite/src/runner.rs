//! `SqliteRunner`: runs a handler inside the transaction that completes the delivery.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lifecycle_core::{Change, Decision, Delivery, HandlerError};
use lifecycle_inbox::{Engine, LeaseToken, RunOutcome, Runner};

use crate::deliveries;
use crate::engine::SqliteEngine;
use crate::handler::{Transaction, TransactionalHandler};
use crate::job::{JobResult, Notifications};

/// Runs a [`TransactionalHandler`] in the transaction that completes the delivery; made by
/// [`SqliteEngine::runner`], for [`Store::open_with`](lifecycle_inbox::Store::open_with).
#[derive(Clone)]
pub struct SqliteRunner {
    engine: SqliteEngine,
    handler: Arc<dyn TransactionalHandler>,
}

impl SqliteRunner {
    pub(crate) fn new(engine: SqliteEngine, handler: impl TransactionalHandler) -> Self {
        Self { engine, handler: Arc::new(handler) }
    }
}

#[async_trait]
impl Runner for SqliteRunner {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        self.handler.decide(delivery).await
    }

    async fn run(&self, token: LeaseToken, delivery: &Delivery) -> Result<RunOutcome, HandlerError> {
        let (handler, delivery, now) = (self.handler.clone(), delivery.clone(), self.engine.now());
        let change = Change::new(&delivery, token.id.0);
        let asked = self.engine.begin(move |connection| {
            if !deliveries::is_held(connection, token)? {
                return Ok(JobResult::keep(Ok(RunOutcome::LeaseLost), Notifications::NONE));
            }
            let ran = handler.event(&delivery, &Transaction(connection));
            if connection.is_autocommit() {
                // It has ended the transaction. Nothing more may be written outside of one; the writer tells.
                return Ok(JobResult::undo(Ok(RunOutcome::LeaseLost)));
            }
            match ran {
                Ok(()) => {
                    let completed = deliveries::complete(connection, token, now, &change)?;
                    Ok(completed
                        .map(|held| Ok(if held { RunOutcome::Committed } else { RunOutcome::LeaseLost })))
                }
                Err(error) => Ok(JobResult::undo(Err(error))),
            }
        });
        match asked {
            Ok(answer) => answer.wait().await?,
            Err(error) => Ok(RunOutcome::NotRun(error.to_string())),
        }
    }
}

impl fmt::Debug for SqliteRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteRunner").finish_non_exhaustive()
    }
}
