//! What the tests share: a signed callback, and an app with every kind of route.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use lifecycle_actix::{Verified, endpoint, require_enabled, response_before_body, verify};
use lifecycle_core::{ExpectedApp, HookToken, Reply, Secret, Verifier, securityscorecard, seismic};
use test_adapter::{Gate, Obedient};

pub(crate) const ROUTES: [&str; 3] = ["/endpoint", "/verify", "/extract"];
pub(crate) const TOKEN: &str = "tok-0123456789abcdef0123456789abcdef";

/// A callback about a tenant.
pub(crate) fn callback(tenant: &str) -> String {
    format!(r#"{{"type":"install","appId":"app","tenantId":"{tenant}"}}"#)
}

pub(crate) fn secret() -> Secret {
    Secret::new("s3cr3t").unwrap()
}

pub(crate) fn sign(body: &[u8]) -> String {
    seismic::SCHEME.sign(&secret(), &[], body)
}

/// A verifier with a small cap, so that the tests can pass it.
pub(crate) fn verifier() -> Verifier {
    Verifier::new(&seismic::PLATFORM, secret(), "app").unwrap().with_max_body(4096)
}

pub(crate) fn impatient() -> Verifier {
    verifier().with_timeout(Duration::from_millis(200))
}

/// Every kind of route of this crate, each on its own path.
pub(crate) fn routes(
    verifier: &Verifier,
    handler: &Obedient,
) -> impl Fn(&mut web::ServiceConfig) + Clone + use<> {
    let (verifier, handler) = (verifier.clone(), Arc::new(handler.clone()));
    move |app: &mut web::ServiceConfig| {
        let hook =
            Verifier::new(&securityscorecard::PLATFORM, HookToken::new(TOKEN).unwrap(), ExpectedApp::Any)
                .unwrap();
        let wrapped = |path: &str, route| web::resource(path).wrap(verify(verifier.clone())).route(route);
        app.app_data(verifier.clone())
            .route(ROUTES[0], endpoint(verifier.clone(), Arc::clone(&handler)))
            .route("/hook/{token}", endpoint(hook, Arc::clone(&handler)))
            .service(wrapped(ROUTES[1], web::to(accept_bytes)))
            .service(wrapped("/verify/extract", web::to(accept_verified)))
            .service(wrapped("/verify/json", web::to(accept_json)))
            .service(wrapped("/verify/raw", web::to(accept_raw)))
            .service(wrapped("/verify/sleep", web::to(sleep)))
            .route(ROUTES[2], web::route().to(accept_verified))
            .service(web::resource("/gate").wrap(require_enabled(Gate, |_| None)).to(HttpResponse::Ok))
            .route("/own", web::post().to(own));
    }
}

/// A route of the app's own that refuses by the head.
async fn own(request: HttpRequest, body: web::Payload) -> HttpResponse {
    response_before_body(&request, body.into_inner(), Reply::not_enabled())
}

async fn accept_bytes(body: web::Bytes) -> HttpResponse {
    HttpResponse::Accepted().body(body)
}

async fn accept_json(body: web::Json<serde_json::Value>) -> HttpResponse {
    HttpResponse::Accepted().body(body.to_string())
}

async fn accept_raw(body: web::Payload) -> HttpResponse {
    HttpResponse::Accepted().body(body.to_bytes().await.unwrap())
}

async fn accept_verified(callback: Verified) -> HttpResponse {
    HttpResponse::Accepted().body(callback.body().clone())
}

async fn sleep() -> HttpResponse {
    tokio::time::sleep(Duration::from_secs(60)).await;
    HttpResponse::Accepted().finish()
}
