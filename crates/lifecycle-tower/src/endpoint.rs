//! `LifecycleEndpoint`: a handler as a whole service.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use lifecycle_core::{
    Delivery, EndpointHandler, RejectedRequest, Rejection, RequestOutcome, Unhandled, Verifier, run_handler,
};
use tower::Service;

use crate::deadline::Deadline;
use crate::receive::{BoxError, Receive};
use crate::response::{answer, response};

/// Receives callbacks for a handler: verifies each, asks the handler within the timeout, answers as the platform demands.
///
/// Give it the inbox of `lifecycle-inbox`, or, where its work is quick, a
/// [`LifecycleHandler`](lifecycle_core::LifecycleHandler) itself. Mount it for every method (axum: `route_service` or
/// `any_service`), so that a GET gets its 405 from here too. A handler that is over the timeout is dropped where it awaits, and
/// so is one whose caller hangs up: what must happen belongs behind an inbox.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::Full;
/// use lifecycle_core::{LifecycleHandler, Verifier, Secret, seismic};
/// use lifecycle_tower::LifecycleEndpoint;
/// use tower::ServiceExt;
///
/// struct AcceptAll;
/// impl LifecycleHandler for AcceptAll {}
///
/// let secret = Secret::new("s3cr3t")?;
/// let body = r#"{"type":"install","appId":"a1","tenantId":"t1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body.as_bytes());
/// let endpoint = LifecycleEndpoint::new(Verifier::new(&seismic::PLATFORM, secret, "a1")?, AcceptAll);
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// let body = Full::<Bytes>::from(body);
/// let request = Request::post("/seismic").header("x-seismic-signature", signature).body(body)?;
/// assert_eq!(runtime.block_on(endpoint.oneshot(request))?.status(), 202);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LifecycleEndpoint(Arc<Endpoint>);

struct Endpoint {
    verifier: Verifier,
    handler: Box<dyn EndpointHandler>,
}

impl LifecycleEndpoint {
    /// Receives by this verifier, for this handler.
    pub fn new(verifier: Verifier, handler: impl EndpointHandler) -> Self {
        Self(Arc::new(Endpoint { verifier, handler: Box::new(handler) }))
    }
}

impl<B> Service<Request<B>> for LifecycleEndpoint
where
    B: Body + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = EndpointFuture<B>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, body) = request.into_parts();
        EndpointFuture {
            endpoint: self.0.clone(),
            deadline: Deadline::after(self.0.verifier.timeout()),
            stage: Stage::Receiving(Receive::new(&self.0.verifier, &head, body)),
        }
    }
}

/// The future of [`LifecycleEndpoint`].
pub struct EndpointFuture<B> {
    endpoint: Arc<Endpoint>,
    deadline: Deadline,
    stage: Stage<B>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "the server boxes the whole future; a second box would only add to it"
)]
enum Stage<B> {
    Receiving(Receive<B>),
    Handling(Pin<Box<dyn Future<Output = Result<Delivery, Rejection>> + Send>>),
}

impl<B> Future for EndpointFuture<B>
where
    B: Body + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let outcome = loop {
            match &mut this.stage {
                Stage::Receiving(receiving) => match ready!(receiving.poll(&mut this.deadline, cx)) {
                    Ok(delivery) => {
                        let (endpoint, within) = (this.endpoint.clone(), this.deadline.left());
                        this.stage = Stage::Handling(Box::pin(async move {
                            run_handler(&*endpoint.handler, &delivery, within).await.map(|()| delivery)
                        }));
                    }
                    Err(unhandled) => break Err(unhandled),
                },
                Stage::Handling(handling) => {
                    let handled = ready!(this.deadline.poll(handling.as_mut(), cx));
                    let handled = handled.unwrap_or(Err(Rejection::DeadlineExceeded));
                    break handled
                        .map_err(|rejection| Unhandled::from(RejectedRequest::after_body(rejection)));
                }
            }
        };
        let elapsed = this.deadline.elapsed();
        Poll::Ready(Ok(match outcome {
            Ok(delivery) => {
                let outcome = RequestOutcome::of(Ok(&delivery));
                this.endpoint.verifier.record(outcome, elapsed, SystemTime::now());
                response(outcome.reply())
            }
            Err(unhandled) => answer(&this.endpoint.verifier, unhandled, elapsed),
        }))
    }
}

impl<B> fmt::Debug for EndpointFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointFuture").field("verifier", &self.endpoint.verifier).finish_non_exhaustive()
    }
}

impl fmt::Debug for LifecycleEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifecycleEndpoint").field("verifier", &self.0.verifier).finish_non_exhaustive()
    }
}
