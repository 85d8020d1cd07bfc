//! The gate in front of an app's ordinary routes.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use lifecycle_core::{LifecycleHandler, TenantKey};
use lifecycle_inbox::{EnabledGate, MemoryEngine, Store};
use lifecycle_tower::{LifecycleEndpoint, RequireEnabled, RequireEnabledLayer};
use test_adapter::Gate;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::layer::Permitted;
use crate::support::{post, verifier};

/// A body that cannot be made of bytes.
struct OwnBody(Arc<str>);

fn tenant(head: &Parts) -> Option<TenantKey> {
    Some(TenantKey::new("seismic", "app", head.headers.get("x-tenant")?.to_str().ok()?))
}

fn request<B>(tenant: Option<&str>, body: B) -> Request<B> {
    let request = Request::get("/features?query=kept");
    match tenant {
        Some(tenant) => request.header("x-tenant", tenant),
        None => request,
    }
    .body(body)
    .unwrap()
}

#[tokio::test]
async fn a_request_of_an_enabled_tenant_goes_inside_as_it_came() {
    let feature = service_fn(async |request: Request<OwnBody>| {
        assert_eq!(request.uri(), "/features?query=kept");
        assert_eq!(request.headers()["x-tenant"], "open");
        assert_eq!(request.extensions().get(), Some(&TenantKey::new("seismic", "app", "open")));
        assert_eq!(&*request.into_body().0, "body");
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"feature"))))
    });
    let gated = RequireEnabledLayer::new(Gate, tenant).layer(feature);
    let response = gated.oneshot(request(Some("open"), OwnBody("body".into()))).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "feature");
}

#[tokio::test]
async fn no_other_request_goes_inside_and_the_gate_says_what_is_answered() {
    let gated = RequireEnabledLayer::new(Gate, tenant).layer(service_fn(async |_: Request<()>| {
        unreachable!("not admitted") as Result<Response<Full<Bytes>>, Infallible>
    }));
    for (tenant, reply) in Gate::closed() {
        let response = gated.clone().oneshot(request(tenant, ())).await.unwrap();
        assert_eq!(response.status(), reply.status(), "{tenant:?}");
        for (name, value) in reply.headers() {
            assert_eq!(response.headers()[name], value, "{tenant:?}");
        }
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), reply.body(), "{tenant:?}");
    }
}

#[tokio::test]
async fn behind_the_gate_only_the_service_that_was_polled_ready_is_called() {
    let mut gated = RequireEnabledLayer::new(Gate, tenant).layer(Permitted::default());
    for _ in 0..2 {
        let ready = ServiceExt::<Request<()>>::ready(&mut gated).await.unwrap();
        assert_eq!(ready.call(request(Some("open"), ())).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn the_gate_follows_the_callbacks_that_an_inbox_has_handled() {
    struct AcceptAll;
    impl LifecycleHandler for AcceptAll {}

    let engine = MemoryEngine::new();
    let store = Store::new(engine.clone());
    let (inbox, worker) = store.open(AcceptAll);
    let callbacks = LifecycleEndpoint::new(verifier(), inbox);
    let feature =
        service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())));
    let gated = RequireEnabledLayer::new(EnabledGate::new(Arc::new(engine)), tenant).layer(feature);

    for (kind, status) in [("install", 403), ("enable", 200), ("upgrade", 200), ("disable", 403)] {
        let body = format!(r#"{{"type":"{kind}","appId":"app","tenantId":"t","requestId":"{kind}"}}"#);
        let body = Bytes::from(body);
        let accepted = callbacks.clone().oneshot(post(&body, Full::new(body.clone()))).await.unwrap();
        assert_eq!(accepted.status(), 202, "{kind}");
        worker.run_until_idle().await.unwrap();
        let response = gated.clone().oneshot(request(Some("t"), ())).await.unwrap();
        assert_eq!(response.status(), status, "after {kind}");
        let response = gated.clone().oneshot(request(Some("another"), ())).await.unwrap();
        assert_eq!(response.status(), 403, "another tenant, after {kind}");
    }
}

#[test]
fn the_gate_demands_nothing_of_a_body_and_its_future_can_be_sent() {
    fn takes<S, B>(_: S)
    where
        S: Service<Request<B>, Future: Send> + Clone + Send + Sync + 'static,
    {
    }
    takes::<RequireEnabled<Permitted>, ()>(
        RequireEnabledLayer::new(Gate, tenant).layer(Permitted::default()),
    );
}
