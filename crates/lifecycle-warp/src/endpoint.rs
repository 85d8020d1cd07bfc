//! Endpoint: a route that asks a handler and answers.

use std::sync::Arc;

use lifecycle_core::{EndpointHandler, Verifier};
use warp::reply::Response;
use warp::{Filter, Rejection as Reject};

use crate::receive::{Received, received};
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
    received(verifier).then(move |received| answer(Arc::clone(&handler), received))
}

async fn answer(handler: Arc<dyn EndpointHandler>, received: Received) -> Response {
    let Received { mut exchange, result, .. } = received;
    let result = exchange.handle(result, &*handler).await;
    response(exchange.answer(result.as_ref()))
}
