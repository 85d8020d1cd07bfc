//! Endpoint: the face that is the route; a handler is called and the answer given.

use std::sync::Arc;

use lifecycle_core::{LifecycleHandler, Receiver, Rejection, respond};
use tokio::time::timeout_at;
use warp::reply::Response;
use warp::{Filter, Rejection as Reject};

use crate::receive::{Request, request};
use crate::response::response;

/// A route that receives callbacks, runs the handler and answers.
///
/// It answers every request that reaches it, of any method, so put a path before it. The whole exchange, body and
/// handler included, is held to [`Receiver::time_budget`]; a handler that takes longer is dropped and answered 503.
/// It rejects, with warp's own 500, only where a filter before it has taken the body.
///
/// ```
/// use lifecycle_core::{LifecycleHandler, Receiver, Secret, seismic};
/// use warp::Filter;
///
/// struct AcceptAll;
/// impl LifecycleHandler for AcceptAll {}
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let receiver = Receiver::new(&seismic::PLATFORM, Secret::new("s3cr3t")?);
/// let route = warp::path!("seismic").and(lifecycle_warp::endpoint(receiver, AcceptAll));
///
/// let answer = warp::test::request().path("/seismic").reply(&route).await;
/// assert_eq!(answer.status(), 405);
/// # Ok::<(), lifecycle_core::SecretError>(())
/// # }).unwrap();
/// ```
pub fn endpoint(
    receiver: Receiver,
    handler: impl LifecycleHandler,
) -> impl Filter<Extract = (Response,), Error = Reject> + Clone {
    let handler: Arc<dyn LifecycleHandler> = Arc::new(handler);
    request().then(move |request| answer(receiver.clone(), Arc::clone(&handler), request))
}

async fn answer(receiver: Receiver, handler: Arc<dyn LifecycleHandler>, mut request: Request) -> Response {
    let reply = match request.receive(&receiver).await {
        Err(rejection) => receiver.answer(Err(&rejection), request.elapsed()),
        Ok(delivery) => {
            let outcome = timeout_at(request.end(&receiver), respond(&*handler, &delivery))
                .await
                .unwrap_or(Err(Rejection::DeadlineExceeded));
            receiver.answer(outcome.as_ref().map(|()| &delivery), request.elapsed())
        }
    };
    response(reply)
}
