//! `Exchange`: one request on its way through a verifier and a handler.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt};
use lifecycle_core::{
    Delivery, EndpointHandler, Head, KeysUnavailable, RejectedRequest, Rejection, Reply, RequestBody,
    RequestOutcome, Unhandled, Verification, Verifier, run_handler,
};
use tokio::task::consume_budget;

use crate::deadline::Deadline;

/// One request on its way through a verifier, within the verifier's timeout.
///
/// [Begin](Self::begin) it with the head of the request and [receive](Self::receive) its body. Then either
/// [`handle`](Self::handle) the delivery, or hold what the app does with it to the timeout by [`bound`](Self::bound) or
/// [`poll`](Self::poll). At the end, [`record`](Self::record) once how it ended.
pub struct Exchange {
    verifier: Verifier,
    deadline: Deadline,
    verification: Result<Verification, Rejection>,
    body: RequestBody,
}

impl Exchange {
    /// Validates the head of a request. The timeout counts from here. `body` is what an answer has to say while the body has
    /// not been read to its end, as a rule [`RequestBody::announced`]; from HTTP/2 on it is [`RequestBody::Read`].
    pub fn begin<'h>(
        verifier: &Verifier,
        head: Head<'h, impl Iterator<Item = (&'h str, &'h [u8])>>,
        body: RequestBody,
    ) -> Self {
        Self {
            deadline: Deadline::after(verifier.timeout()),
            verification: verifier.begin(head).map_err(Rejection::from),
            verifier: verifier.clone(),
            body,
        }
    }

    /// Why the request is rejected by its head alone, if it is. Then nobody needs its body.
    pub fn rejection(&self) -> Option<&Rejection> {
        self.verification.as_ref().err()
    }

    /// The adapter has read the body of a rejected request to its end, so the connection need not close.
    pub fn body_was_read(&mut self) {
        self.body = RequestBody::Read;
    }

    /// Reads the body, finds the keys, and verifies. Once: a second call gives [`Rejection::BodyUnreadable`].
    ///
    /// An error of the framework is to be mapped to [`Rejection::BodyUnreadable`], or to [`Rejection::BodyTooLarge`] where a
    /// limit that the app has set was passed.
    ///
    /// # Errors
    /// [`Unhandled`]: a handshake; every [`Rejection`] of [`Verifier::begin`], [`Verification::push`] and
    /// [`Verification::finish`], that of the body, [`Ack::late_body`](lifecycle_core::Ack::late_body) and
    /// [`KeysUnavailable`](Rejection::KeysUnavailable).
    pub async fn receive(
        &mut self,
        body: impl Stream<Item = Result<Bytes, Rejection>>,
    ) -> Result<Delivery, Unhandled> {
        let unread = |rejection| RejectedRequest { rejection, body: self.body };
        let verification = mem::replace(&mut self.verification, Err(Rejection::BodyUnreadable));
        let mut verification = verification.map_err(unread)?;
        let read = self.deadline.bound(read(body, &mut verification)).await;
        read.unwrap_or_else(|| Err(self.verifier.platform().ack().late_body())).map_err(unread)?;
        if let Some(keys) = verification.look_up() {
            verification.supply(self.deadline.bound(keys).await.unwrap_or(Err(KeysUnavailable)));
        }
        verification.finish(SystemTime::now())?.delivery()
    }

    /// Asks the handler about what was received, within the rest of the time. A handler that takes longer is dropped.
    ///
    /// # Errors
    /// That of `received`; as [`run_handler`]; [`Rejection::DeadlineExceeded`].
    pub async fn handle(
        &mut self,
        received: Result<Delivery, Unhandled>,
        handler: &dyn EndpointHandler,
    ) -> Result<Delivery, Unhandled> {
        let delivery = received?;
        let within = self.deadline.left();
        let result = self.deadline.bound(run_handler(handler, &delivery, within)).await;
        match result.unwrap_or(Err(Rejection::DeadlineExceeded)) {
            Ok(()) => Ok(delivery),
            Err(rejection) => Err(RejectedRequest::after_body(rejection).into()),
        }
    }

    /// The output of what the app does with the delivery, or `None` when the time is over first: then the answer is
    /// [`Rejection::DeadlineExceeded`].
    pub async fn bound<F: Future>(&mut self, future: F) -> Option<F::Output> {
        self.deadline.bound(future).await
    }

    /// [`bound`](Self::bound) for a future that is polled by hand.
    pub fn poll<F: Future + ?Sized>(
        &mut self,
        future: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<F::Output>> {
        self.deadline.poll(future, cx)
    }

    /// For an extractor: reads something of the delivery, and records. What the route answers is not seen.
    ///
    /// # Errors
    /// That of `received` or of `read`.
    pub fn extract<T>(
        &self,
        received: Result<Delivery, Unhandled>,
        read: impl FnOnce(&Delivery) -> Result<T, RejectedRequest>,
    ) -> Result<(T, Delivery), Unhandled> {
        let extracted = received.and_then(|delivery| Ok((read(&delivery)?, delivery)));
        self.record(match &extracted {
            Ok((_, delivery)) => RequestOutcome::Answered(delivery, None),
            Err(unhandled) => unhandled.outcome(),
        });
        extracted
    }

    /// The answer to what was received or handled, which it [records](Self::record).
    pub fn answer(&self, result: Result<&Delivery, &Unhandled>) -> Reply {
        let outcome = RequestOutcome::of(result);
        self.record(outcome);
        outcome.reply()
    }

    /// Emits the log event and the metrics of the request, as [`Verifier::record`] does. Once.
    pub fn record(&self, outcome: RequestOutcome<'_>) {
        self.verifier.record(outcome, self.deadline.elapsed(), SystemTime::now());
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

async fn read(
    body: impl Stream<Item = Result<Bytes, Rejection>>,
    verification: &mut Verification,
) -> Result<(), Rejection> {
    let mut body = pin!(body);
    while let Some(chunk) = body.next().await {
        consume_budget().await; // a body that always has a chunk ready, if only an empty one, must not outrun the timeout
        verification.push(chunk?)?;
    }
    Ok(())
}
