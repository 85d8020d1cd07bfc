//! The extractors for axum.

use std::fmt;
use std::future::Future;
use std::ops::Deref;

use axum_core::extract::{FromRef, FromRequest, FromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use lifecycle_core::{Delivery, RejectedRequest, Reply, RequestBody, Unhandled, Verifier};
use serde::de::DeserializeOwned;

use crate::receive::received;
use crate::response::response;

/// The delivery that a [`LifecycleLayer`](crate::LifecycleLayer) has verified, and its payload as the platform's own type.
///
/// Without the payload, take axum's `Extension<Delivery>`. It stands in for axum's `Json<T>`, which answers 415 to a callback without `content-type: application/json`. No
/// platform documents a content type, and on Seismic that 415 blocks an administrator. What is read is what was verified,
/// and nothing else is asked of the request.
///
/// ```
/// use axum::{Router, body::Body, http::{Request, StatusCode}, routing::post};
/// use lifecycle_core::{Verifier, Secret, seismic};
/// use lifecycle_tower::{LifecycleLayer, axum::DeliveryJson};
/// use tower::ServiceExt;
///
/// async fn audit(DeliveryJson(callback, _delivery): DeliveryJson<seismic::Callback>) -> (StatusCode, String) {
///     (StatusCode::ACCEPTED, callback.user_id.unwrap_or_default())
/// }
///
/// let secret = Secret::new("s3cr3t")?;
/// let verifier = Verifier::new(&seismic::PLATFORM, secret.clone(), "a1")?;
/// let app: Router = Router::new().route("/seismic", post(audit).layer(LifecycleLayer::new(verifier)));
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// let body = r#"{"type":"install","appId":"a1","tenantId":"t1","userId":"u1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body.as_bytes());
/// let request = Request::post("/seismic").header("x-seismic-signature", signature).body(Body::from(body))?;
/// assert_eq!(runtime.block_on(app.oneshot(request))?.status(), 202); // without a content type
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`VerifiedRejection::LayerMissing`]; [`VerifiedRejection::Unhandled`] with `undecodable` (422) when the payload is not a `T`.
#[derive(Clone)]
pub struct DeliveryJson<T>(pub T, pub Delivery);

/// Without the payload.
impl<T> fmt::Debug for DeliveryJson<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeliveryJson").field(&self.1).finish_non_exhaustive()
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for DeliveryJson<T> {
    type Rejection = VerifiedRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, VerifiedRejection> {
        let delivery = parts.extensions.get::<Delivery>().cloned().ok_or(VerifiedRejection::LayerMissing)?;
        Ok(Self(delivery.decode()?, delivery))
    }
}

/// A delivery, verified by the extractor itself, with the [`Verifier`] that the route's state is or holds.
///
/// It takes the body: the route reads it from [`Delivery::body`], and no other extractor may read it. The
/// timeout covers the body only. The route's own time is not limited, nor is its answer seen, so use
/// [`LifecycleLayer`](crate::LifecycleLayer) or [`LifecycleEndpoint`](crate::LifecycleEndpoint) where the platform blocks
/// an administrator for a late one.
///
/// Mount it with `any`: then other methods get this library's 405. With `post` they get axum's.
///
/// ```
/// use axum::{Router, body::Body, extract::FromRef, http::{Request, StatusCode}, routing::any};
/// use lifecycle_core::{Verifier, Secret, seismic};
/// use lifecycle_tower::axum::Verified;
/// use tower::ServiceExt;
///
/// #[derive(Clone)]
/// struct App {
///     seismic: Verifier, // and the rest of the app's state
/// }
///
/// impl FromRef<App> for Verifier {
///     fn from_ref(app: &App) -> Self {
///         app.seismic.clone()
///     }
/// }
///
/// async fn callback(Verified(delivery): Verified) -> (StatusCode, String) {
///     (StatusCode::ACCEPTED, delivery.event().tenant().to_owned())
/// }
///
/// let secret = Secret::new("s3cr3t")?;
/// let app = App { seismic: Verifier::new(&seismic::PLATFORM, secret.clone(), "a1")? };
/// let routes = Router::new().route("/seismic", any(callback)).with_state(app);
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// let body = r#"{"type":"install","appId":"a1","tenantId":"t1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body.as_bytes());
/// let request = Request::post("/seismic").header("x-seismic-signature", signature).body(Body::from(body))?;
/// assert_eq!(runtime.block_on(routes.oneshot(request))?.status(), 202);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`VerifiedRejection::Unhandled`].
#[derive(Clone, Debug)]
pub struct Verified(pub Delivery);

