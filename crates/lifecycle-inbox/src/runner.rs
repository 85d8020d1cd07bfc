//! Runner: how a worker runs the handler for one claimed delivery.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, Outcome, Refusal};

use crate::engine::LeaseToken;

/// Runs the handler for one claimed delivery. [`Worker::new`](crate::Worker::new) brings its own; an engine has another
/// that gives the handler its transaction.
///
/// The worker does all the rest: it renews the lease meanwhile, catches panics, drops the future when the lease is lost
/// or the time is over, and finishes the row unless that was done already.
#[async_trait]
pub trait Runner: Send + Sync + 'static {
    /// Runs the handler. An error is a failed attempt; a transaction must have been rolled back by then.
    async fn run(&self, token: LeaseToken, delivery: &Delivery) -> Result<RunOutcome, HandlerError>;
}

/// What became of a run. Closed on purpose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RunOutcome {
    /// The handler accepted. The row is still to be completed.
    Accepted,
    /// The handler accepted, and its effect is committed together with the completion.
    Committed,
    /// The token no longer held the row: nothing was committed.
    Lost,
    /// The handler was not called, for the reason given: there was no connection for it. This was no attempt; the row is
    /// given back, and claimed again.
    NotRun(String),
    /// The handler refused; nothing was committed.
    Refused(Refusal),
}

/// Runs a handler that knows nothing of the engine.
pub(crate) struct HandlerRunner(pub(crate) Arc<dyn LifecycleHandler>);

#[async_trait]
impl Runner for HandlerRunner {
    async fn run(&self, _token: LeaseToken, delivery: &Delivery) -> Result<RunOutcome, HandlerError> {
        match self.0.handle(delivery).await? {
            Outcome::Accept => Ok(RunOutcome::Accepted),
            Outcome::Refuse(refusal) => Ok(RunOutcome::Refused(refusal)),
        }
    }
}

impl fmt::Debug for HandlerRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerRunner").finish_non_exhaustive()
    }
}
