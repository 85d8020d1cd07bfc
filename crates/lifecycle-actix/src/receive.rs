//! Receiving: from a request of actix-web to a delivery, and from a reply to a response.

use std::time::{Duration, SystemTime};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use lifecycle_core::{Delivery, Head, Intake, Receiver, Rejection, Reply};
use tokio::time::timeout;

use crate::deadline::Deadline;

/// How long a refused request's body is read on, so that its connection can serve the next request.
const DRAIN_TIME: Duration = Duration::from_millis(100);

/// Pumps the raw payload into core.
pub(crate) async fn receive(
    receiver: &Receiver,
    request: &HttpRequest,
    payload: &mut Payload,
    deadline: Deadline,
) -> Result<Delivery, Rejection> {
    let head = Head {
        method: request.method().as_str(),
        path: request.path(),
        headers: header_lines(request.headers()),
    };
    let mut intake = match receiver.open(head) {
        Ok(intake) => intake,
        Err(rejection) => {
            if rejection != Rejection::BodyTooLarge {
                Box::pin(drain(payload)).await;
            }
            return Err(rejection);
        }
    };
    // A request is handed on before any of its body is read.
    deadline.wait(read(payload, &mut intake)).await.unwrap_or(Err(Rejection::BodyTimeout))?;
    intake.finish(SystemTime::now())
}

async fn read(payload: &mut Payload, intake: &mut Intake) -> Result<(), Rejection> {
    while let Some(chunk) = payload.next().await {
        intake.push(chunk.map_err(|_| Rejection::BodyUnreadable)?)?;
    }
    Ok(())
}

/// The header lines as core and its platforms read them.
pub(crate) fn header_lines(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
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
        response.append_header(header);
    }
    response.body(reply.into_body())
}

/// The response to a request that is refused. Where its body broke off, nothing after it on the connection can be read.
pub(crate) fn refusal(rejection: &Rejection, reply: Reply) -> HttpResponse {
    let mut response = response(reply);
    if matches!(rejection, Rejection::BodyTimeout | Rejection::BodyUnreadable) {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// Reads on for a moment after a refusal. Answering before the body was read makes actix-web close the connection,
/// which costs the server far more than to read a few hundred bytes. What does not come in time, or is more than a
/// callback has, is left to actix-web: it answers, closes, and keeps discarding for its `client_disconnect_timeout`,
/// so that the answer is not lost in a reset.
async fn drain(payload: &mut Payload) {
    let rest = async {
        let mut room = Receiver::DEFAULT_MAX_BODY;
        while let Some(Ok(chunk)) = payload.next().await {
            let Some(less) = room.checked_sub(chunk.len()) else { break };
            room = less;
        }
    };
    let _ = timeout(DRAIN_TIME, rest).await;
}
