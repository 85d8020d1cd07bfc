//! Extractors: a verified callback, and its payload as a type.

use std::fmt;
use std::future::ready;
use std::ops::Deref;
use std::time::SystemTime;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use lifecycle_core::{Delivery, LogLimit, RejectedRequest, Verifier};
use serde::de::DeserializeOwned;

use crate::receive::{give_up, receive};
use crate::rejection::VerifiedRejection;

/// A delivery, verified by the extractor itself: a route that takes it runs for verified callbacks only.
///
/// Behind [`verify`](crate::verify) it is that middleware's delivery. Without it, it verifies by itself, with the
/// [`Verifier`] that `app_data` gives to the app, the scope or the resource, as it is or in a `web::Data`. Then it
/// takes the body: the route reads it from [`Delivery::body`], as no other body extractor can follow or precede. The
/// timeout covers the body only; the route's own time is not limited, nor is its answer seen, so use the middleware or
/// [`endpoint`](crate::endpoint) where the platform blocks an administrator for a late one.
///
/// Mount it with `web::post()` or with `web::route()`: with the latter other methods get this library's 405.
///
/// ```
/// use actix_web::{App, HttpResponse, test, web};
/// use lifecycle_actix::Verified;
/// use lifecycle_core::{Verifier, Secret, seismic};
///
/// async fn seismic_callback(callback: Verified) -> HttpResponse {
///     HttpResponse::Accepted().body(callback.event().tenant().to_owned())
/// }
///
/// # actix_web::rt::System::new().block_on(async {
/// let secret = Secret::new("s3cr3t")?;
/// let verifier = Verifier::new(&seismic::PLATFORM, secret.clone(), "a1")?;
/// let app = App::new().app_data(verifier).route("/seismic", web::route().to(seismic_callback));
///
/// let body = r#"{"type":"install","appId":"a1","tenantId":"t1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body.as_bytes());
/// let request = test::TestRequest::post()
///     .uri("/seismic")
///     .insert_header(("x-seismic-signature", signature))
///     .set_payload(body)
///     .to_request();
/// assert_eq!(test::call_and_read_body(&test::init_service(app).await, request).await, "t1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Verified(pub Delivery);

impl Deref for Verified {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        &self.0
    }
}

impl FromRequest for Verified {
    type Error = VerifiedRejection;
    type Future = LocalBoxFuture<'static, Result<Self, VerifiedRejection>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let verified = verified(request, payload, |_| Ok(()));
        Box::pin(async { verified.await.map(|((), delivery)| Self(delivery)) })
    }
}

/// [`Verified`], and its payload as the platform's own type.
///
/// It stands in for `web::Json<T>`, which refuses a callback without `content-type: application/json`. No platform
/// documents a content type, and on Seismic that refusal blocks an administrator. What is read is what was verified, and
/// nothing else is asked of the request. A payload that is not a `T` is answered 422, `undecodable`.
///
/// ```
/// use actix_web::{App, HttpResponse, test, web};
/// use lifecycle_actix::VerifiedJson;
/// use lifecycle_core::{Verifier, Secret, seismic};
///
/// async fn audit(callback: VerifiedJson<seismic::Callback>) -> HttpResponse {
///     let VerifiedJson(callback, _delivery) = callback;
///     HttpResponse::Accepted().body(callback.user_id.unwrap_or_default())
/// }
///
/// # actix_web::rt::System::new().block_on(async {
/// let secret = Secret::new("s3cr3t")?;
/// let verifier = Verifier::new(&seismic::PLATFORM, secret.clone(), "a1")?;
/// let audit = web::resource("/seismic").wrap(lifecycle_actix::verify(verifier)).route(web::post().to(audit));
/// let app = test::init_service(App::new().service(audit)).await;
///
/// let body = r#"{"type":"install","appId":"a1","tenantId":"t1","userId":"u1"}"#;
/// let signature = seismic::SCHEME.sign(&secret, &[], body.as_bytes());
/// let request = test::TestRequest::post().uri("/seismic").set_payload(body); // without a content type
/// let request = request.insert_header(("x-seismic-signature", signature)).to_request();
/// assert_eq!(test::call_and_read_body(&app, request).await, "u1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct VerifiedJson<T>(pub T, pub Delivery);

/// Without the payload.
impl<T> fmt::Debug for VerifiedJson<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedJson").field(&self.1).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for VerifiedJson<T> {
    type Error = VerifiedRejection;
    type Future = LocalBoxFuture<'static, Result<Self, VerifiedRejection>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let verified = verified(request, payload, |delivery| delivery.decode::<T>());
        Box::pin(async { verified.await.map(|(payload, delivery)| Self(payload, delivery)) })
    }
}

/// The delivery that the middleware left or the request is, and what a function reads of it.
fn verified<T: 'static>(
    request: &HttpRequest,
    payload: &mut Payload,
    read: fn(&Delivery) -> Result<T, RejectedRequest>,
) -> LocalBoxFuture<'static, Result<(T, Delivery), VerifiedRejection>> {
    // What the middleware left was verified just so, and is recorded by it.
    if let Some(delivery) = request.extensions().get::<Delivery>().cloned() {
        let read = read(&delivery).map(|value| (value, delivery));
        return Box::pin(ready(read.map_err(VerifiedRejection::from)));
    }
    let Some(verifier) = verifier(request) else {
        return Box::pin(ready(Err(verifier_missing(payload))));
    };
    let received = receive(verifier, request, payload.take());
    Box::pin(async move {
        let (exchange, received) = received.await;
        Ok(exchange.extract(received, read)?)
    })
}

/// The app's own mistake: nothing has verified the request, and nothing can.
fn verifier_missing(payload: &mut Payload) -> VerifiedRejection {
    let missing = VerifiedRejection::VerifierMissing;
    if let Some(suppressed) = VERIFIER_MISSING.admit(SystemTime::now()) {
        tracing::error!(target: "lifecycle::handler", code = "verifier-missing", suppressed, "{missing}");
    }
    give_up(payload.take());
    missing
}

/// The app's own mistake, which every request of a stranger would log.
static VERIFIER_MISSING: LogLimit = LogLimit::new();

fn verifier(request: &HttpRequest) -> Option<&Verifier> {
    request
        .app_data::<Verifier>()
        .or_else(|| request.app_data::<web::Data<Verifier>>().map(web::Data::get_ref))
}
