//! Receive: pumps a request's body through core's verifier, under the timeout.

use std::mem;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use bytes::Buf;
use futures_util::stream::{Stream, StreamExt};
use lifecycle_core::{
    Delivery, KeysUnavailable, RejectedRequest, Rejection, Unhandled, Verification, Verifier,
};
use tokio::task::consume_budget;
use tokio::time::timeout;
use warp::{Filter, Rejection as Reject};

use crate::head::{CheckedHead, checked};

/// How long the rest of a refused body is read.
const LINGER: Duration = Duration::from_secs(1);

/// A request whose body is still to be read.
pub(crate) struct Request<B> {
    pub(crate) verifier: Verifier,
    pub(crate) head: CheckedHead,
    body: Option<B>,
}

/// A request's body, piece by piece.
pub(crate) trait Body:
    Stream<Item = Result<Self::Chunk, warp::Error>> + Send + Unpin + 'static
{
    type Chunk: Buf + Send;
}

impl<C: Buf + Send, B: Stream<Item = Result<C, warp::Error>> + Send + Unpin + 'static> Body for B {
    type Chunk = C;
}

/// Takes any request. It rejects only when a filter before it has taken the body already.
///
/// The body comes as a stream since warp's other body filters read without a limit or refuse a chunked body.
pub(crate) fn request(
    verifier: Verifier,
) -> impl Filter<Extract = (Request<impl Body>,), Error = Reject> + Clone {
    checked(verifier.clone()).and(warp::body::stream()).map(move |head: CheckedHead, body| {
        let body = head.asks.then_some(body);
        Request { verifier: verifier.clone(), head, body }
    })
}

impl<B: Body> Request<B> {
    /// Reads and judges the callback. Once.
    pub(crate) async fn receive(&mut self) -> Result<Delivery, Unhandled> {
        let read = match (&mut self.head.verification, &mut self.body) {
            (Ok(verification), Some(body)) => self.head.deadline.bound(pin!(read(body, verification))).await,
            (Err(rejection), _) => Some(Err(rejection.clone())),
            (_, None) => Some(Err(Rejection::BodyUnreadable)), // received before
        };
        let rest = self.body.take();
        let verification = mem::replace(&mut self.head.verification, Err(Rejection::BodyUnreadable));
        match (read.unwrap_or(Err(Rejection::BodyTimeout)), verification) {
            (Ok(()), Ok(mut verification)) => {
                if let Some(keys) = verification.look_up() {
                    let found = self.head.deadline.bound(pin!(keys)).await;
                    verification.supply(found.unwrap_or(Err(KeysUnavailable)));
                }
                verification.finish(SystemTime::now())?.delivery()
            }
            (Ok(()), Err(rejection)) | (Err(rejection), _) => {
                if let Some(rest) = rest {
                    discard(rest);
                }
                Err(RejectedRequest { rejection, body: self.head.unread }.into())
            }
        }
    }
}

async fn read(body: &mut impl Body, verification: &mut Verification) -> Result<(), Rejection> {
    while let Some(chunk) = body.next().await {
        // A body that always has a chunk ready, if only an empty one, must not keep the timer from its turn.
        consume_budget().await;
        let mut chunk = chunk.map_err(|_| Rejection::BodyUnreadable)?;
        verification.push(chunk.copy_to_bytes(chunk.remaining()))?;
    }
    Ok(())
}

/// Reads on for a while beside the answer, and keeps nothing. A connection that is closed with unread bytes is reset, and
/// the reset can overtake the answer: a sender that is still busy sending would never learn why it was refused.
fn discard(mut rest: impl Body) {
    tokio::spawn(timeout(LINGER, async move {
        while let Some(Ok(_)) = rest.next().await {
            consume_budget().await;
        }
    }));
}
