//! Response: core's reply as warp sends it.

use lifecycle_core::Reply;
use warp::http::{HeaderValue, StatusCode};
use warp::reply::Response;

pub(crate) fn response(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers: Vec<_> = reply
        .headers()
        .filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?)))
        .collect();
    let mut response = Response::new(reply.into_body().into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .extend(headers.into_iter().map(|(name, value)| (warp::http::HeaderName::from_static(name), value)));
    response
}
