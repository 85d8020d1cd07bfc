//! `LifecycleEndpoint`: a handler as a whole service.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use lifecycle_core::{EndpointHandler, Verifier};
use tower_service::Service;

use crate::body::ResponseBody;
use crate::future::ResponseFuture;
use crate::receive::{BoxError, received};
use crate::response::answer;

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
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture<ResponseBody, Infallible>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let endpoint = self.0.clone();
        let (head, body) = request.into_parts();
        let received = received(&endpoint.verifier, &head, body);
        ResponseFuture::new(async move {
            let (mut exchange, received) = received.await;
            let result = exchange.handle(received, &*endpoint.handler).await;
            Ok(answer(&exchange, result))
        })
    }
}

impl fmt::Debug for LifecycleEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifecycleEndpoint").field("verifier", &self.0.verifier).finish_non_exhaustive()
    }
}
