//! `Runner`: how the inbox asks a handler, and how a worker runs it.

use std::fmt;

use async_trait::async_trait;
use lifecycle_core::{Decision, Delivery, HandlerError, LifecycleHandler};

use crate::engine::LeaseToken;

/// Both phases of a handler. [`Store::open`](crate::Store::open) brings its own; an engine has another that gives the handler
/// its transaction, for [`Store::open_with`](crate::Store::open_with).
///
/// Inbox and worker do all the rest. The worker renews the lease while the handler runs, catches panics, drops the future
/// when the lease is lost or the time is over, and finishes the delivery unless that was done already.
#[async_trait]
pub trait Runner: Send + Sync + 'static {
    /// Asks the handler to decide, while the platform waits; see [`LifecycleHandler::decide`]. It may be another process than
    /// the one whose worker calls [`run`](Self::run).
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError>;

    /// Runs the event's method. An error is a failed attempt; a transaction must have been rolled back by then.
    async fn run(&self, token: LeaseToken, delivery: &Delivery) -> Result<RunOutcome, HandlerError>;
}

/// What became of a run that did not fail. Closed on purpose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RunOutcome {
    /// The effect is committed together with the completion.
    Committed,
    /// The handler is done. The delivery is still to be completed.
    Handled,
    /// The token no longer held the delivery: nothing was committed.
    LeaseLost,
    /// The handler was not called, for the reason given: there was no connection for it. This was no attempt; the delivery is
    /// given back, and claimed again.
    NotRun(String),
}

/// Runs a handler that knows nothing of the engine.
pub(crate) struct HandlerRunner<H>(pub(crate) H);

#[async_trait]
impl<H: LifecycleHandler> Runner for HandlerRunner<H> {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        self.0.decide(delivery).await
    }

    async fn run(&self, _token: LeaseToken, delivery: &Delivery) -> Result<RunOutcome, HandlerError> {
        self.0.event(delivery).await.map(|()| RunOutcome::Handled)
    }
}

impl<H> fmt::Debug for HandlerRunner<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerRunner").finish_non_exhaustive()
    }
}
