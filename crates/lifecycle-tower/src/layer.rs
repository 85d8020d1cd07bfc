//! `LifecycleLayer`: verification as a layer over routes that exist already.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use lifecycle_core::{RejectedRequest, Rejection, RequestOutcome, Verifier};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::BytesOr;
use crate::future::{ResponseFuture, take_ready};
use crate::receive::{BoxError, received};
use crate::response::answer;

/// Lets only verified callbacks through to the service inside.
///
/// The inner service gets the request as it came: same head, same body type, same bytes, and a
/// [`Delivery`](lifecycle_core::Delivery) in the extensions. It answers for itself (Seismic takes nothing but 202 as received) within what is left
/// of the timeout; then the platform gets a 503. The response to a rejected request has its [`Rejection`] in the extensions, so that
/// layers further out can see why. An error of the inner service passes through and is recorded as `handler-failed`.
///
/// Do not take the payload by axum's `Json<T>`: it tempts, and it answers 415 to a callback without a content type, which
/// none of the platforms documents. On Seismic that blocks an administrator. `DeliveryJson` of the feature `axum` reads the same and asks for
/// none; without axum, `Delivery::decode` does.
///
/// A request body is anything that can be built from bytes, such as axum's; see [`BytesOr`] for hyper's.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use lifecycle_core::{Delivery, Verifier, Rejection, Secret, seismic};
/// use lifecycle_tower::LifecycleLayer;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// let verifier = Verifier::new(&seismic::PLATFORM, Secret::new("s3cr3t")?, "a1")?;
/// let service = ServiceBuilder::new().layer(LifecycleLayer::new(verifier)).service_fn(
///     async |request: Request<Full<Bytes>>| {
///         assert!(request.extensions().get::<Delivery>().is_some());
///         Response::builder().status(202).body(Full::<Bytes>::default())
///     },
/// );
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// let forged = Request::post("/").header("x-seismic-signature", "00").body(Full::from("{}"))?;
/// let response = runtime.block_on(service.oneshot(forged))?;
/// assert_eq!(response.status(), 401);
/// assert_eq!(response.extensions().get(), Some(&Rejection::SignatureMismatch));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LifecycleLayer {
    verifier: Verifier,
}

impl LifecycleLayer {
    /// Verifies by this verifier.
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier }
    }
}

impl<S> Layer<S> for LifecycleLayer {
    type Service = Lifecycle<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Lifecycle { inner, verifier: self.verifier.clone() }
    }
}

/// The service of [`LifecycleLayer`].
#[derive(Clone, Debug)]
pub struct Lifecycle<S> {
    inner: S,
    verifier: Verifier,
}

impl<S, B, ResBody> Service<Request<B>> for Lifecycle<S>
where
    S: Service<Request<B>, Response = Response<ResBody>, Future: Send> + Clone + Send + 'static,
    B: Body + From<Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<BytesOr<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<BytesOr<ResBody>, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut inner = take_ready(&mut self.inner);
        let (mut head, body) = request.into_parts();
        let received = received(&self.verifier, &head, body);
        ResponseFuture::new(async move {
            let (mut exchange, received) = received.await;
            let delivery = match received {
                Ok(delivery) => delivery,
                unhandled => return Ok(answer(&exchange, unhandled).map(BytesOr::from)),
            };
            head.extensions.insert(delivery.clone());
            let request = Request::from_parts(head, B::from(delivery.body().clone()));
            match exchange.bound(inner.call(request)).await {
                Some(Ok(response)) => {
                    let status = response.status().as_u16();
                    exchange.record(RequestOutcome::Answered(&delivery, Some(status)));
                    Ok(response.map(BytesOr::new))
                }
                Some(Err(error)) => {
                    let failed = RejectedRequest::after_body(Rejection::HandlerFailed);
                    exchange.record(RequestOutcome::Rejected(&failed));
                    Err(error)
                }
                None => {
                    let late = RejectedRequest::after_body(Rejection::DeadlineExceeded);
                    Ok(answer(&exchange, Err(late.into())).map(BytesOr::from))
                }
            }
        })
    }
}
