//! Receive: pumps a request's head and body through core's receiver, under the budget.

use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes};
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use lifecycle_core::{Delivery, Head, Receiver, Rejection};
use tokio::task::consume_budget;
use tokio::time::{Instant, timeout_at};
use warp::http::header::EXPECT;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::{Filter, Rejection as Reject};

/// Stands for a budget that is longer than a clock can tell: a year.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A request whose body is still to be read.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    path: FullPath,
    body: BoxStream<'static, Result<Bytes, warp::Error>>,
    since: Instant,
}

/// Takes any request. It rejects only when a filter before it has taken the body already.
///
/// The header map is cloned since warp shows a filter one header line at a time or all of them as a clone, and two
/// lines that contradict each other must be seen. The body comes as a stream since warp's other body filters read
/// without a limit or refuse a chunked body.
pub(crate) fn request() -> impl Filter<Extract = (Request,), Error = Reject> + Clone {
    warp::method().and(warp::path::full()).and(warp::header::headers_cloned()).and(warp::body::stream()).map(
        |method, path, headers, body| Request {
            method,
            headers,
            path,
            body: chunks(body),
            since: Instant::now(),
        },
    )
}

fn chunks<B: Buf>(
    body: impl futures_util::Stream<Item = Result<B, warp::Error>> + Send + 'static,
) -> BoxStream<'static, Result<Bytes, warp::Error>> {
    body.map_ok(|mut chunk| chunk.copy_to_bytes(chunk.remaining())).boxed()
}

impl Request {
    /// Reads and judges the callback.
    pub(crate) async fn receive(&mut self, receiver: &Receiver) -> Result<Delivery, Rejection> {
        let outcome =
            timeout_at(self.end(receiver), self.read(receiver)).await.unwrap_or(Err(Rejection::BodyTimeout));
        if outcome.is_err() {
            self.discard(receiver);
        }
        outcome
    }

    /// The time since the head was received.
    pub(crate) fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// When the budget ends.
    pub(crate) fn end(&self, receiver: &Receiver) -> Instant {
        self.since.checked_add(receiver.time_budget()).unwrap_or(self.since + NEVER)
    }

    async fn read(&mut self, receiver: &Receiver) -> Result<Delivery, Rejection> {
        let headers = header_lines(&self.headers);
        let head = Head { method: self.method.as_str(), path: self.path.as_str(), headers };
        let mut intake = receiver.open(head)?;
        while let Some(chunk) = self.body.next().await {
            // A body that always has a chunk ready, if only an empty one, must not keep the timer from its turn.
            consume_budget().await;
            intake.push(chunk.map_err(|_| Rejection::BodyUnreadable)?)?;
        }
        intake.finish(SystemTime::now())
    }

    /// Reads on while the budget lasts and keeps nothing. A connection that is closed with unread bytes is reset, and
    /// the reset can overtake the answer: a sender that is still busy sending would never learn why it was refused.
    fn discard(&mut self, receiver: &Receiver) {
        let end = self.end(receiver);
        // A sender that waits to be asked for the body is not asked.
        if end <= Instant::now() || self.headers.contains_key(EXPECT) {
            return;
        }
        let mut rest = std::mem::replace(&mut self.body, futures_util::stream::empty().boxed());
        tokio::spawn(timeout_at(end, async move {
            while let Some(Ok(_)) = rest.next().await {
                consume_budget().await;
            }
        }));
    }
}

/// The header lines as core and its platforms read them.
pub(crate) fn header_lines(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}
