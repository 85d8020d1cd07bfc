//! The endpoint: a handler's outcomes as answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use lifecycle_core::{
    Decision, Delivery, EndpointHandler, HandlerError, LifecycleHandler, Rejection, async_trait,
};
use lifecycle_tower::{LifecycleEndpoint, ResponseBody};
use test_adapter::{Asked, Obedient};
use tokio::task::consume_budget;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::support::{Script, Step, callback, post, verifier};

async fn answer(handler: &Obedient, request: Request<Full<Bytes>>) -> Response<ResponseBody> {
    LifecycleEndpoint::new(verifier(), handler.clone()).oneshot(request).await.unwrap()
}

fn signed(tenant: &str) -> Request<Full<Bytes>> {
    let body = callback(tenant);
    post(&body, Full::new(body.clone()))
}

#[tokio::test]
async fn an_accepted_callback_is_handled_once_and_acknowledged_with_an_empty_202() {
    let handler = Obedient::default();
    let response = answer(&handler, signed("t")).await;
    assert_eq!(response.status(), 202);
    assert!(response.headers().is_empty());
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
    assert_eq!(handler.handled(), 1);
}

#[tokio::test(start_paused = true)]
async fn whatever_the_handler_does_the_platform_gets_an_answer_within_the_timeout() {
    let Decision::Refuse(reason) = Decision::refuse("no contract") else { unreachable!() };
    for (tenant, status, expected) in [
        ("refuse", 403, Rejection::Refused(reason)),
        ("fail", 500, Rejection::HandlerFailed),
        ("panic", 500, Rejection::HandlerFailed),
        ("sleep", 503, Rejection::DeadlineExceeded),
    ] {
        let started = Instant::now();
        let response = answer(&Obedient::default(), signed(tenant)).await;
        assert_eq!(response.status(), status, "{tenant}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.extensions().get(), Some(&expected));
        assert!(started.elapsed() <= verifier().timeout(), "{tenant}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body, expected.reply().body());
        assert!(!String::from_utf8_lossy(&body).contains("s3cr3t"));
    }
}

#[tokio::test]
async fn nothing_unverified_reaches_the_handler() {
    let handler = Obedient::default();
    let body = callback("t");
    let unsigned = || Request::builder().body(Full::new(body.clone())).unwrap();
    let mut get = signed("t");
    *get.method_mut() = http::Method::GET;
    let mut post_unsigned = unsigned();
    *post_unsigned.method_mut() = http::Method::POST;
    for (request, status) in
        [(post(b"", Full::new(body.clone())), 401), (post_unsigned, 401), (get, 405), (unsigned(), 405)]
    {
        let response = answer(&handler, request).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.headers().contains_key("allow"), status == 405);
    }
    assert_eq!(handler.handled(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_body_and_the_handler_share_one_timeout() {
    let body = callback("sleep");
    let slow = Script::new([Step::Pause(Duration::from_secs(2)), Step::Give(body.clone())]);
    let started = Instant::now();
    let response =
        LifecycleEndpoint::new(verifier(), Obedient::default()).oneshot(post(&body, slow)).await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(started.elapsed(), verifier().timeout());
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_told_what_the_body_has_left_of_the_time() {
    let (asked, body, pause) = (Asked::default(), callback("t"), Duration::from_secs(2));
    let slow = Script::new([Step::Pause(pause), Step::Give(body.clone())]);
    LifecycleEndpoint::new(verifier(), asked.clone()).oneshot(post(&body, slow)).await.unwrap();
    assert_eq!(asked.within().unwrap() + pause, verifier().timeout());
}

#[tokio::test]
async fn a_handler_may_be_shared_and_known_by_its_trait_only() {
    let handler: Arc<dyn LifecycleHandler> = Arc::new(Obedient::default());
    let endpoint: Arc<dyn EndpointHandler> = Arc::new(handler.clone());
    for endpoint in
        [LifecycleEndpoint::new(verifier(), handler), LifecycleEndpoint::new(verifier(), endpoint)]
    {
        assert_eq!(endpoint.oneshot(signed("t")).await.unwrap().status(), 202);
    }
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", LifecycleEndpoint::new(verifier(), Obedient::default()));
    assert!(!shown.contains("s3cr3t"), "{shown}");
}

struct Spinning;

#[async_trait]
impl LifecycleHandler for Spinning {
    async fn install(&self, _: &Delivery) -> Result<(), HandlerError> {
        loop {
            consume_budget().await; // as a busy channel does
        }
    }
}

#[tokio::test]
async fn a_handler_that_uses_up_its_turns_is_cut_off_too() {
    let verifier = verifier().with_timeout(Duration::from_millis(20));
    let response = LifecycleEndpoint::new(verifier, Spinning).oneshot(signed("t")).await.unwrap();
    assert_eq!(response.extensions().get(), Some(&Rejection::DeadlineExceeded));
}
