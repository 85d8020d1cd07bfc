//! The gate in front of an app's ordinary routes.

use std::sync::Arc;

use lifecycle_core::{Reply, TenantGate, TenantKey};
use lifecycle_inbox::{EnabledGate, MemoryEngine, Store};
use lifecycle_warp::{VerifiedRejection, endpoint, recover, require_enabled};
use test_adapter::Gate;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

use crate::support::{Counter, signed, verifier};

fn key(tenant: String) -> TenantKey {
    TenantKey::new("seismic", "a1", tenant)
}

/// A route that reads its body and knows its tenant.
fn features(gate: impl TenantGate) -> BoxedFilter<(Response,)> {
    let tenant = warp::header::optional("x-tenant").map(|tenant: Option<String>| tenant.map(key));
    warp::path!("features")
        .and(require_enabled(gate, tenant))
        .and(warp::body::bytes())
        .map(|tenant: TenantKey, body: bytes::Bytes| [tenant.tenant.as_bytes(), b" ", &body].concat())
        .map(|answer| warp::reply::Reply::into_response(warp::http::Response::new(answer)))
        .recover(recover)
        .unify()
        .boxed()
}

#[tokio::test]
async fn a_request_of_an_enabled_tenant_reaches_the_route_with_its_tenant_and_its_body() {
    let request = warp::test::request().path("/features").header("x-tenant", "open").body("body");
    let answer = request.reply(&features(Gate)).await;
    assert_eq!((answer.status(), &answer.body()[..]), (StatusCode::OK, b"open body".as_slice()));
}

#[tokio::test]
async fn no_other_request_reaches_the_route_and_the_gate_says_what_is_answered() {
    for (tenant, reply) in Gate::closed() {
        let request = warp::test::request().path("/features");
        let request = tenant.into_iter().fold(request, |request, tenant| request.header("x-tenant", tenant));
        let answer = request.reply(&features(Gate)).await;
        assert_eq!(answer.status().as_u16(), reply.status(), "{tenant:?}");
        for (name, value) in reply.headers() {
            assert_eq!(answer.headers()[name], value, "{tenant:?}");
        }
        assert_eq!(answer.body(), reply.body(), "{tenant:?}");
    }
}

#[tokio::test]
async fn what_the_filter_of_the_tenant_rejects_stays_rejected_as_it_is() {
    // This one gives a tenant, not an `Option` of one: without the header, warp's own 400 is the answer.
    let route = require_enabled(Gate, warp::header("x-tenant").map(key));
    let rejection = warp::test::request().filter(&route).await.unwrap_err();
    assert!(rejection.find::<warp::reject::MissingHeader>().is_some(), "{rejection:?}");

    let rejection = warp::test::request().header("x-tenant", "closed").filter(&route).await.unwrap_err();
    assert_eq!(
        rejection.find::<VerifiedRejection>().unwrap(),
        &VerifiedRejection::Gate(Reply::not_enabled())
    );
}

#[tokio::test]
async fn the_gate_follows_the_callbacks_that_an_inbox_has_handled() {
    let engine = MemoryEngine::new();
    let store = Store::new(engine.clone());
    let (inbox, worker) = store.open(Counter::default());
    let callbacks = warp::path!("seismic").and(endpoint(verifier(), inbox));
    let features = features(EnabledGate::new(Arc::new(engine)));

    for (kind, status) in [("install", 403), ("enable", 200), ("upgrade", 200), ("disable", 403)] {
        let body = format!(r#"{{"type":"{kind}","appId":"a1","tenantId":"t","requestId":"{kind}"}}"#);
        assert_eq!(signed("/seismic", &body).reply(&callbacks).await.status(), 202, "{kind}");
        worker.run_until_idle().await.unwrap();
        for (tenant, status) in [("t", status), ("another", 403)] {
            let request = warp::test::request().path("/features").header("x-tenant", tenant);
            assert_eq!(request.reply(&features).await.status(), status, "{tenant} after {kind}");
        }
    }
}
