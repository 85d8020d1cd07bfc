//! The endpoint face: a handler is given, and this is the route.

use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use actix_web::{HttpRequest, Route, web};
use lifecycle_core::{LifecycleHandler, Receiver, RejectedRequest, Rejection, respond};

use crate::deadline::Deadline;
use crate::receive::{receive, response};

/// A route that receives, verifies, handles and answers callbacks, within the receiver's budget.
///
/// It takes every method, because the answer to a wrong one is part of what the platform may rely on: mount it with
/// `App::route`, `Scope::route` or `Resource::route`, without a method guard. Each worker of a server builds its own
/// app, so give it an `Arc` of the handler: a clone of the handler itself would have a state of its own per worker.
///
/// ```
/// use actix_web::{App, test};
/// use lifecycle_actix::endpoint;
/// use lifecycle_core::{LifecycleHandler, Receiver, Secret, seismic};
/// use std::sync::Arc;
///
/// struct AcceptAll;
/// impl LifecycleHandler for AcceptAll {}
///
/// # actix_web::rt::System::new().block_on(async {
/// let secret = Secret::new("s3cr3t")?;
/// let receiver = Receiver::new(&seismic::PLATFORM, secret.clone());
/// let handler = Arc::new(AcceptAll);
/// let app = App::new().route("/seismic", endpoint(receiver, Arc::clone(&handler)));
///
/// let body = r#"{"type":"install","appId":"a1","tenantId":"t1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body.as_bytes());
/// let request = test::TestRequest::post()
///     .uri("/seismic")
///     .insert_header(("x-seismic-signature", signature))
///     .set_payload(body)
///     .to_request();
/// let response = test::call_service(&test::init_service(app).await, request).await;
/// assert_eq!(response.status(), 202);
/// # Ok::<(), lifecycle_core::SecretError>(())
/// # }).unwrap();
/// ```
pub fn endpoint(receiver: Receiver, handler: impl LifecycleHandler) -> Route {
    let handler: Arc<dyn LifecycleHandler> = Arc::new(handler);
    web::route().to(move |request: HttpRequest, payload: web::Payload| {
        let deadline = Deadline::after(receiver.time_budget());
        let (receiver, handler, payload) = (receiver.clone(), Arc::clone(&handler), payload.into_inner());
        async move {
            let callback = receive(&receiver, &request, payload, deadline).await;
            let outcome = match &callback {
                Ok(delivery) => {
                    let handling = pin!(respond(&*handler, delivery));
                    let bound = deadline.bound(handling).await;
                    let outcome = bound.unwrap_or(Err(Rejection::DeadlineExceeded));
                    outcome.map(|()| delivery).map_err(RejectedRequest::after_body)
                }
                Err(rejected) => Err(rejected.clone()),
            };
            response(receiver.answer(outcome.as_ref().copied(), deadline.elapsed(), SystemTime::now()))
        }
    })
}
