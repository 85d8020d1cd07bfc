//! `EndpointHandler`: what an endpoint asks about a delivery, once.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;

use crate::decision::Decision;
use crate::delivery::Delivery;
use crate::handler::LifecycleHandler;
use crate::handler_error::HandlerError;
use crate::rejection::Rejection;

/// What an adapter's endpoint asks about a delivery, once. Every [`LifecycleHandler`] is one; so is
/// [`Deduplicated`](crate::Deduplicated), and so is the inbox of `lifecycle-inbox`. That is not a `LifecycleHandler`: if it were, a
/// worker could run it, and would lose what it works on.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot answer at an endpoint",
    note = "implement `LifecycleHandler` for it, or give the endpoint an inbox"
)]
#[async_trait]
pub trait EndpointHandler: Send + Sync + 'static {
    /// Decides about the delivery, and does what has to be done before the platform gets its acknowledgement.
    ///
    /// `within` is what is left of the time in which the platform has to be answered. When it is over, the endpoint drops
    /// this future: the handler has to make sure itself of what must be finished or not begun.
    async fn answer(&self, delivery: &Delivery, within: Duration) -> Result<Decision, HandlerError>;
}

/// Decides, and runs the event's method unless the event is refused.
#[async_trait]
impl<H: LifecycleHandler> EndpointHandler for H {
    async fn answer(&self, delivery: &Delivery, _within: Duration) -> Result<Decision, HandlerError> {
        let decision = self.decide(delivery).await?.applied_to(delivery);
        if decision == Decision::Accept {
            self.event(delivery).await?;
        }
        Ok(decision)
    }
}

#[async_trait]
impl EndpointHandler for Arc<dyn EndpointHandler> {
    async fn answer(&self, delivery: &Delivery, within: Duration) -> Result<Decision, HandlerError> {
        (**self).answer(delivery, within).await
    }
}

/// Asks the handler about a delivery; `within` is what is left of the time to answer. A panic is caught: the platform gets
/// an answer, not a broken connection. That the time is kept is left to the caller, who has a timer.
///
/// # Errors
/// [`Rejection::Refused`], [`Rejection::HandlerFailed`] or [`Rejection::Unavailable`]; the handler's error is logged here.
pub async fn run_handler(
    handler: &dyn EndpointHandler,
    delivery: &Delivery,
    within: Duration,
) -> Result<(), Rejection> {
    match unless_it_panics(async { handler.answer(delivery, within).await }).await {
        Some(Ok(Decision::Accept)) => Ok(()),
        Some(Ok(Decision::Refuse(reason))) => Err(Rejection::Refused(reason)),
        Some(Err(error)) => {
            let rejection =
                if error.is_unavailable() { Rejection::Unavailable } else { Rejection::HandlerFailed };
            tracing::error!(
                target: "lifecycle::handler",
                platform = delivery.platform().name(),
                kind = delivery.event().kind().name(),
                key = %delivery.idempotency_key(),
                code = rejection.code(),
                error = %error,
                "handler failed"
            );
            Err(rejection)
        }
        None => {
            tracing::error!(
                target: "lifecycle::handler",
                platform = delivery.platform().name(),
                kind = delivery.event().kind().name(),
                key = %delivery.idempotency_key(),
                code = Rejection::HandlerFailed.code(),
                "handler panicked"
            );
            Err(Rejection::HandlerFailed)
        }
    }
}

/// The future's output, or `None` when it panics. The panic hook has printed the message then; the payload may hold
/// anything and is dropped.
async fn unless_it_panics<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Some),
        Err(_panic) => Poll::Ready(None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{seismic, testing};
    use std::sync::Mutex;

    const WITHIN: Duration = Duration::from_secs(1);

    /// Refuses the tenant `refused`, fails for the tenant `failing`, and notes in which order it is called.
    #[derive(Default)]
    struct Strict(Mutex<Vec<&'static str>>);

    #[async_trait]
    impl LifecycleHandler for Strict {
        async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
            self.0.lock().unwrap().push("decide");
            match delivery.event().tenant() {
                "refused" => Ok(Decision::refuse("no contract")),
                "failing" => Err(HandlerError::unavailable("no answer")),
                _ => Ok(Decision::Accept),
            }
        }

        async fn install(&self, _: &Delivery) -> Result<(), HandlerError> {
            self.0.lock().unwrap().push("install");
            Ok(())
        }
    }

    /// Panics before there is a future.
    struct Rash;

    impl EndpointHandler for Rash {
        fn answer<'s, 'd, 'f>(
            &'s self,
            _delivery: &'d Delivery,
            _within: Duration,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<Decision, HandlerError>> + Send + 'f>>
        where
            's: 'f,
            'd: 'f,
        {
            panic!("on purpose")
        }
    }

    fn delivery(tenant: &str) -> Delivery {
        let body = format!(r#"{{"type":"install","appId":"a","tenantId":"{tenant}"}}"#);
        testing::delivery(&seismic::PLATFORM, &body).unwrap()
    }

    #[tokio::test]
    async fn what_is_not_accepted_does_not_run() {
        let Decision::Refuse(reason) = Decision::refuse("no contract") else { panic!("a refusal") };
        for (tenant, answer, calls) in [
            ("t", Ok(()), &["decide", "install"][..]),
            ("refused", Err(Rejection::Refused(reason)), &["decide"]),
            ("failing", Err(Rejection::Unavailable), &["decide"]),
        ] {
            let handler = Arc::new(Strict::default());
            let shared: Arc<dyn EndpointHandler> = Arc::new(handler.clone());
            assert_eq!(run_handler(&shared, &delivery(tenant), WITHIN).await, answer);
            assert_eq!(*handler.0.lock().unwrap(), calls, "{tenant}");
        }
    }

    #[tokio::test]
    async fn a_panic_is_caught_wherever_in_a_handler() {
        assert_eq!(run_handler(&Rash, &delivery("t"), WITHIN).await, Err(Rejection::HandlerFailed));
    }
}
