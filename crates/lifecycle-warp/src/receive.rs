//! Receive: pumps a request's head and body through core's receiver, under the budget.

use std::pin::pin;
use std::time::SystemTime;

use bytes::Buf;
use futures_util::stream::{Stream, StreamExt};
use lifecycle_core::{Delivery, Head, Intake, Receiver, Rejection};
use tokio::task::consume_budget;
use tokio::time::timeout;
use warp::http::header::EXPECT;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::{Filter, Rejection as Reject};

use crate::deadline::Deadline;

/// A request whose body is still to be read.
pub(crate) struct Request<B> {
    pub(crate) receiver: Receiver,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) deadline: Deadline,
    path: FullPath,
    body: Option<B>,
}

/// What comes of a request's body, piece by piece.
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
/// The header map is cloned since warp shows a filter one header line at a time or all of them as a clone, and two
/// lines that contradict each other must be seen. The body comes as a stream since warp's other body filters read
/// without a limit or refuse a chunked body.
pub(crate) fn request(
    receiver: Receiver,
) -> impl Filter<Extract = (Request<impl Body>,), Error = Reject> + Clone {
    warp::method().and(warp::path::full()).and(warp::header::headers_cloned()).and(warp::body::stream()).map(
        move |method, path, headers, body| Request {
            receiver: receiver.clone(),
            method,
            headers,
            deadline: Deadline::after(receiver.time_budget()),
            path,
            body: Some(body),
        },
    )
}

impl<B: Body> Request<B> {
    /// Reads and judges the callback.
    pub(crate) async fn receive(&mut self) -> Result<Delivery, Rejection> {
        let headers = header_lines(&self.headers);
        let head = Head { method: self.method.as_str(), path: self.path.as_str(), headers };
        let mut intake = match self.receiver.open(head) {
            Ok(intake) => intake,
            Err(rejection) => {
                self.discard();
                return Err(rejection);
            }
        };
        let read = match &mut self.body {
            Some(body) => self.deadline.bound(pin!(read(body, &mut intake))).await,
            None => Some(Ok(())),
        };
        if let Err(rejection) = read.unwrap_or(Err(Rejection::BodyTimeout)) {
            self.discard();
            return Err(rejection);
        }
        intake.finish(SystemTime::now())
    }

    /// Reads on while the budget lasts and keeps nothing. A connection that is closed with unread bytes is reset, and
    /// the reset can overtake the answer: a sender that is still busy sending would never learn why it was refused.
    fn discard(&mut self) {
        let left = self.deadline.left();
        // A sender that waits to be asked for the body is not asked.
        if left.is_zero() || self.headers.contains_key(EXPECT) {
            return;
        }
        let Some(mut rest) = self.body.take() else { return };
        tokio::spawn(timeout(left, async move {
            while let Some(Ok(_)) = rest.next().await {
                consume_budget().await;
            }
        }));
    }
}

async fn read(body: &mut impl Body, intake: &mut Intake) -> Result<(), Rejection> {
    while let Some(chunk) = body.next().await {
        // A body that always has a chunk ready, if only an empty one, must not keep the timer from its turn.
        consume_budget().await;
        let mut chunk = chunk.map_err(|_| Rejection::BodyUnreadable)?;
        intake.push(chunk.copy_to_bytes(chunk.remaining()))?;
    }
    Ok(())
}

/// The header lines as core and its platforms read them.
pub(crate) fn header_lines(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}
