//! Response: core's replies as `http` responses.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::Full;
use lifecycle_core::{Reply, Unhandled, Verifier};

use crate::receive::announced;

/// Core's [`Reply`] as a response, for hyper as it is and for axum as an `IntoResponse`.
///
/// ```
/// use lifecycle_core::Rejection;
///
/// let response = lifecycle_tower::response(Rejection::MethodNotAllowed.reply());
/// assert_eq!(response.status(), 405);
/// assert_eq!(response.headers()["allow"], "POST");
/// ```
pub fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(reply.status());
    for (name, value) in reply.headers() {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(reply.into_body())).unwrap_or_else(|_| {
        // A status or a header that HTTP does not have: the app made this reply itself.
        let mut response = Response::default();
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// [`response`] for a request that is answered by its head, before its body is read. Where HTTP/1.1 has a body on the way, the
/// answer says that the connection closes, since nothing after it could be told from that body.
///
/// ```
/// use http::Request;
/// use lifecycle_core::Reply;
///
/// let (head, ()) = Request::post("/").header("content-length", "352").body(())?.into_parts();
/// let response = lifecycle_tower::response_before_body(&head, Reply::not_enabled());
/// assert_eq!(response.headers()["connection"], "close");
/// # Ok::<(), http::Error>(())
/// ```
pub fn response_before_body(head: &Parts, reply: Reply) -> Response<Full<Bytes>> {
    response(reply.after(announced(head)))
}

/// Records and answers a request that no handler sees.
pub(crate) fn answer(verifier: &Verifier, unhandled: Unhandled, elapsed: Duration) -> Response<Full<Bytes>> {
    verifier.record(unhandled.outcome(), elapsed, SystemTime::now());
    with_reason(unhandled)
}

/// The reason of a rejection travels in the extensions, for layers further out.
pub(crate) fn with_reason(unhandled: Unhandled) -> Response<Full<Bytes>> {
    let mut response = response(unhandled.reply());
    if let Unhandled::Rejected(rejected) = unhandled {
        response.extensions_mut().insert(rejected.rejection);
    }
    response
}
