//! Endpoint: a handler as a whole route; it is called and the answer given.

use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use lifecycle_core::{
    Delivery, EndpointHandler, RejectedRequest, Rejection, RequestOutcome, Unhandled, Verifier, run_handler,
};
use warp::reply::Response;
use warp::{Filter, Rejection as Reject};

use crate::deadline::Deadline;
use crate::receive::{Body, Request, request};
use crate::response::response;

/// A route that receives callbacks, asks the handler and answers. Give it the inbox of `lifecycle-inbox`, or, where its work is
/// quick, a [`LifecycleHandler`](lifecycle_core::LifecycleHandler) itself.
///
/// It answers every request that reaches it, of any method, so put a path before it. The whole exchange, body and
/// handler included, is held to [`Verifier::timeout`]; a handler that takes longer is dropped and answered 503.
/// It rejects, with warp's own 500, only where a filter before it has taken the body.
///
/// ```
/// use lifecycle_core::{LifecycleHandler, Verifier, Secret, seismic};
/// use warp::Filter;
///
/// struct AcceptAll;
/// impl LifecycleHandler for AcceptAll {}
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let verifier = Verifier::new(&seismic::PLATFORM, Secret::new("s3cr3t")?, "a1")?;
/// let route = warp::path!("seismic").and(lifecycle_warp::endpoint(verifier, AcceptAll));
///
/// let answer = warp::test::request().path("/seismic").reply(&route).await;
/// assert_eq!(answer.status(), 405);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub fn endpoint(
    verifier: Verifier,
    handler: impl EndpointHandler,
) -> impl Filter<Extract = (Response,), Error = Reject> + Clone {
    let handler: Arc<dyn EndpointHandler> = Arc::new(handler);
    request(verifier).then(move |request| answer(Arc::clone(&handler), request))
}

async fn answer(handler: Arc<dyn EndpointHandler>, mut request: Request<impl Body>) -> Response {
    let deadline = request.head.deadline;
    let result = match request.receive().await {
        Ok(delivery) => handle(&*handler, delivery, deadline).await,
        Err(unhandled) => Err(unhandled),
    };
    let outcome = RequestOutcome::of(result.as_ref());
    request.verifier.record(outcome, deadline.elapsed(), SystemTime::now());
    response(outcome.reply())
}

async fn handle(
    handler: &dyn EndpointHandler,
    delivery: Delivery,
    deadline: Deadline,
) -> Result<Delivery, Unhandled> {
    let bound = deadline.bound(pin!(run_handler(handler, &delivery, deadline.left()))).await;
    match bound.unwrap_or(Err(Rejection::DeadlineExceeded)) {
        Ok(()) => Ok(delivery),
        Err(rejection) => Err(RejectedRequest::after_body(rejection).into()),
    }
}
