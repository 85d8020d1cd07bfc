//! Discarding: what is done with the rest of a body that was rejected.

use std::time::Duration;

use futures_util::stream::{Stream, StreamExt};
use tokio::task::consume_budget;
use tokio::time::timeout;

/// How long the rest of a rejected body is read.
const LINGER: Duration = Duration::from_secs(1);

/// Reads the rest of a rejected body for a second, in parallel with the answer, and keeps nothing.
///
/// A connection that is closed with unread bytes is reset, and the reset can overtake the answer: a sender that is still busy
/// sending would never learn why it was rejected. The connection still has to close afterwards; see
/// [`RequestBody`](lifecycle_core::RequestBody).
///
/// Do not call it for a sender that waits for `100 Continue`: to read would send it.
pub fn discard<T, E>(body: impl Stream<Item = Result<T, E>> + Send + 'static)
where
    T: Send,
    E: Send,
{
    tokio::spawn(timeout(LINGER, async move {
        let mut body = std::pin::pin!(body);
        while let Some(Ok(_)) = body.next().await {
            consume_budget().await; // a body that always has a chunk ready must not outrun the timeout
        }
    }));
}
