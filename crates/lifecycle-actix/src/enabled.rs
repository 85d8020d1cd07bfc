//! `require_enabled`: middleware that lets a request through while the app is enabled for its tenant.

use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpMessage, HttpRequest};
use lifecycle_core::{TenantGate, TenantKey};

use crate::receive::response_before_body;

/// Middleware for an app's ordinary routes. While the app is not enabled for a request's tenant, the gate's answer goes
/// out in place of the route's: 403 with the code `not-enabled` as a rule.
///
/// A function of the app says from the head of the request which tenant it is for. Read there what the caller has
/// *proven*, such as the user that a middleware further out left in the extensions: whoever may name the tenant freely
/// may name one that is enabled. With `None` the answer is `not-enabled` too.
///
/// The routes inside get the request as it came, with its [`TenantKey`] in the extensions. Any gate does: `EnabledGate`
/// of `lifecycle-inbox`, or the app's own. Each worker of a server wraps for itself, so give it a clone or an `Arc`.
///
/// ```
/// use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, test, web};
/// use lifecycle_actix::require_enabled;
/// use lifecycle_core::{Reply, TenantGate, TenantKey, async_trait};
/// use std::sync::Arc;
///
/// /// The customer whose session this is, as the app's own authentication found out.
/// struct Customer(String);
///
/// fn tenant(request: &HttpRequest) -> Option<TenantKey> {
///     let extensions = request.extensions();
///     let customer = extensions.get::<Customer>()?;
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
/// # actix_web::rt::System::new().block_on(async {
/// let gate = Arc::new(Closed);
/// let features = web::resource("/features").wrap(require_enabled(Arc::clone(&gate), tenant));
/// let app = App::new().service(features.route(web::get().to(HttpResponse::Ok)));
///
/// let request = test::TestRequest::get().uri("/features").to_request();
/// request.extensions_mut().insert(Customer("t1".into()));
/// assert_eq!(test::call_service(&test::init_service(app).await, request).await.status(), 403);
/// # });
/// ```
pub fn require_enabled<S, B>(
    gate: impl TenantGate,
    tenant: impl Fn(&HttpRequest) -> Option<TenantKey> + 'static,
) -> impl Transform<S, ServiceRequest, Response = ServiceResponse<EitherBody<B>>, Error = Error, InitError = ()>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    let gate: Arc<dyn TenantGate> = Arc::new(gate);
    from_fn(move |mut request: ServiceRequest, next: Next<B>| {
        let (gate, tenant) = (Arc::clone(&gate), tenant(request.request()));
        async move {
            match gate.admit(tenant).await {
                Ok(tenant) => {
                    request.extensions_mut().insert(tenant);
                    next.call(request).await.map(ServiceResponse::map_into_left_body)
                }
                Err(reply) => {
                    let body = request.take_payload();
                    let response = response_before_body(request.request(), body, reply);
                    Ok(request.into_response(response).map_into_right_body())
                }
            }
        }
    })
}
