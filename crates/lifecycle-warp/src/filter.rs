//! Filters that extract: a verified callback, and its payload as a type.

use lifecycle_core::{Delivery, Verifier};
use serde::de::DeserializeOwned;
use warp::{Filter, Rejection as Reject};

use crate::receive::{Received, received};
use crate::rejection::VerifiedRejection;

/// Extracts a callback that is verified, and rejects with [`VerifiedRejection`] what is not.
///
/// The request's body is read here; the route has it as [`Delivery::body`]. Put [`recover`](crate::recover) on the
/// same route: what is rejected then gets its answer there and falls through to no other route. Without any `recover`,
/// warp answers 500.
///
/// The timeout covers the body only: a filter can neither limit the time of what comes after it nor see its answer.
/// Use [`verify`](crate::verify()) or [`endpoint`](crate::endpoint()) where the platform blocks an administrator for a
/// late one.
///
/// ```
/// use lifecycle_core::{Delivery, Verifier, Secret, seismic};
/// use lifecycle_warp::{recover, verified};
/// use warp::{Filter, http::StatusCode};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let verifier = Verifier::new(&seismic::PLATFORM, Secret::new("s3cr3t")?, "a1")?;
/// let route = warp::path!("seismic")
///     .and(verified(verifier))
///     .map(|delivery: Delivery| {
///         println!("{} for {}", delivery.event().kind(), delivery.event().tenant());
///         StatusCode::ACCEPTED
///     })
///     .recover(recover);
///
/// let answer = warp::test::request().method("POST").path("/seismic").reply(&route).await;
/// assert_eq!(answer.status(), 401);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub fn verified(verifier: Verifier) -> impl Filter<Extract = (Delivery,), Error = Reject> + Clone {
    received(verifier).and_then(async |Received { exchange, result, .. }| {
        let ((), delivery) = exchange.extract(result, |_| Ok(())).map_err(VerifiedRejection::Unhandled)?;
        Ok::<_, Reject>(delivery)
    })
}

/// The payload of a verified delivery as the platform's own type, for `and_then`; rejects with [`VerifiedRejection`] what is not a
/// `T`: 422, `undecodable`.
///
/// It stands in for `warp::body::json()`, which refuses a callback with another content type than JSON's. No platform
/// documents a content type, and on Seismic that refusal blocks an administrator. What is read is what was verified, and
/// nothing else is asked of the request.
///
/// ```
/// use lifecycle_core::{Delivery, Verifier, Secret, seismic};
/// use lifecycle_warp::{payload, recover, verified, verify};
/// use warp::{Filter, http::StatusCode};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let accept = |callback: seismic::Callback| {
///     println!("by {}", callback.user_id.unwrap_or_default());
///     StatusCode::ACCEPTED
/// };
/// let secret = Secret::new("s3cr3t")?;
/// let verifier = Verifier::new(&seismic::PLATFORM, secret.clone(), "a1")?;
///
/// // In a chain of filters, ...
/// let chain = verified(verifier.clone()).and_then(payload).map(accept).recover(recover);
/// // ... and in the route inside `verify`.
/// let inside = warp::ext::get::<Delivery>().and_then(payload).map(accept);
/// let routes = warp::path!("chain").and(chain).or(warp::path!("inside").and(verify(verifier, inside)));
///
/// let body = r#"{"type":"install","appId":"a1","tenantId":"t1","userId":"u1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body.as_bytes());
/// for path in ["/chain", "/inside"] {
///     let request = warp::test::request().method("POST").path(path).header("content-type", "text/plain");
///     let request = request.header("x-seismic-signature", &signature).body(body);
///     assert_eq!(request.reply(&routes).await.status(), 202);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// [`VerifiedRejection::Unhandled`], as warp's rejection.
pub async fn payload<T: DeserializeOwned>(delivery: Delivery) -> Result<T, Reject> {
    delivery.decode().map_err(|rejected| VerifiedRejection::Unhandled(rejected.into()).into())
}