impl<S: Sync> FromRequest<S> for Verified
where
    Verifier: FromRef<S>,
{
    type Rejection = VerifiedRejection;

    fn from_request(
        request: Request,
        state: &S,
    ) -> impl Future<Output = Result<Self, VerifiedRejection>> + Send {
        let extracted = extracted(&Verifier::from_ref(state), request, |_| Ok(()));
        async { extracted.await.map(|((), delivery)| Self(delivery)) }
    }
}

/// [`Verified`], and its payload as the platform's own type: for [`DeliveryJson`], without a layer.
///
/// ```
/// use axum::{Router, http::StatusCode, routing::any};
/// use lifecycle_core::{Verifier, Secret, seismic};
/// use lifecycle_tower::axum::VerifiedJson;
///
/// async fn callback(VerifiedJson(callback, delivery): VerifiedJson<seismic::Callback>) -> StatusCode {
///     assert_eq!(callback.tenant_id.as_deref(), Some(delivery.event().tenant()));
///     StatusCode::ACCEPTED
/// }
///
/// let verifier = Verifier::new(&seismic::PLATFORM, Secret::new("s3cr3t")?, "a1")?;
/// let routes: Router = Router::new().route("/seismic", any(callback)).with_state(verifier);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`VerifiedRejection::Unhandled`], with `undecodable` (422) when the payload is not a `T`.
#[derive(Clone)]
pub struct VerifiedJson<T>(pub T, pub Delivery);

/// Without the payload.
impl<T> fmt::Debug for VerifiedJson<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedJson").field(&self.1).finish_non_exhaustive()
    }
}

impl<S: Sync, T: DeserializeOwned + Send> FromRequest<S> for VerifiedJson<T>
where
    Verifier: FromRef<S>,
{
    type Rejection = VerifiedRejection;

    fn from_request(
        request: Request,
        state: &S,
    ) -> impl Future<Output = Result<Self, VerifiedRejection>> + Send {
        let extracted = extracted(&Verifier::from_ref(state), request, |delivery| delivery.decode::<T>());
        async { extracted.await.map(|(payload, delivery)| Self(payload, delivery)) }
    }
}

// Not an `async fn`: its future would hold the whole request.
fn extracted<T: Send>(
    verifier: &Verifier,
    request: Request,
    read: fn(&Delivery) -> Result<T, RejectedRequest>,
) -> impl Future<Output = Result<(T, Delivery), VerifiedRejection>> + Send + use<T> {
    let (head, body) = request.into_parts();
    let received = received(verifier, &head, body);
    async move {
        let (exchange, received) = received.await;
        Ok(exchange.extract(received, read)?)
    }
}

impl Deref for Verified {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        &self.0
    }
}

/// Why an extractor rejected a request. A route that wants to answer in its own way takes a `Result<Verified, VerifiedRejection>`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifiedRejection {
    /// No layer has verified the request, and the route takes [`DeliveryJson`]: the app's own mistake. 500, `verifier-missing`.
    #[error("{CURE}")]
    LayerMissing,
    /// The callback was rejected, or it is a handshake. The response to a rejected one has the
    /// [`Rejection`](lifecycle_core::Rejection) in its extensions too.
    #[error(transparent)]
    Unhandled(#[from] Unhandled),
}

const CURE: &str = "add a `LifecycleLayer` to the route: its handler takes `DeliveryJson`";

impl VerifiedRejection {
    /// The answer, in the same bytes from every adapter.
    pub fn reply(&self) -> Reply {
        match self {
            Self::LayerMissing => Reply::verifier_missing(CURE).after(RequestBody::Unread),
            Self::Unhandled(unhandled) => unhandled.reply(),
        }
    }
}

impl From<RejectedRequest> for VerifiedRejection {
    fn from(rejected: RejectedRequest) -> Self {
        Self::Unhandled(rejected.into())
    }
}

impl IntoResponse for VerifiedRejection {
    fn into_response(self) -> Response {
        let mut response = response(self.reply());
        if let Self::Unhandled(Unhandled::Rejected(rejected)) = self {
            response.extensions_mut().insert(rejected.rejection);
        }
        response.into_response()
    }
}
