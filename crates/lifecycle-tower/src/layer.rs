//! `LifecycleLayer`: verify as a layer over routes that exist already.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use lifecycle_core::{Delivery, RejectedRequest, Rejection, RequestOutcome, Unhandled, Verifier};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::body::BytesOr;
use crate::deadline::Deadline;
use crate::receive::{BoxError, Receive};
use crate::response::answer;

/// Lets only verified callbacks through to the service inside.
///
/// The inner service gets the request as it came: same head, same body type, same bytes, and a
/// [`Delivery`] in the extensions. It answers for itself (Seismic takes nothing but 202 as received) within what is left
/// of the timeout; then the platform gets a 503. A refused response has its [`Rejection`] in the extensions, so that
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

/// The service of [`LifecycleLayer`], which see.
#[derive(Clone, Debug)]
pub struct Lifecycle<S> {
    inner: S,
    verifier: Verifier,
}

impl<S, B, ResBody> Service<Request<B>> for Lifecycle<S>
where
    S: Service<Request<B>, Response = Response<ResBody>> + Clone,
    B: Body + From<Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<BytesOr<ResBody>>;
    type Error = S::Error;
    type Future = LifecycleFuture<S, B, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // Only the service that was polled ready may be called, and a clone of it is not ready: it may have taken a
        // permit that the clone lacks. So the ready one goes, and the clone stays to be polled.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let (head, body) = request.into_parts();
        let receiving = Receive::new(&self.verifier, &head, body);
        LifecycleFuture {
            deadline: Deadline::after(self.verifier.timeout()),
            stage: Stage::Receiving { head: Some(head), receiving, inner },
            verifier: self.verifier.clone(),
        }
    }
}

pin_project! {
    /// The future of [`Lifecycle`].
    pub struct LifecycleFuture<S, B, F> {
        verifier: Verifier,
        deadline: Deadline,
        #[pin]
        stage: Stage<S, B, F>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, B, F> {
        Receiving { head: Option<Parts>, receiving: Receive<B>, inner: S },
        Handling { #[pin] handling: F, delivery: Delivery },
    }
}

impl<S, B, ResBody> Future for LifecycleFuture<S, B, S::Future>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    B: Body + From<Bytes> + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<BytesOr<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let unhandled = loop {
            match this.stage.as_mut().project() {
                StageProjection::Receiving { head, receiving, inner } => {
                    let received = ready!(receiving.poll(this.deadline, cx));
                    match (received, head.take()) {
                        (Ok(delivery), Some(mut head)) => {
                            head.extensions.insert(delivery.clone());
                            let body = B::from(delivery.body().clone());
                            let handling = inner.call(Request::from_parts(head, body));
                            this.stage.set(Stage::Handling { handling, delivery });
                        }
                        (Ok(_), None) => break RejectedRequest::from(Rejection::BodyUnreadable).into(), // polled after it resolved
                        (Err(unhandled), _) => break unhandled,
                    }
                }
                StageProjection::Handling { handling, delivery } => {
                    let handled = ready!(this.deadline.poll(handling, cx));
                    let elapsed = this.deadline.elapsed();
                    match handled {
                        Some(Ok(response)) => {
                            let status = response.status().as_u16();
                            let outcome = RequestOutcome::Answered(delivery, Some(status));
                            this.verifier.record(outcome, elapsed, SystemTime::now());
                            return Poll::Ready(Ok(response.map(BytesOr::new)));
                        }
                        Some(Err(error)) => {
                            let failed = RejectedRequest::after_body(Rejection::HandlerFailed);
                            let outcome = RequestOutcome::Rejected(&failed);
                            this.verifier.record(outcome, elapsed, SystemTime::now());
                            return Poll::Ready(Err(error));
                        }
                        None => {
                            break Unhandled::from(RejectedRequest::after_body(Rejection::DeadlineExceeded));
                        }
                    }
                }
            }
        };
        Poll::Ready(Ok(answer(this.verifier, unhandled, this.deadline.elapsed()).map(BytesOr::from)))
    }
}

impl<S, B, F> fmt::Debug for LifecycleFuture<S, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifecycleFuture").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}
