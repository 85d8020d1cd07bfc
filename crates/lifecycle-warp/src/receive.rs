//! Receive: pumps a request's body through core, under the timeout.

use std::convert::Infallible;
use std::future::ready;

use bytes::Buf;
use futures_util::stream::{Stream, StreamExt};
use lifecycle_adapter::{Exchange, discard};
use lifecycle_core::{Delivery, Head, Rejection, RequestBody, Unhandled, Verifier};
use warp::http::header::EXPECT;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::{Filter, Rejection as Reject};

/// A request whose head is validated and whose body is still to be read.
pub(crate) struct Request<B> {
    exchange: Box<Exchange>, // filters move what they extract
    body: B,
    query: String,
    headers: HeaderMap,
}

/// A request whose body is read, as far as it was asked for.
pub(crate) struct Received {
    pub(crate) exchange: Box<Exchange>,
    pub(crate) result: Result<Delivery, Unhandled>,
    /// As they came, for a route that is handed the request.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
}

/// Takes any request. It rejects only when a filter before it has taken the body already.
///
/// The body comes as a stream since warp's other body filters read without a limit or refuse a chunked body. From HTTP/2 on
/// nothing of a body is left on the connection, which warp does not tell: there hyper takes the `connection` header off.
pub(crate) fn received(verifier: Verifier) -> impl Filter<Extract = (Received,), Error = Reject> + Clone {
    let query = warp::query::raw().or_else(|_none| ready(Ok::<_, Infallible>((String::new(),))));
    let head = warp::method().and(warp::path::full()).and(query).and(warp::header::headers_cloned());
    head.and(warp::body::stream())
        .map(move |method: Method, path: FullPath, query: String, headers: HeaderMap, body| {
            let target = if query.is_empty() {
                path.as_str().to_owned()
            } else {
                format!("{}?{query}", path.as_str())
            };
            let head = Head::new(method.as_str(), &target, header_lines(&headers));
            let announced = RequestBody::announced(header_lines(&headers));
            let exchange = Box::new(Exchange::begin(&verifier, head, announced));
            Request { exchange, body, query, headers }
        })
        .then(receive)
}

async fn receive<B: Buf + Send>(
    request: Request<impl Stream<Item = Result<B, warp::Error>> + Send + Unpin + 'static>,
) -> Received {
    let Request { mut exchange, mut body, query, headers } = request;
    // A rejected sender that waits for `100 Continue` must not get one: to read on would send it.
    let waits = exchange.rejection().is_some() && headers.contains_key(EXPECT);
    let chunks = (&mut body).map(|chunk| {
        let mut chunk = chunk.map_err(|_| Rejection::BodyUnreadable)?;
        Ok(chunk.copy_to_bytes(chunk.remaining()))
    });
    let result = exchange.receive(chunks).await;
    if matches!(result, Err(Unhandled::Rejected(_))) && !waits {
        discard(body);
    }
    Received { exchange, result, query, headers }
}

/// Header lines as core and its platforms read them, for a route of the app.
///
/// ```
/// use warp::http::{HeaderMap, HeaderValue, header::HOST};
///
/// let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("app.example"))]);
/// let lines: Vec<(&str, &[u8])> = lifecycle_warp::header_lines(&headers).collect();
/// assert_eq!(lines, [("host", b"app.example".as_slice())]);
/// ```
pub fn header_lines(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}
