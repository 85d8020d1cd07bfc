//! `LifecycleEndpoint`: the endpoint face, a handler as a whole service.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use lifecycle_core::{LifecycleHandler, Receiver, Rejection, respond};
use tower::Service;

use crate::deadline::Deadline;
use crate::receive::{BoxError, Receive};
use crate::response::{refuse, response};

/// Receives callbacks for a handler: verifies each, runs the handler within the budget, answers as the platform demands.
///
/// Mount it for every method (axum: `route_service` or `any_service`), so that a GET gets its 405 from here too. A
/// handler that is over the budget is dropped where it awaits, and so is one whose caller hangs up: what must happen
/// belongs into a queue or a transaction.
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::Full;
/// use lifecycle_core::{LifecycleHandler, Receiver, Secret, seismic};
/// use lifecycle_tower::LifecycleEndpoint;
/// use tower::ServiceExt;
///
/// struct AcceptAll;
/// impl LifecycleHandler for AcceptAll {}
///
/// let secret = Secret::new("s3cr3t")?;
/// let body = r#"{"type":"install","appId":"a1","tenantId":"t1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body.as_bytes());
/// let endpoint = LifecycleEndpoint::new(Receiver::new(&seismic::PLATFORM, secret), AcceptAll);
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// let body = Full::<Bytes>::from(body);
/// let request = Request::post("/seismic").header("x-seismic-signature", signature).body(body)?;
/// assert_eq!(runtime.block_on(endpoint.oneshot(request))?.status(), 202);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LifecycleEndpoint {
    receiver: Receiver,
    handler: Arc<dyn LifecycleHandler>,
}

impl LifecycleEndpoint {
    /// Receives by this receiver, for this handler.
    pub fn new(receiver: Receiver, handler: impl LifecycleHandler) -> Self {
        Self { receiver, handler: Arc::new(handler) }
    }
}

impl<B> Service<Request<B>> for LifecycleEndpoint
where
    B: Body + Unpin + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self { receiver, handler } = self.clone();
        let receive = Receive::new(&receiver, request);
        let deadline = Deadline::after(receiver.time_budget());
        Box::pin(async move {
            let mut deadline = pin!(deadline);
            let received = deadline.as_mut().bound(receive).await.unwrap_or(Err(Rejection::BodyTimeout));
            let outcome = match &received {
                Ok((_head, delivery)) => {
                    let handled = deadline.as_mut().bound(respond(&*handler, delivery)).await;
                    handled.unwrap_or(Err(Rejection::DeadlineExceeded)).map(|()| delivery)
                }
                Err(rejection) => Err(rejection.clone()),
            };
            let elapsed = deadline.elapsed();
            Ok(match outcome {
                Ok(delivery) => response(receiver.answer(Ok(delivery), elapsed)),
                Err(rejection) => refuse(&receiver, rejection, elapsed),
            })
        })
    }
}

impl fmt::Debug for LifecycleEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifecycleEndpoint").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}
