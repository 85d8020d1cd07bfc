//! Verification as middleware: the routes inside are reached by verified callbacks only, and still get their body.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpMessage};
use lifecycle_core::{RejectedRequest, Rejection, RequestOutcome, Unhandled, Verifier};

use crate::receive::{receive, response};
use crate::rejection::VerifiedRejection;

/// Middleware that verifies callbacks before the routes that it wraps, and rejects everything else.
///
/// The routes inside read the same bytes by any extractor, and find the [`Delivery`](lifecycle_core::Delivery) in the
/// request's extensions; [`Verified`](crate::Verified) takes it from there. They run under what is left of the timeout,
/// and are dropped when it ends, with 503. They answer for themselves: with the status that the platform takes as
/// received, such as 202 on Seismic.
///
/// Do not take the payload by `web::Json<T>`: it tempts, and it refuses a callback without a content type, which none of
/// the platforms documents. On Seismic that blocks an administrator. [`VerifiedJson`](crate::VerifiedJson) reads the same
/// and asks for none.
///
/// The response to a rejected request has its [`Rejection`] in the extensions, for middleware further out. Only for an exceeded
/// timeout it is an error instead.
///
/// ```
/// use actix_web::{App, HttpResponse, test, web};
/// use lifecycle_core::{Verifier, Secret, seismic};
///
/// async fn existing(body: web::Bytes) -> HttpResponse {
///     HttpResponse::Accepted().body(body.len().to_string())
/// }
///
/// # actix_web::rt::System::new().block_on(async {
/// let secret = Secret::new("s3cr3t")?;
/// let verifier = Verifier::new(&seismic::PLATFORM, secret.clone(), "a1")?;
/// let app = App::new().service(
///     web::resource("/seismic").wrap(lifecycle_actix::verify(verifier)).route(web::post().to(existing)),
/// );
/// let app = test::init_service(app).await;
///
/// let body = r#"{"type":"install","appId":"a1","tenantId":"t1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body.as_bytes());
/// let callback = || test::TestRequest::post().uri("/seismic").set_payload(body);
///
/// let signed = callback().insert_header(("x-seismic-signature", signature)).to_request();
/// assert_eq!(test::call_and_read_body(&app, signed).await, "47");
/// let unsigned = callback().to_request();
/// assert_eq!(test::call_service(&app, unsigned).await.status(), 401);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub fn verify<S, B>(
    verifier: Verifier,
) -> impl Transform<S, ServiceRequest, Response = ServiceResponse<EitherBody<B>>, Error = Error, InitError = ()>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    from_fn(move |request: ServiceRequest, next: Next<B>| pass(verifier.clone(), request, next))
}

async fn pass<B>(
    verifier: Verifier,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let payload = request.take_payload();
    let (mut exchange, received) = receive(&verifier, request.request(), payload).await;
    let delivery = match received {
        Ok(delivery) => delivery,
        Err(unhandled) => {
            let mut answer = response(exchange.answer(Err(&unhandled)));
            if let Unhandled::Rejected(rejected) = unhandled {
                answer.extensions_mut().insert(rejected.rejection);
            }
            return Ok(request.into_response(answer).map_into_right_body());
        }
    };
    request.set_payload(Payload::from(delivery.body().clone()));
    request.extensions_mut().insert(delivery.clone());
    let Some(answer) = exchange.bound(next.call(request)).await else {
        // An error, as the request went inside: routing panics if this kept a clone of it for a response.
        let rejected = RejectedRequest::after_body(Rejection::DeadlineExceeded);
        exchange.record(RequestOutcome::Rejected(&rejected));
        return Err(VerifiedRejection::from(rejected).into());
    };
    let status = match &answer {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    exchange.record(RequestOutcome::Answered(&delivery, Some(status.as_u16())));
    answer.map(ServiceResponse::map_into_left_body)
}
