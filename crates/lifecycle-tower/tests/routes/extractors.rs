//! The extractors of axum, among its routers, layers and other extractors.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{any, post as route_post, post_service};
use axum::{Json, Router};
use http_body_util::BodyExt;
use lifecycle_core::{ExpectedApp, HookToken, Method, Rejection, Verifier, securityscorecard, seismic};
use lifecycle_tower::axum::{DeliveryJson, Verified, VerifiedJson};
use lifecycle_tower::{LifecycleEndpoint, LifecycleLayer};
use test_adapter::{Log, Obedient};
use tower::{ServiceBuilder, ServiceExt};

use crate::support::{Script, Step, callback, post, verifier};

async fn ask(app: Router, request: http::Request<Body>) -> (StatusCode, String) {
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

fn signed() -> http::Request<Body> {
    let body = callback("t");
    post(&body, Body::from(body.clone()))
}

async fn tenant_and_body(
    DeliveryJson(_, delivery): DeliveryJson<seismic::Callback>,
    body: String,
) -> (StatusCode, String) {
    (StatusCode::ACCEPTED, format!("{} {}", delivery.event().tenant(), body.len()))
}

#[tokio::test]
async fn a_body_extractor_may_follow_a_delivery_of_the_layer() {
    let app = Router::new().route("/", route_post(tenant_and_body).layer(LifecycleLayer::new(verifier())));
    assert_eq!(ask(app, signed()).await, (StatusCode::ACCEPTED, "t 47".to_owned()));
}

#[tokio::test]
async fn a_delivery_without_a_layer_names_the_cure() {
    let (status, body) = ask(Router::new().route("/", route_post(tenant_and_body)), signed()).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains(r#""code":"verifier-missing""#) && body.contains("LifecycleLayer"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn received_verifies_by_itself_and_is_logged_without_a_status() {
    async fn tenant(callback: Verified) -> (StatusCode, String) {
        (StatusCode::CREATED, format!("{} {}", callback.event().tenant(), callback.body().len()))
    }
    let (log, _logging) = Log::start("lifecycle::callback=debug");
    let app = Router::new().route("/", any(tenant)).with_state(verifier());

    assert_eq!(ask(app.clone(), signed()).await, (StatusCode::CREATED, "t 47".to_owned()));
    let line = log.take();
    assert!(line.contains(r#"code="accepted""#) && !line.contains("status="), "{line}");

    let late = Script::new([Step::Pause(Duration::from_secs(9)), Step::Give(callback("t"))]);
    let get = http::Request::get("/").body(Body::empty()).unwrap();
    for (request, rejection) in [
        (post(b"", Body::from(callback("t"))), Rejection::SignatureMismatch),
        (post(&callback("t"), Body::new(late)), Rejection::BodyTimeout),
        (get, Rejection::MethodNotAllowed(Method::Post)),
    ] {
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), rejection.status());
        assert_eq!(response.extensions().get(), Some(&rejection));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body, rejection.reply().body());
        let lines = log.take();
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(lines.contains(rejection.code()), "{lines}");
    }
}

async fn pass(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let reason = response.extensions().get().map(Rejection::code);
    response.headers_mut().append("x-seen", reason.unwrap_or("verified").parse().unwrap());
    response
}

#[tokio::test]
async fn layers_compose_inside_and_outside_in_every_way_that_axum_has() {
    let lifecycle = || LifecycleLayer::new(verifier());
    let both = || ServiceBuilder::new().layer(from_fn(pass)).layer(lifecycle()).layer(from_fn(pass));
    let route = || route_post(tenant_and_body);
    let service = ServiceBuilder::new().layer(lifecycle()).service(route().with_state::<()>(()));
    let apps = [
        Router::new().route("/", route().layer(both())),
        Router::new().route("/", route().route_layer(both())),
        Router::new().route("/", route()).layer(both()),
        Router::new().route("/", route()).route_layer(both()),
        Router::new()
            .route("/", route().route_layer(from_fn(pass)).layer(lifecycle()).route_layer(from_fn(pass))),
        Router::new().route_service("/", ServiceBuilder::new().layer(from_fn(pass)).service(service)),
    ];
    for (place, app) in apps.into_iter().enumerate() {
        let accepted = app.clone().oneshot(signed()).await.unwrap();
        assert_eq!(accepted.status(), StatusCode::ACCEPTED, "{place}");
        assert!(accepted.headers().get_all("x-seen").iter().all(|seen| seen == "verified"), "{place}");
        let refused = app.oneshot(post(b"", Body::from(callback("t")))).await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{place}");
        let seen: Vec<_> = refused.headers().get_all("x-seen").iter().collect();
        assert_eq!(seen, ["signature-mismatch"], "{place}: the inner one does not run");
    }
}

#[tokio::test]
async fn another_method_gets_405_from_here() {
    let app = Router::new()
        .route("/verify", route_post(tenant_and_body).layer(LifecycleLayer::new(verifier())))
        .route_service("/endpoint", LifecycleEndpoint::new(verifier(), Obedient::default()));
    for path in ["/verify", "/endpoint"] {
        for method in ["GET", "PUT", "OPTIONS", "PURGE"] {
            let request = http::Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(response.headers().get_all("allow").iter().collect::<Vec<_>>(), ["POST"]);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(&body, Rejection::MethodNotAllowed(Method::Post).reply().body(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_limit_of_axum_does_not_stand_in_for_the_receivers() {
    let endpoint = LifecycleEndpoint::new(verifier(), Obedient::default());
    let app = Router::new().route("/", post_service(endpoint)).layer(DefaultBodyLimit::max(1));
    assert_eq!(ask(app, signed()).await.0, StatusCode::ACCEPTED);
}

const TOKEN: &str = "tok-0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn a_hooks_token_is_found_wherever_in_the_path_a_router_takes_it_from() {
    let hook = || {
        Verifier::new(&securityscorecard::PLATFORM, HookToken::new(TOKEN).unwrap(), ExpectedApp::Any).unwrap()
    };
    let endpoint = || LifecycleEndpoint::new(hook(), Obedient::default());
    let at_root = || Router::new().route_service("/", endpoint());
    let received = || Router::new().route("/", any(async |_: Verified| ())).with_state::<()>(hook());
    let layered = || Router::new().route("/", route_post(async || ()).layer(LifecycleLayer::new(hook())));
    let apps = [
        Router::new().route_service("/hooks/{token}", endpoint()),
        Router::new().nest("/hooks", Router::new().route_service("/{token}", endpoint())),
        Router::new().nest_service(&format!("/hooks/{TOKEN}"), endpoint()),
        Router::new().nest("/hooks/{token}", at_root()),
        Router::new().nest("/hooks", Router::new().nest("/{token}", at_root())),
        Router::new().nest("/hooks/{token}", received()),
        Router::new().nest("/hooks/{token}", layered()),
    ];
    let body = r#"{"event":{"type":"app.installed","payload":{"app":{"id":"a"},"user":{"username":"u","email":"u@example.com","organizationDomain":"example.com"},"installed_at":"2021-05-12T12:50:43.743Z"}}}"#;
    for (place, app) in apps.into_iter().enumerate() {
        for (token, status) in [(TOKEN, StatusCode::OK), ("tok-guessed-0123456789", StatusCode::NOT_FOUND)] {
            let request = http::Request::post(format!("/hooks/{token}")).body(Body::from(body)).unwrap();
            assert_eq!(ask(app.clone(), request).await.0, status, "{place}: {token}");
        }
    }
}

#[tokio::test]
async fn a_typed_payload_asks_for_no_content_type() {
    let user = |callback: seismic::Callback| (StatusCode::ACCEPTED, callback.user_id.unwrap_or_default());
    let verified =
        route_post(async move |DeliveryJson(callback, _): DeliveryJson<seismic::Callback>| user(callback));
    let received =
        any(async move |VerifiedJson(callback, _): VerifiedJson<seismic::Callback>| user(callback));
    // What tempts, and why it is not used.
    let json = route_post(async move |Json(callback): Json<seismic::Callback>| user(callback));
    let app = Router::new()
        .route("/verified", verified.layer(LifecycleLayer::new(verifier())))
        .route("/received", received.with_state(verifier()))
        .route("/json", json.layer(LifecycleLayer::new(verifier())));
    let body = r#"{"type":"install","appId":"app","tenantId":"t","userId":"u1"}"#;
    for (path, content_type, status) in [
        ("/verified", None, 202),
        ("/verified", Some("text/plain"), 202),
        ("/received", None, 202),
        ("/received", Some("text/plain"), 202),
        ("/json", Some("application/json"), 202),
        ("/json", None, 415),
    ] {
        let mut request = post(body.as_bytes(), Body::from(body));
        *request.uri_mut() = path.parse().unwrap();
        if let Some(content_type) = content_type {
            request.headers_mut().insert("content-type", content_type.parse().unwrap());
        }
        let (answered, shown) = ask(app.clone(), request).await;
        assert_eq!(answered, status, "{path} {content_type:?}: {shown}");
        assert!(shown == "u1" || status == 415, "{shown}");
    }
}

#[tokio::test]
async fn a_payload_of_another_type_is_undecodable_and_never_repeated() {
    type Numbers = std::collections::BTreeMap<String, u8>;
    let verified = route_post(async |_: DeliveryJson<Numbers>| StatusCode::ACCEPTED);
    let app = Router::new()
        .route("/verified", verified.layer(LifecycleLayer::new(verifier())))
        .route("/received", any(async |_: VerifiedJson<Numbers>| StatusCode::ACCEPTED).with_state(verifier()))
        .route("/unlayered", route_post(async |_: DeliveryJson<Numbers>| StatusCode::ACCEPTED));
    let (log, _logging) = Log::start("lifecycle=debug");
    for (path, status, code) in [
        ("/verified", 422, r#""code":"undecodable""#),
        ("/received", 422, r#""code":"undecodable""#),
        ("/unlayered", 500, r#""code":"verifier-missing""#),
    ] {
        let mut request = signed();
        *request.uri_mut() = path.parse().unwrap();
        let (answered, body) = ask(app.clone(), request).await;
        assert_eq!(answered, status, "{path}: {body}");
        assert!(body.contains(code) && !body.contains("install"), "{path}: {body}");
    }
    let lines = log.take();
    assert_eq!(lines.lines().filter(|line| line.contains("WARN")).count(), 2, "{lines}");
    assert!(!lines.contains("tenantId"), "{lines}");
}

#[tokio::test]
async fn a_typed_payload_reads_no_unverified_byte() {
    let app = Router::new().route(
        "/",
        any(async |_: VerifiedJson<seismic::Callback>| StatusCode::ACCEPTED).with_state(verifier()),
    );
    assert_eq!(ask(app, post(b"other", Body::from("{"))).await.0, StatusCode::UNAUTHORIZED);
}
