//! Receive: pumps a request's body, of any type, through core.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use bytes::{Buf, Bytes};
use futures_util::stream::{self, Stream};
use http::header::EXPECT;
use http::request::Parts;
use http::{HeaderMap, Request, Version};
use http_body::Body;
use http_body_util::LengthLimitError;
use lifecycle_adapter::{Exchange, discard};
use lifecycle_core::{Delivery, Head, Rejection, RequestBody, Unhandled, Verifier};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Verifies one request within the verifier's timeout, for a server without layers.
///
/// What follows is the caller's: to answer within the rest of the timeout, and to [record](Verifier::record) once how it
/// ended.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use lifecycle_core::{RequestOutcome, Verifier};
/// use lifecycle_tower::{ResponseBody, receive, response};
/// use std::time::{Instant, SystemTime};
///
/// async fn seismic(verifier: &Verifier, request: Request<Full<Bytes>>) -> Response<ResponseBody> {
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
/// As [`Exchange::receive`]. Whether the connection has to close after the answer is in [`Unhandled::reply`].
pub fn receive<B>(
    verifier: &Verifier,
    request: Request<B>,
) -> impl Future<Output = Result<(Parts, Delivery), Unhandled>> + Send + use<B>
where
    B: Body + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (head, body) = request.into_parts();
    let received = received(verifier, &head, body);
    async move {
        let (_exchange, received) = received.await;
        Ok((head, received?))
    }
}

/// Header lines as core and its platforms read them, for a route of the app.
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

/// The exchange that a request begins, and what it is. The head is validated before this returns.
pub(crate) fn received<B>(
    verifier: &Verifier,
    head: &Parts,
    mut body: B,
) -> impl Future<Output = (Exchange, Result<Delivery, Unhandled>)> + Send + use<B>
where
    B: Body + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    let unread = if body.is_end_stream() { RequestBody::Read } else { RequestBody::Unread };
    let lines = Head::new(head.method.as_str(), target(head), header_lines(&head.headers));
    let mut exchange = Exchange::begin(verifier, lines, on_connection(unread, head.version));
    // A rejected sender that waits for `100 Continue` must not get one: to read on would send it.
    let waits = exchange.rejection().is_some() && head.headers.contains_key(EXPECT);
    async move {
        let received = exchange.receive(chunks(&mut body)).await;
        if matches!(received, Err(Unhandled::Rejected(_))) && !waits && !body.is_end_stream() {
            discard(chunks(body));
        }
        (exchange, received)
    }
}

/// Whether a request that is answered by its head alone has a body on the connection.
pub(crate) fn announced(head: &Parts) -> RequestBody {
    on_connection(RequestBody::announced(header_lines(&head.headers)), head.version)
}

/// The target as it was sent. axum's nests take their part away from a request's own.
fn target(head: &Parts) -> &str {
    #[cfg(feature = "axum")]
    let uri = head.extensions.get::<axum::extract::OriginalUri>().map_or(&head.uri, |original| &original.0);
    #[cfg(not(feature = "axum"))]
    let uri = &head.uri;
    uri.path_and_query().map_or(uri.path(), |target| target.as_str())
}

/// From HTTP/2 on, a body has a stream of its own, and an answer with a `connection` header is malformed.
fn on_connection(body: RequestBody, version: Version) -> RequestBody {
    if version > Version::HTTP_11 { RequestBody::Read } else { body }
}

/// The chunks of a body; its trailers are empty ones.
fn chunks<B>(mut body: B) -> impl Stream<Item = Result<Bytes, Rejection>>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    stream::poll_fn(move |cx| {
        if body.is_end_stream() {
            return Poll::Ready(None);
        }
        Pin::new(&mut body).poll_frame(cx).map(|frame| {
            let frame = frame?.map_err(|error| unreadable(&*error.into()));
            // `copy_to_bytes` of a `Bytes` copies nothing.
            let data = |mut data: B::Data| data.copy_to_bytes(data.remaining());
            Some(frame.map(|frame| frame.into_data().map(data).unwrap_or_default()))
        })
    })
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
