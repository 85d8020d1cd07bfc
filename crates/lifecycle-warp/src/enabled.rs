//! `require_enabled`: a filter that lets a request through while the app is enabled for its tenant.

use std::sync::Arc;

use lifecycle_core::{Reply, RequestBody, TenantGate, TenantKey};
use warp::http::HeaderMap;
use warp::{Filter, Rejection as Reject};

use crate::receive::header_lines;
use crate::rejection::VerifiedRejection;

/// Extracts the tenant of a request to one of the app's ordinary routes, and rejects it with [`VerifiedRejection::Gate`] while the
/// app is not enabled for that tenant. Put [`recover`](crate::recover) on the same route: the gate's answer then goes out
/// there, 403 with the code `not-enabled` as a rule.
///
/// A filter of the app says which tenant a request is for. Read there what the caller has *proven*, such as the app's
/// own session: whoever may name the tenant freely may name one that is enabled. With `None` the answer is `not-enabled`
/// too; what the filter rejects stays rejected as it is.
///
/// Any gate does: `EnabledGate` of `lifecycle-inbox`, or the app's own.
///
/// ```
/// use lifecycle_core::{Reply, TenantGate, TenantKey, async_trait};
/// use lifecycle_warp::{recover, require_enabled};
/// use warp::Filter;
///
/// /// The customer of a session; the app's own authentication.
/// fn customer(cookie: Option<String>) -> Option<String> {
///     cookie.filter(|session| session == "b5ea7b1a").map(|_| "t1".to_owned())
/// }
///
/// struct OneTenant; // instead: `EnabledGate::new(store)`
///
/// #[async_trait]
/// impl TenantGate for OneTenant {
///     async fn check(&self, tenant: &TenantKey) -> Result<(), Reply> {
///         if tenant.tenant == "t1" { Ok(()) } else { Err(Reply::not_enabled()) }
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let tenant = warp::cookie::optional("session")
///     .map(|cookie| customer(cookie).map(|customer| TenantKey::new("seismic", "my-app", customer)));
/// let route = warp::path!("features")
///     .and(require_enabled(OneTenant, tenant))
///     .map(|tenant: TenantKey| format!("the features of {}", tenant.tenant))
///     .recover(recover);
///
/// let request = warp::test::request().path("/features");
/// assert_eq!(request.header("cookie", "session=b5ea7b1a").reply(&route).await.body(), "the features of t1");
/// assert_eq!(warp::test::request().path("/features").reply(&route).await.status(), 403);
/// # });
/// ```
pub fn require_enabled<T: Into<Option<TenantKey>> + Send + 'static>(
    gate: impl TenantGate,
    tenant: impl Filter<Extract = (T,), Error: Into<Reject>> + Send + Sync + 'static,
) -> impl Filter<Extract = (TenantKey,), Error = Reject> + Clone {
    let gate: Arc<dyn TenantGate> = Arc::new(gate);
    tenant.boxed().and(warp::header::headers_cloned()).and_then(move |tenant: T, headers: HeaderMap| {
        let (gate, tenant) = (Arc::clone(&gate), tenant.into());
        let refused = move |reply: Reply| {
            Reject::from(VerifiedRejection::Gate(reply.after(RequestBody::announced(header_lines(&headers)))))
        };
        async move { gate.admit(tenant).await.map_err(refused) }
    })
}
