//! Body: reads the body of a route that takes no callbacks, as carefully as the adapters read those of callbacks.

use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use lifecycle_core::{Rejection, Reply, RequestBody};
use tokio::time::timeout;

/// The most bytes of a body.
const MAX: usize = 256 * 1024;

/// How long a body may take to come.
const TIME: Duration = Duration::from_millis(2500);

/// Reads a body that is not too large and does not take too long.
///
/// # Errors
/// The answer to give: 400 when it breaks off, 408 when it is late, 413 when it is too large. What is too large is read all the same
/// and dropped while there is time, or a client that still sends would not get its answer.
pub async fn read_body<B: Buf, E>(chunks: impl Stream<Item = Result<B, E>>) -> Result<Bytes, Reply> {
    let mut body = BytesMut::new();
    let mut too_large = false;
    let mut chunks = pin!(chunks);
    let reading = async {
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Rejection::BodyUnreadable)?;
            too_large |= body.len() + chunk.remaining() > MAX;
            if !too_large {
                body.put(chunk);
            }
        }
        Ok(())
    };
    // Where the body is not at its end, nothing else can come on this connection.
    let unread = |rejection: Rejection| rejection.reply().after(RequestBody::Unread);
    match timeout(TIME, reading).await {
        Ok(Ok(())) if too_large => Err(Rejection::BodyTooLarge.reply()),
        Ok(Ok(())) => Ok(body.freeze()),
        Ok(Err(rejection)) => Err(unread(rejection)),
        Err(_) if too_large => Err(unread(Rejection::BodyTooLarge)),
        Err(_) => Err(unread(Rejection::BodyTimeout)),
    }
}
