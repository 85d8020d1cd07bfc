//! The routes in warp's own terms: answers, `or`, `recover`, replay.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use lifecycle_core::{
    Delivery, ExpectedApp, HookToken, RejectedRequest, Rejection, Secret, Verifier, bigcommerce,
    securityscorecard, seismic,
};
use lifecycle_warp::{VerifiedRejection, endpoint, payload, recover, verified, verify};
use test_adapter::Asked;
use tokio::sync::oneshot;
use tower_service::Service;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::hyper::body::Frame;

use crate::support::{BODY, Counter, SHORT, Sleeper, problem, signature, signed, verifier};

#[tokio::test]
async fn the_endpoint_acknowledges_what_is_signed_and_nothing_else() {
    let seen = Counter::default();
    let route = warp::path!("seismic").and(endpoint(verifier(), seen.clone()));

    let accepted = signed("/seismic", BODY).reply(&route).await;
    assert_eq!((accepted.status().as_u16(), accepted.body().len()), (202, 0));
    assert_eq!(seen.count(), 1);

    let forged = signed("/seismic", BODY).body(BODY.replace("t1", "t2")).reply(&route).await;
    assert_eq!(problem(forged.status().as_u16(), forged.body()), (401, "signature-mismatch".into()));
    assert_eq!(forged.headers()["content-type"], "application/problem+json");
    assert_eq!(seen.count(), 1);
}

#[tokio::test]
async fn other_methods_are_answered_and_not_passed_on() {
    let route = warp::path!("seismic").and(endpoint(verifier(), Counter::default()));
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = warp::test::request().method(method).path("/seismic").reply(&route).await;
        assert_eq!(problem(answer.status().as_u16(), answer.body()), (405, "method-not-allowed".into()));
        assert_eq!(answer.headers()["allow"], "POST");
    }
}

#[tokio::test]
async fn a_platform_that_sends_gets_reaches_the_endpoint_and_the_route_inside() {
    let secret = Secret::new("client-secret").unwrap();
    let expiry = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 60;
    let claims = format!(r#"{{"aud":"a1","iss":"bc","exp":{expiry},"jti":"j","sub":"stores/s1"}}"#);
    let token = bigcommerce::SCHEME.sign(&secret, &claims);
    let verifier = Verifier::new(&bigcommerce::PLATFORM, secret, "a1").unwrap();
    let inside = warp::get()
        .and(warp::query::raw())
        .and(warp::ext::get::<Delivery>())
        .map(|query: String, delivery: Delivery| format!("{} {}", query.len(), delivery.event().kind()));
    let route = warp::path("endpoint")
        .and(endpoint(verifier.clone(), Counter::default()))
        .or(warp::path("inside").and(verify(verifier, inside)));
    let get =
        |path: &str| warp::test::request().path(&format!("{path}/uninstall?signed_payload_jwt={token}"));
    assert_eq!(get("/endpoint").reply(&route).await.status(), 200);
    let answer = get("/inside").reply(&route).await;
    let expected = format!("{} uninstall", token.len() + "signed_payload_jwt=".len());
    assert_eq!(answer.body(), expected.as_bytes());
    for path in ["/endpoint", "/inside"] {
        let answer = get(path).method("POST").reply(&route).await;
        assert_eq!(problem(answer.status().as_u16(), answer.body()), (405, "method-not-allowed".into()));
        assert_eq!(answer.headers()["allow"], "GET");
    }
}

#[tokio::test]
async fn routes_beside_it_are_left_alone() {
    let seismic = warp::path!("seismic").and(endpoint(verifier(), Counter::default()));
    let hello = warp::path!("hello").map(|| "Hello");
    let echo = warp::path!("echo").and(warp::body::bytes()).map(|body: bytes::Bytes| body.to_vec());
    for (first, status) in [("/seismic", 202), ("/hello", 200), ("/echo", 200), ("/none", 404)] {
        let before = seismic.clone().or(hello).or(echo);
        assert_eq!(signed(first, BODY).reply(&before).await.status(), status, "{first}");
        let after = hello.or(echo).or(seismic.clone());
        assert_eq!(signed(first, BODY).reply(&after).await.status(), status, "{first}");
    }
}

#[tokio::test]
async fn a_slow_handler_is_answered_within_the_timeout() {
    let route = endpoint(verifier().with_timeout(SHORT), Sleeper);
    let late = signed("/", BODY).reply(&route).await;
    assert_eq!(problem(late.status().as_u16(), late.body()), (503, "deadline-exceeded".into()));
}

#[tokio::test]
async fn a_refusal_keeps_its_reason_until_it_is_recovered() {
    let route = verified(verifier()).map(|_| StatusCode::ACCEPTED);
    let refused = warp::test::request().method("POST").filter(&route).await.unwrap_err();
    let expected = RejectedRequest::after_body(Rejection::MissingSignature).into();
    assert_eq!(refused.find::<VerifiedRejection>(), Some(&VerifiedRejection::Unhandled(expected)));

    let answer = warp::test::request().method("POST").reply(&route.recover(recover)).await;
    let expected = Rejection::MissingSignature.reply();
    assert_eq!((answer.status().as_u16(), answer.body()), (expected.status(), expected.body()));
}

#[tokio::test]
async fn a_refused_callback_reaches_no_route_behind_a_recover() {
    let route =
        warp::path!("seismic").and(verified(verifier())).map(|_| StatusCode::ACCEPTED).recover(recover);
    let routes = route.or(warp::any().map(|| StatusCode::OK));
    assert_eq!(warp::test::request().method("POST").path("/seismic").reply(&routes).await.status(), 401);
    assert_eq!(warp::test::request().method("POST").path("/other").reply(&routes).await.status(), 200);
}

#[tokio::test]
async fn recover_passes_other_rejections_on() {
    let route = warp::get().and(verified(verifier())).map(|_| StatusCode::ACCEPTED).recover(recover);
    assert!(warp::test::request().method("POST").filter(&route).await.is_err());
}

#[tokio::test]
async fn the_extracted_delivery_has_the_body_as_sent() {
    let body = BODY.replace(',', " ,\n");
    let route = verified(verifier()).map(|delivery: Delivery| delivery.body().to_vec()).recover(recover);
    assert_eq!(signed("/", &body).reply(&route).await.body(), body.as_bytes());
}

#[tokio::test]
async fn a_verified_route_reads_its_request_as_if_from_the_wire() {
    let existing = warp::path!("of" / String)
        .and(warp::query::raw())
        .and(warp::header::<String>("x-request-id"))
        .and(warp::ext::get::<Delivery>())
        .and(warp::body::content_length_limit(1024))
        .and(warp::body::bytes())
        .map(|name, query, id, delivery: Delivery, body: bytes::Bytes| {
            assert_eq!(&body, delivery.body());
            format!("{name} {query} {id} {}", body.len())
        });
    let route = warp::path("callbacks").and(verify(verifier(), existing));
    let request = signed("/callbacks/of/seismic?x=%201", BODY).header("x-request-id", "r1");
    let answer = request.header("content-length", BODY.len()).reply(&route).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.body(), format!("seismic x=%201 r1 {}", BODY.len()).as_bytes());
}

