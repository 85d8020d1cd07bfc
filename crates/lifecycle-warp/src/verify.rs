//! Verify: a middleware around a route that exists already.

use std::mem;
use std::pin::pin;
use std::time::SystemTime;

use http_body_util::Full;
use lifecycle_core::{Delivery, RejectedRequest, Rejection, RequestOutcome, Verifier};
use tokio::task::JoinHandle;
use tower_service::Service;
use warp::filters::BoxedFilter;
use warp::http::{self, HeaderMap, Method};
use warp::path::Peek;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection as Reject};

use crate::receive::{Body, Request, request};
use crate::rejection::recover;
use crate::response::response;

/// Lets only verified callbacks through to a route, which needs no change: it reads the request's method, headers,
/// query and body as if they came from the wire, with any of warp's filters.
///
/// The route finds the [`Delivery`] by `warp::ext::get::<Delivery>()`, its path is what the filters before have left
/// over, and its answer is sent as it is: give the platform the status that it takes as received. Its rejections are
/// answered here; those of [`payload`](crate::payload()), as by [`recover`]. `warp::addr::remote()` is the one thing that it does not see. A request that is refused never
/// reaches it, nor any other route, so put a path before this.
///
/// Do not take the payload by `warp::body::json()`: it tempts, and it refuses a callback with another content type than
/// JSON's, while none of the platforms documents one. On Seismic that blocks an administrator. `payload` reads the same
/// and asks for none.
///
/// Body and route together are held to [`Verifier::timeout`]: a route that takes longer is dropped and answered
/// 503, and one that panics 500.
///
/// ```
/// use lifecycle_core::{Verifier, Secret, seismic};
/// use warp::{Filter, http::StatusCode};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let existing = warp::body::bytes().map(|_callback: bytes::Bytes| StatusCode::ACCEPTED);
///
/// let secret = Secret::new("s3cr3t")?;
/// let body = r#"{"type":"install","appId":"a1","tenantId":"t1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body.as_bytes());
/// let verifier = Verifier::new(&seismic::PLATFORM, secret, "a1")?;
/// let route = warp::path!("seismic").and(lifecycle_warp::verify(verifier, existing));
///
/// let request = warp::test::request().method("POST").path("/seismic").body(body);
/// assert_eq!(request.header("x-seismic-signature", signature).reply(&route).await.status(), 202);
///
/// let unsigned = warp::test::request().method("POST").path("/seismic").body(body);
/// assert_eq!(unsigned.reply(&route).await.status(), 401);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub fn verify<R: Reply + 'static>(
    verifier: Verifier,
    route: impl Filter<Extract = (R,), Error: Into<Reject>> + Send + Sync + 'static,
) -> impl Filter<Extract = (Response,), Error = Reject> + Clone {
    let route = route.map(R::into_response).boxed().recover(recover).map(Reply::into_response).boxed();
    warp::path::peek().and(request(verifier)).then(move |path, request| answer(route.clone(), path, request))
}

async fn answer(route: BoxedFilter<(Response,)>, path: Peek, mut request: Request<impl Body>) -> Response {
    let delivery = match request.receive().await {
        Ok(delivery) => delivery,
        Err(unhandled) => {
            let elapsed = request.head.deadline.elapsed();
            request.verifier.record(unhandled.outcome(), elapsed, SystemTime::now());
            return response(unhandled.reply());
        }
    };
    let deadline = request.head.deadline;
    let (query, headers) = (request.head.query.take(), mem::take(&mut request.head.headers));
    let inner = inner(&path, query, headers, &delivery);
    // A route keeps its request in a thread-local while it is polled, so one cannot run within another, only beside it.
    let running = async move { deadline.bound(pin!(warp::service(route).call(inner))).await };
    let mut beside = Beside(tokio::spawn(Box::pin(running)));
    let rejection = match (&mut beside.0).await {
        Ok(Some(Ok(response))) => {
            let outcome = RequestOutcome::Answered(&delivery, Some(response.status().as_u16()));
            request.verifier.record(outcome, deadline.elapsed(), SystemTime::now());
            return response;
        }
        Ok(Some(Err(never))) => match never {},
        Ok(None) => Rejection::DeadlineExceeded,
        Err(_panicked) => Rejection::HandlerFailed,
    };
    let rejected = RejectedRequest::after_body(rejection);
    request.verifier.record(RequestOutcome::Rejected(&rejected), deadline.elapsed(), SystemTime::now());
    response(rejected.reply())
}

/// A task that ends when nobody waits for it any more, as when the peer has gone.
struct Beside<T>(JoinHandle<T>);

impl<T> Drop for Beside<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The request once more, with its body from memory, as the route sees it. Its method is POST: no other is verified.
fn inner(
    path: &Peek,
    query: Option<String>,
    headers: HeaderMap,
    delivery: &Delivery,
) -> http::Request<Full<bytes::Bytes>> {
    let (path, query) = (path.as_str(), query.unwrap_or_default());
    let mut request = http::Request::new(Full::new(delivery.body().clone()));
    if !(path.is_empty() && query.is_empty()) {
        let separator = if query.is_empty() { "" } else { "?" };
        let target = format!("/{path}{separator}{query}");
        *request.uri_mut() = target.parse().unwrap_or_default(); // it is a part of a target that was parsed
    }
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers;
    request.extensions_mut().insert(delivery.clone());
    request
}
