//! Response: core's reply as warp sends it.

use lifecycle_core::Reply;
use warp::http::{HeaderName, HeaderValue, StatusCode};
use warp::reply::Response;

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
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    *response.body_mut() = reply.into_body().into();
    response
}
