//! Receiving: from a request of actix-web to a delivery, and from a reply to a response.

use std::future::Future;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use lifecycle_adapter::Exchange;
use lifecycle_core::{Delivery, Head, Platform, Rejection, Reply, RequestBody, Unhandled, Verifier};
use tokio::task::consume_budget;
use tokio::time::timeout;

/// How long the body of a rejected request is read on, so that its connection can serve the next request.
const DRAIN_TIME: Duration = Duration::from_millis(100);

/// How long a body that is given up is held, unless its connection ends before. Its answer is sent at once, unless a
/// middleware further out takes its time.
const HOLD_TIME: Duration = Duration::from_secs(10);

/// The exchange that a request begins, and what it is. The head is validated before this returns.
pub(crate) fn receive(
    verifier: &Verifier,
    request: &HttpRequest,
    mut payload: Payload,
) -> impl Future<Output = (Exchange, Result<Delivery, Unhandled>)> + use<> {
    let uri = request.uri();
    let target = uri.path_and_query().map_or(uri.path(), |target| target.as_str());
    let head = Head::new(request.method().as_str(), target, header_lines(request.headers()));
    let announced = RequestBody::announced(header_lines(request.headers()));
    let mut exchange = Exchange::begin(verifier, head, announced);
    async move {
        let rejected = exchange.rejection();
        if rejected.is_some_and(|why| *why != Rejection::BodyTooLarge) && drained(&mut payload).await {
            exchange.body_was_read();
        }
        let chunks = (&mut payload).map(|chunk| chunk.map_err(|_| Rejection::BodyUnreadable));
        let received = exchange.receive(chunks).await;
        if let Err(Unhandled::Rejected(rejected)) = &received
            && rejected.body == RequestBody::Unread
        {
            give_up(payload);
        }
        (exchange, received)
    }
}

/// Header lines as core and its platforms read them, for a route of the app.
///
/// ```
/// let request = actix_web::test::TestRequest::get().insert_header(("host", "app.example")).to_http_request();
/// let lines: Vec<(&str, &[u8])> = lifecycle_actix::header_lines(request.headers()).collect();
/// assert_eq!(lines, [("host", b"app.example".as_slice())]);
/// ```
pub fn header_lines(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}

/// A reply of core as a response: an answer of this library, or a page or error of one of its platforms.
///
/// ```
/// use actix_web::http::header::CONTENT_TYPE;
/// use lifecycle_core::Rejection;
///
/// let response = lifecycle_actix::response(Rejection::MissingSignature.reply());
/// assert_eq!(response.status(), 401);
/// assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), "application/problem+json");
/// ```
pub fn response(reply: Reply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in reply.headers() {
        match header {
            ("connection", "close") => response.force_close(), // a header of this name is not sent
            _ => response.append_header(header),
        };
    }
    response.body(reply.into_body())
}

/// [`response`] for a request that is answered by its head, before its body is read: `web::Payload::into_inner` is that body.
/// Where one is on the way, the connection closes after the answer, since nothing after it could be told from that body;
/// and the body is held until then, as actix-web would read one that is dropped to its end, however long that takes.
///
/// ```
/// use actix_web::{HttpRequest, HttpResponse, web};
/// use lifecycle_actix::response_before_body;
/// use lifecycle_core::Reply;
///
/// async fn closed(request: HttpRequest, body: web::Payload) -> HttpResponse {
///     response_before_body(&request, body.into_inner(), Reply::not_enabled())
/// }
/// # let _ = actix_web::App::new().route("/", web::post().to(closed));
/// ```
pub fn response_before_body(request: &HttpRequest, body: Payload, reply: Reply) -> HttpResponse {
    give_up(body);
    response(reply.after(RequestBody::announced(header_lines(request.headers()))))
}

/// Whether the body of a request that is rejected by its head came to its end within a moment. Answering before that costs
/// the connection, and so the server far more than to read a few hundred bytes.
async fn drained(payload: &mut Payload) -> bool {
    let rest = async {
        let mut room = Platform::DEFAULT_MAX_BODY;
        while let Some(chunk) = payload.next().await {
            let length = chunk.map_or(usize::MAX, |chunk| chunk.len());
            let Some(less) = room.checked_sub(length) else { return false };
            room = less;
        }
        true
    };
    Box::pin(timeout(DRAIN_TIME, rest)).await.unwrap_or(false)
}

/// Holds on to a body that will not be read until its answer is sent. Then actix-web closes the connection, and first
/// discards for its `client_disconnect_timeout` what still comes, so that the answer is not lost in a reset. If nobody
/// held a chunked body, actix-web would read it to its end instead, however long that takes.
pub(crate) fn give_up(mut payload: Payload) {
    if matches!(payload, Payload::None) {
        return;
    }
    actix_web::rt::spawn(timeout(HOLD_TIME, async move {
        while let Some(Ok(_)) = payload.next().await {
            consume_budget().await; // or a body that always has a chunk would outrun the time
        }
    }));
}
