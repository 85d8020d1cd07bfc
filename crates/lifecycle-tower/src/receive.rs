//! Receive: pumps a request's body, of any type, through core.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::Buf;
use http::header::EXPECT;
use http::request::Parts;
use http::{HeaderMap, Request, Version};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError};
use lifecycle_core::{
    Delivery, Head, KeyLookup, RejectedRequest, Rejection, RequestBody, Unhandled, Verification, Verifier,
};
use tokio::time::timeout;

use crate::deadline::Deadline;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// A body that always has a frame ready must not outrun the deadline: after this many, the timer gets a look.
const FRAMES_PER_POLL: usize = 64;

/// How long the rest of a refused body is read.
const LINGER: Duration = Duration::from_secs(1);

/// Verifies one request within the verifier's timeout: verify as a function, for a server without layers.
///
/// What follows is the caller's: to answer within the rest of the timeout, and to [record](Verifier::record) once how it
/// ended.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use lifecycle_core::{RequestOutcome, Verifier};
/// use lifecycle_tower::{receive, response};
/// use std::time::{Instant, SystemTime};
///
/// async fn seismic(verifier: &Verifier, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
///     let started = Instant::now();
///     let received = receive(verifier, request).await;
///     if let Ok((_head, delivery)) = &received {
///         println!("{} of {}", delivery.event().kind().name(), delivery.event().app());
///     }
///     let outcome = RequestOutcome::of(received.as_ref().map(|(_head, delivery)| delivery));
///     verifier.record(outcome, started.elapsed(), SystemTime::now());
///     response(outcome.reply())
/// }
///
/// # use lifecycle_core::{Secret, seismic as platform};
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// let verifier = Verifier::new(&platform::PLATFORM, Secret::new("s3cr3t")?, "a1")?;
/// let answer = runtime.block_on(seismic(&verifier, Request::post("/").body(Full::from("{}"))?));
/// assert_eq!(answer.status(), 401);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Unhandled`]: a handshake; every [`Rejection`] of [`Verifier::begin`], [`Verification::push`] and
/// [`Verification::finish`], [`BodyUnreadable`](Rejection::BodyUnreadable), [`BodyTimeout`](Rejection::BodyTimeout) and
/// [`KeysUnavailable`](Rejection::KeysUnavailable); and whether the connection has to close after the answer, which
/// [`Unhandled::reply`] makes of it.
pub fn receive<B>(
    verifier: &Verifier,
    request: Request<B>,
) -> impl Future<Output = Result<(Parts, Delivery), Unhandled>> + Send + use<B>
where
    B: Body + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut deadline = Deadline::after(verifier.timeout());
    let (head, body) = request.into_parts();
    let mut receiving = Receive::new(verifier, &head, body);
    async move {
        let delivery = receiving.within(&mut deadline).await?;
        Ok((head, delivery))
    }
}

/// Header lines as core and its platforms read them, for a route of the app's own.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
///
/// let headers = HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static("app.example"))]);
/// let lines: Vec<(&str, &[u8])> = lifecycle_tower::header_lines(&headers).collect();
/// assert_eq!(lines, [("host", b"app.example".as_slice())]);
/// ```
pub fn header_lines(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}

/// A request on its way in, until it is verified or refused.
pub(crate) struct Receive<B> {
    verification: Result<Verification, Rejection>,
    body: Option<B>,
    /// Whether the body was read to its end.
    is_read: bool,
    /// The keys that are awaited then.
    keys: Option<KeyLookup>,
    /// What is left unread while the body is not at its end.
    unread: RequestBody,
}

