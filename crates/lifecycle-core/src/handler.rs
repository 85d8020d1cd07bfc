//! `LifecycleHandler`: what an app does when its life changes, and what it may answer.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;

use crate::delivery::Delivery;
use crate::event::EventKind;
use crate::rejection::{Rejection, Undecodable};

/// The most bytes of a text of the app's that are logged and stored.
const MAX_TEXT: usize = 2_000;

/// What an app does when a marketplace tells it about its own life: one method per kind of event.
///
/// Every method accepts by default, so an app writes only those that it needs. The platform waits for the answer: on
/// Seismic an administrator's action is blocked when it takes longer than 3 s. Deliveries may come twice; see
/// [`Deduplicated`](crate::Deduplicated).
///
/// ```
/// use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, Outcome, async_trait};
///
/// struct Seats;
///
/// #[async_trait]
/// impl LifecycleHandler for Seats {
///     async fn install(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
///         if delivery.event().tenant() == "a-tenant-without-a-contract" {
///             return Ok(Outcome::refuse("no contract with this tenant"));
///         }
///         Ok(Outcome::Accept)
///     }
/// }
///
/// let _handler: std::sync::Arc<dyn LifecycleHandler> = std::sync::Arc::new(Seats);
/// assert_eq!(Outcome::refuse("full"), Outcome::refuse("full"));
/// ```
#[async_trait]
pub trait LifecycleHandler: Send + Sync + 'static {
    /// An administrator installs the app.
    async fn install(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        accept(delivery)
    }

    /// An administrator enables the app: from now on its features are active for the tenant.
    async fn enable(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        accept(delivery)
    }

    /// An administrator moves the tenant to a newer version.
    async fn upgrade(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        accept(delivery)
    }

    /// An administrator disables the app: its features are off for the tenant.
    async fn disable(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        accept(delivery)
    }

    /// An administrator removes the app from the tenant.
    async fn uninstall(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        accept(delivery)
    }

    /// A kind that this version does not know. Refusing it would block a new kind of action on an old app.
    async fn other(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        accept(delivery)
    }

    /// Any event: calls the method of its kind. Override it only to wrap another handler.
    // Not an `async fn`, which would put the method's future into one more box. To override it, write one all the same.
    fn handle<'h, 'd, 'f>(&'h self, delivery: &'d Delivery) -> Handling<'f>
    where
        'h: 'f,
        'd: 'f,
        Self: 'f,
    {
        match delivery.event().kind() {
            EventKind::Disable => self.disable(delivery),
            EventKind::Enable => self.enable(delivery),
            EventKind::Install => self.install(delivery),
            EventKind::Other(_) => self.other(delivery),
            EventKind::Uninstall => self.uninstall(delivery),
            EventKind::Upgrade => self.upgrade(delivery),
        }
    }
}

type Handling<'f> = Pin<Box<dyn Future<Output = Result<Outcome, HandlerError>> + Send + 'f>>;

#[async_trait]
impl<H: LifecycleHandler + ?Sized> LifecycleHandler for Arc<H> {
    async fn install(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        (**self).install(delivery).await
    }

    async fn enable(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        (**self).enable(delivery).await
    }

    async fn upgrade(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        (**self).upgrade(delivery).await
    }

    async fn disable(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        (**self).disable(delivery).await
    }

    async fn uninstall(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        (**self).uninstall(delivery).await
    }

    async fn other(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        (**self).other(delivery).await
    }

    fn handle<'h, 'd, 'f>(&'h self, delivery: &'d Delivery) -> Handling<'f>
    where
        'h: 'f,
        'd: 'f,
        Self: 'f,
    {
        (**self).handle(delivery)
    }
}

/// What the app answers to an event. There is no third answer: closed on purpose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Acknowledge, in the way that the platform takes as received.
    Accept,
    /// Refuse, which blocks the administrator's action on purpose where the platform waits for the answer. 403.
    Refuse(Refusal),
}

impl Outcome {
    /// Refuses with a reason, which is sent to the platform and logged; cut after 2000 bytes.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::Refuse(Refusal(cut(reason.into())))
    }
}

/// The reason for a refusal. The caller reads it, it is logged, and an inbox stores it: keep secrets and personal data out of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal(String);

impl Refusal {
    /// The reason as given.
    pub fn reason(&self) -> &str {
        &self.0
    }
}

/// A handler's failure: any error, by `?` or `.into()`. It is answered 500, without its text.
///
/// The text is logged, and an inbox stores it as the last error of its delivery: keep secrets and personal data out of it.
/// Both show what `Display` and `Debug` do, which leave out where databases and parsers are known to repeat values: of the
/// error and of each of its causes the first line, of an error of `serde_json` the place only, and 2000 bytes in all. What
/// your own errors say in their first lines is yours. Take care of those that quote what they could not read, and of tokio's
/// `JoinError`, which repeats the message of a panic.
///
/// ```
/// use lifecycle_core::HandlerError;
///
/// let body = r#"{"userEmail": "jordan.lee@example.com"}"#;
/// let error = serde_json::from_str::<Vec<u8>>(body).unwrap_err();
/// assert_eq!(HandlerError::from(error).to_string(), "not the expected JSON at line 1, column 0");
/// ```
///
/// It deliberately does not implement [`Error`], so that every error converts into it.
pub struct HandlerError {
    error: Box<dyn Error + Send + Sync>,
    unavailable: bool,
}

