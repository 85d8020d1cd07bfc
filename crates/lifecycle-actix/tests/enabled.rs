//! The gate in front of an app's ordinary routes.

use std::sync::Arc;

use actix_web::test::{TestRequest, call_and_read_body, call_service, init_service};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, web};
use lifecycle_actix::{endpoint, require_enabled};
use lifecycle_core::{ExpectedApp, LifecycleHandler, Secret, TenantKey, Verifier, seismic};
use lifecycle_inbox::{EnabledGate, MemoryEngine, Store};
use test_adapter::Gate;

fn tenant(request: &HttpRequest) -> Option<TenantKey> {
    Some(TenantKey::new("seismic", "app", request.headers().get("x-tenant")?.to_str().ok()?))
}

/// A route that reads its body and knows its tenant.
async fn feature(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let tenant: TenantKey = request.extensions().get().cloned().unwrap();
    HttpResponse::Ok().body([tenant.tenant.as_bytes(), b" ", &body].concat())
}

fn request(tenant: Option<&str>) -> TestRequest {
    let request = TestRequest::post().uri("/features").set_payload("body");
    tenant.into_iter().fold(request, |request, tenant| request.insert_header(("x-tenant", tenant)))
}

#[actix_web::test]
async fn a_request_of_an_enabled_tenant_reaches_the_route_with_its_tenant_and_its_body() {
    let features = web::resource("/features").wrap(require_enabled(Gate, tenant)).to(feature);
    let app = init_service(App::new().service(features)).await;
    assert_eq!(call_and_read_body(&app, request(Some("open")).to_request()).await, "open body");
}

#[actix_web::test]
async fn no_other_request_reaches_the_route_and_the_gate_says_what_is_answered() {
    let features = web::resource("/features").wrap(require_enabled(Gate, tenant)).to(feature);
    let app = init_service(App::new().service(features)).await;
    for (tenant, reply) in Gate::closed() {
        let response = call_service(&app, request(tenant).to_request()).await;
        assert_eq!(response.status().as_u16(), reply.status(), "{tenant:?}");
        for (name, value) in reply.headers() {
            assert_eq!(response.headers().get(name).unwrap(), value, "{tenant:?}");
        }
        assert_eq!(actix_web::test::read_body(response).await, reply.body(), "{tenant:?}");
    }
}

#[actix_web::test]
async fn the_gate_follows_the_callbacks_that_an_inbox_has_handled() {
    struct AcceptAll;
    impl LifecycleHandler for AcceptAll {}

    let engine = MemoryEngine::new();
    let store = Store::new(engine.clone());
    let (inbox, worker) = store.open(AcceptAll);
    let secret = Secret::new("s3cr3t").unwrap();
    let verifier = Verifier::new(&seismic::PLATFORM, secret.clone(), ExpectedApp::Any).unwrap();
    let gate = EnabledGate::new(Arc::new(engine));
    let features = web::resource("/features").wrap(require_enabled(gate, tenant)).to(feature);
    let app = App::new().route("/seismic", endpoint(verifier, inbox)).service(features);
    let app = init_service(app).await;

    for (kind, status) in [("install", 403), ("enable", 200), ("upgrade", 200), ("disable", 403)] {
        let body = format!(r#"{{"type":"{kind}","appId":"app","tenantId":"t","requestId":"{kind}"}}"#);
        let signature = seismic::SCHEME.sign(&secret, &[], body.as_bytes());
        let callback = TestRequest::post().uri("/seismic").insert_header(("x-seismic-signature", signature));
        assert_eq!(call_service(&app, callback.set_payload(body).to_request()).await.status(), 202, "{kind}");
        worker.run_until_idle().await.unwrap();
        for (tenant, status) in [("t", status), ("another", 403)] {
            let response = call_service(&app, request(Some(tenant)).to_request()).await;
            assert_eq!(response.status(), status, "{tenant} after {kind}");
        }
    }
}