#[tokio::test]
async fn a_verified_route_is_not_run_for_what_is_refused() {
    let existing = warp::any().map(|| -> StatusCode { panic!("it was run") });
    let route = verify(verifier(), existing);
    let forged = signed("/", BODY).body("{}").reply(&route).await;
    assert_eq!(problem(forged.status().as_u16(), forged.body()), (401, "signature-mismatch".into()));
}

#[tokio::test]
async fn a_slow_verified_route_is_answered_within_the_timeout_and_stopped() {
    let (existing, stopped) = endless();
    let route = verify(verifier().with_timeout(SHORT), existing);
    let late = signed("/", BODY).reply(&route).await;
    assert_eq!(problem(late.status().as_u16(), late.body()), (503, "deadline-exceeded".into()));
    assert!(stopped.await.is_err(), "the route's future was dropped");
}

#[tokio::test]
async fn a_verified_route_is_stopped_when_nobody_waits_for_its_answer() {
    let (existing, stopped) = endless();
    let route = verify(verifier(), existing);
    let gone = tokio::time::timeout(SHORT, signed("/", BODY).reply(&route)).await;
    assert!(gone.is_err(), "the timeout is longer than that");
    assert!(stopped.await.is_err(), "the route's future was dropped");
}

/// A route that runs for ever, once, and what tells when it is dropped.
fn endless() -> (BoxedFilter<(StatusCode,)>, oneshot::Receiver<()>) {
    let (alive, stopped) = oneshot::channel();
    let alive = Arc::new(Mutex::new(Some(alive)));
    let route = warp::any().then(move || {
        let alive = alive.lock().unwrap().take();
        async move {
            let _alive = alive;
            std::future::pending().await
        }
    });
    (route.boxed(), stopped)
}

#[tokio::test]
async fn a_verified_route_that_panics_is_answered_500() {
    let existing = warp::any().map(|| -> StatusCode { panic!("on purpose") });
    let failed = signed("/", BODY).reply(&verify(verifier(), existing)).await;
    assert_eq!(problem(failed.status().as_u16(), failed.body()), (500, "handler-failed".into()));
}

#[tokio::test]
async fn a_body_that_was_taken_before_is_the_apps_own_500() {
    let route = warp::body::bytes().and(endpoint(verifier(), Counter::default())).map(|_, answer| answer);
    assert_eq!(signed("/", BODY).reply(&route).await.status(), 500);
}

