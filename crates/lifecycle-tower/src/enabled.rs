//! `RequireEnabledLayer`: lets a request through to an app's ordinary routes while the app is enabled for its tenant.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response};
use lifecycle_core::{TenantGate, TenantKey};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::BytesOr;
use crate::future::{ResponseFuture, take_ready};
use crate::response::response_before_body;

/// Lets a request through while the app is enabled for its tenant; else the gate's answer goes out, 403 with the code
/// `not-enabled` as a rule.
///
/// A function of the app says from the head of the request which tenant it is for. Read there what the caller has
/// *proven*, such as the user that a layer further out left in the extensions: whoever may name the tenant freely may
/// name one that is enabled. With `None` the answer is `not-enabled` too.
///
/// The service inside gets the request as it came, with its [`TenantKey`] in the extensions. Any gate does:
/// `EnabledGate` of `lifecycle-inbox`, or the app's own.
///
/// ```
/// use bytes::Bytes;
/// use http::request::Parts;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use lifecycle_core::{Reply, TenantGate, TenantKey, async_trait};
/// use lifecycle_tower::RequireEnabledLayer;
/// use std::convert::Infallible;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// /// The customer whose session this is, as the app's own authentication found out.
/// #[derive(Clone)]
/// struct Customer(String);
///
/// fn tenant(head: &Parts) -> Option<TenantKey> {
///     let customer = head.extensions.get::<Customer>()?;
///     Some(TenantKey::new("seismic", "my-app", &*customer.0))
/// }
///
/// struct Closed; // instead: `EnabledGate::new(store)`
///
/// #[async_trait]
/// impl TenantGate for Closed {
///     async fn check(&self, _tenant: &TenantKey) -> Result<(), Reply> {
///         Err(Reply::not_enabled())
///     }
/// }
///
/// let service = ServiceBuilder::new().layer(RequireEnabledLayer::new(Closed, tenant)).service_fn(
///     async |_: Request<Full<Bytes>>| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())),
/// );
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let request = Request::get("/features").extension(Customer("t1".into())).body(Full::default())?;
/// assert_eq!(runtime.block_on(service.oneshot(request))?.status(), 403);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RequireEnabledLayer {
    gate: Arc<dyn TenantGate>,
    tenant: Arc<TenantOf>,
}

type TenantOf = dyn Fn(&Parts) -> Option<TenantKey> + Send + Sync;

impl RequireEnabledLayer {
    /// Asks this gate about the tenant that the function finds in a request's head.
    pub fn new(
        gate: impl TenantGate,
        tenant: impl Fn(&Parts) -> Option<TenantKey> + Send + Sync + 'static,
    ) -> Self {
        Self { gate: Arc::new(gate), tenant: Arc::new(tenant) }
    }
}

impl<S> Layer<S> for RequireEnabledLayer {
    type Service = RequireEnabled<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireEnabled { inner, layer: self.clone() }
    }
}

impl fmt::Debug for RequireEnabledLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireEnabledLayer").finish_non_exhaustive()
    }
}

/// The service of [`RequireEnabledLayer`].
#[derive(Clone, Debug)]
pub struct RequireEnabled<S> {
    inner: S,
    layer: RequireEnabledLayer,
}

impl<S, B, ResBody> Service<Request<B>> for RequireEnabled<S>
where
    S: Service<Request<B>, Response = Response<ResBody>, Future: Send> + Clone + Send + 'static,
    B: Send + 'static,
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
        let (gate, tenant) = (Arc::clone(&self.layer.gate), (self.layer.tenant)(&head));
        ResponseFuture::new(async move {
            match gate.admit(tenant).await {
                Ok(tenant) => {
                    head.extensions.insert(tenant);
                    inner
                        .call(Request::from_parts(head, body))
                        .await
                        .map(|response| response.map(BytesOr::new))
                }
                Err(reply) => Ok(response_before_body(&head, reply).map(BytesOr::from)),
            }
        })
    }
}
