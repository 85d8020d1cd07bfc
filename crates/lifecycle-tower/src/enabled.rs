//! `RequireEnabledLayer`: lets a request through to an app's ordinary routes while the app is enabled for its tenant.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::request::Parts;
use http::{Request, Response};
use lifecycle_core::{Reply, RequestBody, TenantGate, TenantKey};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::body::BytesOr;
use crate::receive::announced;
use crate::response::response;

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

/// The service of [`RequireEnabledLayer`], which see.
#[derive(Clone, Debug)]
pub struct RequireEnabled<S> {
    inner: S,
    layer: RequireEnabledLayer,
}

impl<S, B, ResBody> Service<Request<B>> for RequireEnabled<S>
where
    S: Service<Request<B>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<BytesOr<ResBody>>;
    type Error = S::Error;
    type Future = RequireEnabledFuture<S, B, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is called, and its clone stays to be polled; see `Lifecycle`.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let (head, body) = request.into_parts();
        let (gate, tenant) = (Arc::clone(&self.layer.gate), (self.layer.tenant)(&head));
        let admitting = Box::pin(async move { gate.admit(tenant).await });
        let unread = announced(&head);
        let request = Some(Request::from_parts(head, body));
        RequireEnabledFuture { stage: Stage::Admitting { admitting, request, unread, inner } }
    }
}

pin_project! {
    /// The future of [`RequireEnabled`].
    pub struct RequireEnabledFuture<S, B, F> {
        #[pin]
        stage: Stage<S, B, F>,
    }
}

type Admitting = Pin<Box<dyn Future<Output = Result<TenantKey, Reply>> + Send>>;

pin_project! {
    #[project = StageProjection]
    enum Stage<S, B, F> {
        Admitting { admitting: Admitting, request: Option<Request<B>>, unread: RequestBody, inner: S },
        Handling { #[pin] handling: F },
    }
}

impl<S, B, ResBody> Future for RequireEnabledFuture<S, B, S::Future>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
{
    type Output = Result<Response<BytesOr<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            match stage.as_mut().project() {
                StageProjection::Admitting { admitting, request, unread, inner } => {
                    let handling = match (ready!(admitting.as_mut().poll(cx)), request.take()) {
                        (Ok(tenant), Some(mut request)) => {
                            request.extensions_mut().insert(tenant);
                            inner.call(request)
                        }
                        (Err(reply), _) => {
                            return Poll::Ready(Ok(response(reply.after(*unread)).map(BytesOr::from)));
                        }
                        (Ok(_), None) => return Poll::Pending, // the request goes when the stage does
                    };
                    stage.set(Stage::Handling { handling });
                }
                StageProjection::Handling { handling } => {
                    return handling.poll(cx).map_ok(|response| response.map(BytesOr::new));
                }
            }
        }
    }
}

impl<S, B, F> fmt::Debug for RequireEnabledFuture<S, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireEnabledFuture").finish_non_exhaustive()
    }
}
