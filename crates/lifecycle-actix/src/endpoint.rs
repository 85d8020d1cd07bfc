//! Endpoint: a route that asks a handler and answers.

use std::sync::Arc;

use actix_web::{HttpRequest, Route, web};
use lifecycle_core::{EndpointHandler, Verifier};

use crate::receive::{receive, response};

/// A route that receives, verifies, handles and answers callbacks, within the verifier's timeout.
///
/// It takes every method, because the answer to a wrong one is part of what the platform may rely on: mount it with
/// `App::route`, `Scope::route` or `Resource::route`, without a method guard. Each worker of a server builds its own
/// app: give each a clone of one inbox of `lifecycle-inbox`, or, where its work is quick, an `Arc` of the handler itself. A handler
/// that each worker creates would have separate state in each worker.
///
/// ```
/// use actix_web::{App, test};
/// use lifecycle_actix::endpoint;
/// use lifecycle_core::{LifecycleHandler, Verifier, Secret, seismic};
/// use std::sync::Arc;
///
/// struct AcceptAll;
/// impl LifecycleHandler for AcceptAll {}
///
/// # actix_web::rt::System::new().block_on(async {
/// let secret = Secret::new("s3cr3t")?;
/// let verifier = Verifier::new(&seismic::PLATFORM, secret.clone(), "a1")?;
/// let handler = Arc::new(AcceptAll);
/// let app = App::new().route("/seismic", endpoint(verifier, Arc::clone(&handler)));
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
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub fn endpoint(verifier: Verifier, handler: impl EndpointHandler) -> Route {
    let handler: Arc<dyn EndpointHandler> = Arc::new(handler);
    web::route().to(move |request: HttpRequest, payload: web::Payload| {
        let received = receive(&verifier, &request, payload.into_inner());
        let handler = Arc::clone(&handler);
        async move {
            let (mut exchange, received) = received.await;
            let result = exchange.handle(received, &*handler).await;
            response(exchange.answer(result.as_ref()))
        }
    })
}