#[tokio::test]
async fn a_body_of_endless_empty_chunks_is_answered_408() {
    let chunks = futures_util::stream::repeat_with(|| Ok::<_, Infallible>(Frame::data(bytes::Bytes::new())));
    let request = warp::http::Request::post("/")
        .header("x-seismic-signature", signature(BODY))
        .body(http_body_util::StreamBody::new(chunks))
        .unwrap();
    let route = endpoint(verifier().with_timeout(SHORT), Counter::default());
    let answer = warp::service(route).call(request).await.unwrap();
    assert_eq!(answer.status(), 408);
}

#[tokio::test]
async fn a_handler_is_told_what_the_body_has_left_of_the_time() {
    let slow = futures_util::stream::once(async {
        tokio::time::sleep(SHORT).await;
        Ok::<_, Infallible>(Frame::data(bytes::Bytes::from(BODY)))
    });
    let request = warp::http::Request::post("/")
        .header("x-seismic-signature", signature(BODY))
        .body(http_body_util::StreamBody::new(Box::pin(slow)))
        .unwrap();
    let asked = Asked::default();
    let answer = warp::service(endpoint(verifier(), asked.clone())).call(request).await.unwrap();
    assert_eq!(answer.status(), 202);
    let left = asked.within().unwrap();
    assert!(left + SHORT <= verifier().timeout(), "{left:?}");
}

#[tokio::test]
async fn a_typed_payload_asks_for_no_content_type() {
    let accept = |callback: seismic::Callback| {
        warp::reply::with_status(callback.user_id.unwrap_or_default(), StatusCode::ACCEPTED)
    };
    let chain = verified(verifier()).and_then(payload).map(accept).recover(recover);
    let inside = verify(verifier(), warp::ext::get::<Delivery>().and_then(payload).map(accept));
    // What tempts, and why it is not used.
    let json = verify(verifier(), warp::body::json().map(accept));
    let routes = warp::path!("chain").and(chain).or(warp::path!("inside").and(inside));
    let routes = routes.or(warp::path!("json").and(json));
    let body = r#"{"type":"install","appId":"a1","tenantId":"t1","userId":"u1"}"#;
    for (path, content_type, status) in [
        ("/chain", None, 202),
        ("/chain", Some("text/plain"), 202),
        ("/inside", None, 202),
        ("/inside", Some("text/plain"), 202),
        ("/json", Some("text/plain"), 415),
    ] {
        let mut request = signed(path, body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = request.reply(&routes).await;
        assert_eq!(answer.status(), status, "{path} {content_type:?}");
        assert!(answer.body() == "u1" || status == 415, "{path}");
    }
    assert_eq!(signed("/chain", body).body("{").reply(&routes).await.status(), 401, "verified first");
}

#[tokio::test]
async fn a_payload_of_another_type_is_undecodable_and_never_repeated() {
    type Numbers = std::collections::BTreeMap<String, u8>;
    let accept = |_: Numbers| StatusCode::ACCEPTED;
    let chain = verified(verifier()).and_then(payload).map(accept).recover(recover);
    let inside = verify(verifier(), warp::ext::get::<Delivery>().and_then(payload).map(accept));
    let routes = warp::path!("chain").and(chain).or(warp::path!("inside").and(inside));
    for path in ["/chain", "/inside"] {
        let answer = signed(path, BODY).reply(&routes).await;
        assert_eq!(problem(answer.status().as_u16(), answer.body()), (422, "undecodable".into()), "{path}");
        assert!(!String::from_utf8_lossy(answer.body()).contains("install"));
    }
}

#[tokio::test]
async fn a_hooks_token_is_found_wherever_in_the_path_a_filter_takes_it_from() {
    const TOKEN: &str = "tok-0123456789abcdef0123456789abcdef";
    let hook = || {
        let hook =
            Verifier::new(&securityscorecard::PLATFORM, HookToken::new(TOKEN).unwrap(), ExpectedApp::Any)
                .unwrap();
        endpoint(hook, Counter::default())
    };
    let param = warp::path!("a" / String / ..).map(drop).untuple_one().and(warp::path::end()).and(hook());
    let tail = warp::path("b").and(warp::path::tail()).map(drop).untuple_one().and(hook());
    let fixed = warp::path("c").and(warp::path(TOKEN)).and(warp::path::end()).and(hook());
    let routes = param.or(tail).or(fixed);
    let body = r#"{"event":{"type":"app.installed","payload":{"app":{"id":"a"},"user":{"username":"u"}}}}"#;
    for path in ["/a", "/b", "/c"] {
        for (token, status) in [(TOKEN, 200), ("tok-guessed-0123456789", 404)] {
            let request = warp::test::request().method("POST").path(&format!("{path}/{token}")).body(body);
            assert_eq!(request.reply(&routes).await.status(), status, "{path}: {token}");
        }
    }
}
