//! Verify: verification as a middleware around a route that exists already.

use http_body_util::Full;
use lifecycle_core::{
    Delivery, Method as PlatformMethod, RejectedRequest, Rejection, RequestOutcome, Verifier,
};
use tokio::task::JoinHandle;
use tower_service::Service;
use warp::filters::BoxedFilter;
use warp::http::{self, HeaderMap, Method};
use warp::path::Peek;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection as Reject};

use crate::receive::{Received, received};
use crate::rejection::recover;
use crate::response::response;

/// Lets only verified callbacks through to a route, which needs no change: it reads the request's method, headers,
/// query and body as if they came from the wire, with any of warp's filters.
///
/// The route finds the [`Delivery`] by `warp::ext::get::<Delivery>()`, its path is what the filters before have left
/// over, and its answer is sent as it is: give the platform the status that it takes as received. Its rejections are
/// answered here; those of [`payload`](crate::payload()), as by [`recover`]. It sees everything but
/// `warp::addr::remote()`. A rejected request never reaches it, nor any other route, so put a path before this.
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
    warp::path::peek()
        .and(received(verifier))
        .then(move |path, received| answer(route.clone(), path, received))
}

async fn answer(route: BoxedFilter<(Response,)>, path: Peek, received: Received) -> Response {
    let Received { mut exchange, result, query, headers } = received;
    let delivery = match result {
        Ok(delivery) => delivery,
        Err(unhandled) => return response(exchange.answer(Err(&unhandled))),
    };
    let inner = inner(&path, &query, headers, &delivery);
    // A route keeps its request in a thread-local while it is polled, so it cannot run within another, only in parallel.
    let mut task = Task(tokio::spawn(async move { warp::service(route).call(inner).await }));
    let rejection = match exchange.bound(&mut task.0).await {
        Some(Ok(Ok(response))) => {
            exchange.record(RequestOutcome::Answered(&delivery, Some(response.status().as_u16())));
            return response;
        }
        Some(Ok(Err(never))) => match never {},
        Some(Err(_panicked)) => Rejection::HandlerFailed,
        None => Rejection::DeadlineExceeded,
    };
    response(exchange.answer(Err(&RejectedRequest::after_body(rejection).into())))
}

/// A task that ends when nobody waits for it any more, as when the time is over or the peer has gone.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The request once more, with its body from memory, as the route sees it. Its method is the platform's: no other is verified.
fn inner(
    path: &Peek,
    query: &str,
    headers: HeaderMap,
    delivery: &Delivery,
) -> http::Request<Full<bytes::Bytes>> {
    let path = path.as_str();
    let mut request = http::Request::new(Full::new(delivery.body().clone()));
    if !(path.is_empty() && query.is_empty()) {
        let separator = if query.is_empty() { "" } else { "?" };
        let target = format!("/{path}{separator}{query}");
        *request.uri_mut() = target.parse().unwrap_or_default(); // it is a part of a target that was parsed
    }
    *request.method_mut() = match delivery.platform().method() {
        PlatformMethod::Get => Method::GET,
        _ => Method::POST,
    };
    *request.headers_mut() = headers;
    request.extensions_mut().insert(delivery.clone());
    request
}