impl<B> Receive<B>
where
    B: Body + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(verifier: &Verifier, head: &Parts, body: B) -> Self {
        let headers = header_lines(&head.headers);
        let verification = verifier.begin(Head::new(head.method.as_str(), target(head), headers));
        let unread = if body.is_end_stream() { RequestBody::Read } else { RequestBody::Unread };
        // A refused caller that waits for `100 Continue` must not get one: to read on would send it.
        let body = (verification.is_ok() || !head.headers.contains_key(EXPECT)).then_some(body);
        Self {
            verification: verification.map_err(Rejection::from),
            body,
            is_read: false,
            keys: None,
            unread: on_connection(unread, head.version),
        }
    }

    /// Verifies or refuses the request before the deadline.
    pub(crate) async fn within(&mut self, deadline: &mut Deadline) -> Result<Delivery, Unhandled> {
        poll_fn(|cx| self.poll(deadline, cx)).await
    }

    pub(crate) fn poll(
        &mut self,
        deadline: &mut Deadline,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Delivery, Unhandled>> {
        let read = ready!(deadline.poll(pin!(poll_fn(|cx| self.read(cx))), cx));
        let rest = self.body.take();
        let verification = mem::replace(&mut self.verification, Err(Rejection::BodyUnreadable));
        let late = if self.is_read { Rejection::KeysUnavailable } else { Rejection::BodyTimeout };
        Poll::Ready(match (read.unwrap_or(Err(late)), verification) {
            (Ok(()), Ok(verification)) => verification.finish(SystemTime::now())?.delivery(),
            (Ok(()), Err(rejection)) | (Err(rejection), _) => {
                if let Some(rest) = rest {
                    discard(rest);
                }
                let body = if self.is_read { RequestBody::Read } else { self.unread };
                Err(RejectedRequest { rejection, body }.into())
            }
        })
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        match (&mut self.verification, &mut self.body) {
            (Ok(verification), Some(body)) => {
                if !self.is_read {
                    ready!(read(body, verification, cx))?;
                    self.is_read = true;
                    self.keys = verification.look_up();
                }
                if let Some(keys) = &mut self.keys {
                    verification.supply(ready!(keys.as_mut().poll(cx)));
                }
                Poll::Ready(Ok(()))
            }
            (Err(rejection), _) => Poll::Ready(Err(rejection.clone())),
            (_, None) => Poll::Ready(Err(Rejection::BodyUnreadable)), // polled after it resolved
        }
    }
}

/// The target as it was sent. axum's nests take their part away from a request's own.
fn target(head: &Parts) -> &str {
    #[cfg(feature = "axum")]
    let uri = head.extensions.get::<axum::extract::OriginalUri>().map_or(&head.uri, |original| &original.0);
    #[cfg(not(feature = "axum"))]
    let uri = &head.uri;
    uri.path_and_query().map_or(uri.path(), |target| target.as_str())
}

/// Whether a request that is answered by its head alone has a body on the connection.
pub(crate) fn announced(head: &Parts) -> RequestBody {
    on_connection(RequestBody::announced(header_lines(&head.headers)), head.version)
}

/// From HTTP/2 on, a body has a stream of its own, and an answer with a `connection` header is malformed.
fn on_connection(body: RequestBody, version: Version) -> RequestBody {
    if version > Version::HTTP_11 { RequestBody::Read } else { body }
}

fn read<B>(body: &mut B, verification: &mut Verification, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    for _ in 0..FRAMES_PER_POLL {
        match ready!(Pin::new(&mut *body).poll_frame(cx)) {
            None => return Poll::Ready(Ok(())),
            Some(Err(error)) => return Poll::Ready(Err(unreadable(&*error.into()))),
            Some(Ok(frame)) => match frame.into_data() {
                // `copy_to_bytes` of a `Bytes` copies nothing.
                Ok(mut data) if data.has_remaining() => {
                    verification.push(data.copy_to_bytes(data.remaining()))?;
                }
                _ => {} // trailers, or nothing
            },
        }
        if body.is_end_stream() {
            return Poll::Ready(Ok(()));
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Reads on beside the answer, for a while. A server that closes a socket while the caller still sends resets the
/// connection, and the answer can be lost on its way.
fn discard<B: Body + Unpin + Send + 'static>(mut body: B) {
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(timeout(LINGER, async move {
        while body.frame().await.is_some_and(|frame| frame.is_ok()) {
            tokio::task::consume_budget().await; // or a body that always has a frame would outrun the time
        }
    }));
}

/// A limit that the app has set further out is still a limit.
fn unreadable(error: &(dyn Error + Send + Sync + 'static)) -> Rejection {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<LengthLimitError>() {
            return Rejection::BodyTooLarge;
        }
        source = error.source();
    }
    Rejection::BodyUnreadable
}
