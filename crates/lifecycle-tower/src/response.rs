//! Response: core's replies as `http` responses.

use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use lifecycle_adapter::Exchange;
use lifecycle_core::{Delivery, Reply, Unhandled};

use crate::body::ResponseBody;
use crate::receive::announced;

/// Core's [`Reply`] as a response, for hyper as it is and for axum as an `IntoResponse`.
///
/// ```
/// use lifecycle_core::{Method, Rejection};
///
/// let response = lifecycle_tower::response(Rejection::MethodNotAllowed(Method::Post).reply());
/// assert_eq!(response.status(), 405);
/// assert_eq!(response.headers()["allow"], "POST");
/// ```
pub fn response(reply: Reply) -> Response<ResponseBody> {
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
pub fn response_before_body(head: &Parts, reply: Reply) -> Response<ResponseBody> {
    response(reply.after(announced(head)))
}

/// Records how a request ended, and answers it.
pub(crate) fn answer(exchange: &Exchange, result: Result<Delivery, Unhandled>) -> Response<ResponseBody> {
    let mut response = response(exchange.answer(result.as_ref()));
    if let Err(Unhandled::Rejected(rejected)) = result {
        response.extensions_mut().insert(rejected.rejection);
    }
    response
}
