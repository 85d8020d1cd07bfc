//! Response: core's reply as warp sends it.

use lifecycle_core::{Reply, RequestBody};
use warp::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use warp::reply::Response;

use crate::receive::header_lines;

/// A reply of core as a response: an answer of this library, or a page or error of one of its platforms.
///
/// ```
/// use lifecycle_core::Rejection;
///
/// let response = lifecycle_warp::response(Rejection::MissingSignature.reply());
/// assert_eq!(response.status(), 401);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
pub fn response(reply: Reply) -> Response {
    let mut response = Response::default();
    *response.status_mut() =
        StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers() {
        // Core lets through nothing else.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    *response.body_mut() = reply.into_body().into();
    response
}

/// [`response`] for a request that is answered by its head, before its body is read. Where a body is on the way, the answer
/// says that the connection closes, since nothing after it could be told from that body.
///
/// ```
/// use lifecycle_core::Reply;
/// use warp::http::{HeaderMap, HeaderValue, header::CONTENT_LENGTH};
///
/// let headers = HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static("352"))]);
/// let response = lifecycle_warp::response_before_body(&headers, Reply::not_enabled());
/// assert_eq!(response.headers()["connection"], "close");
/// ```
pub fn response_before_body(headers: &HeaderMap, reply: Reply) -> Response {
    response(reply.after(RequestBody::announced(header_lines(headers))))
}