impl HandlerError {
    /// The handler cannot take the delivery now: answered 503 instead of 500. It has kept nothing of it, as far as it knows; a
    /// store whose word came too late may have.
    pub fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { error: error.into(), unavailable: true }
    }

    /// The error within, which says all that it has to say.
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// Whether it was made by [`unavailable`](Self::unavailable).
    pub fn is_unavailable(&self) -> bool {
        self.unavailable
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self { error: error.into(), unavailable: false }
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerError({:?})", self.to_string())
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error: &(dyn Error + 'static) = &*self.error;
        let mut text = told(error);
        let mut cause = error.source();
        while let Some(error) = cause.filter(|_| text.len() <= MAX_TEXT) {
            text.push_str(": ");
            text.push_str(&told(error));
            cause = error.source();
        }
        f.write_str(&cut(text))
    }
}

/// What an error says, without what it may repeat: databases put the values of a row into the lines after the first, and
/// a parser of JSON quotes what it did not expect.
fn told(error: &(dyn Error + 'static)) -> String {
    if let Some(json) = error.downcast_ref::<serde_json::Error>() {
        return Undecodable::at(json).to_string();
    }
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Runs the handler for a delivery. A panic is caught: the platform gets an answer, not a broken connection.
///
/// # Errors
/// [`Rejection::Refused`], [`Rejection::HandlerFailed`] or [`Rejection::Unavailable`]; the handler's error is logged here.
pub async fn run_handler(handler: &dyn LifecycleHandler, delivery: &Delivery) -> Result<(), Rejection> {
    match unless_it_panics(async { handler.handle(delivery).await }).await {
        Some(Ok(Outcome::Accept)) => Ok(()),
        Some(Ok(Outcome::Refuse(refusal))) => Err(Rejection::Refused(refusal)),
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

/// A text of the app's that is logged and stored, at a bearable length.
fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
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

#[expect(clippy::unnecessary_wraps, reason = "it is the whole body of six trait methods")]
fn accept(_delivery: &Delivery) -> Result<Outcome, HandlerError> {
    Ok(Outcome::Accept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Trust, seismic};
    use std::time::SystemTime;

    /// Panics before there is a future.
    struct Rash;

    #[async_trait]
    impl LifecycleHandler for Rash {
        fn handle<'h, 'd, 'f>(&'h self, _: &'d Delivery) -> Handling<'f>
        where
            'h: 'f,
            'd: 'f,
            Self: 'f,
        {
            panic!("on purpose")
        }
    }

    /// What a database says of a value that it has already.
    #[derive(Debug)]
    struct Taken;

    impl fmt::Display for Taken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("duplicate key\nDETAIL: Key (email)=(jordan.lee@example.com) already exists.")
        }
    }

    impl Error for Taken {}

    #[test]
    fn what_databases_and_parsers_repeat_of_a_value_is_not_shown() {
        let json = || serde_json::from_str::<u8>("\"jordan.lee@example.com\"").unwrap_err();
        let cases = [
            (HandlerError::from(Taken), "duplicate key"),
            (HandlerError::from(std::io::Error::other(Taken)), "duplicate key"),
            (HandlerError::unavailable(json()), "not the expected JSON at line 1, column 24"),
            (HandlerError::from("no seats left"), "no seats left"),
        ];
        for (error, text) in cases {
            assert_eq!(
                (error.to_string(), format!("{error:?}")),
                (text.to_owned(), format!("HandlerError({text:?})"))
            );
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let long = "ä".repeat(MAX_TEXT);
        let expected = format!("{}…", "ä".repeat(MAX_TEXT / 2));
        assert_eq!(HandlerError::from(long.as_str()).to_string(), expected);
        let Outcome::Refuse(refusal) = Outcome::refuse(long) else { panic!("a refusal") };
        assert_eq!(refusal.reason(), expected);
    }

    #[tokio::test]
    async fn a_panic_is_caught_wherever_in_a_handler() {
        let body = r#"{"type":"install","appId":"a","tenantId":"t"}"#;
        let delivery = Delivery::from_store_unverified(
            &seismic::PLATFORM,
            body,
            [],
            Trust::Unsigned,
            SystemTime::UNIX_EPOCH,
        )
        .unwrap();
        assert_eq!(run_handler(&Rash, &delivery).await, Err(Rejection::HandlerFailed));
    }
}
