//! What becomes of a body, however it comes: through `receive`, which the layer and the endpoint share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::Request;
use http_body_util::{Full, Limited};
use lifecycle_core::{
    Ack, Delivery, EventFields, EventKind, ExpectedApp, Method, Platform, Proof, Rejection, Secret, Verifier,
    seismic,
};
use lifecycle_tower::receive;
use tokio::time::Instant;

use crate::support::{Script, Step, callback, post, verifier};

async fn received(steps: impl IntoIterator<Item = Step>) -> Result<Delivery, Rejection> {
    let body = callback("t");
    let received = receive(&verifier(), post(&body, Script::new(steps))).await;
    received.map(|(_, delivery)| delivery).map_err(|unhandled| unhandled.rejection().unwrap().clone())
}

#[tokio::test]
async fn a_body_is_taken_in_whatever_pieces_it_comes() {
    let body = callback("t");
    for size in 1..=body.len() {
        let pieces = body.chunks(size).map(|piece| Step::Give(Bytes::copy_from_slice(piece)));
        assert_eq!(received(pieces).await.unwrap().body(), &body);
    }
}

#[tokio::test]
async fn empty_frames_and_trailers_are_no_part_of_a_body() {
    let body = callback("t");
    let steps = [Step::Give(Bytes::new()), Step::Give(body.clone()), Step::Give(Bytes::new()), Step::Trail];
    let delivery = received(steps).await.unwrap();
    assert_eq!(delivery.body().as_ptr(), body.as_ptr(), "and cost no copy");
}

#[tokio::test]
async fn a_body_may_give_any_kind_of_buffer() {
    let body = callback("t");
    let chained = Full::new(body.slice(..10).chain(body.slice(10..)));
    let (head, delivery) = receive(&verifier(), post(&body, chained)).await.unwrap();
    assert_eq!(delivery.body(), &body);
    assert!(head.headers.contains_key("x-seismic-signature"));
}

#[tokio::test]
async fn a_broken_body_is_unreadable_even_when_all_of_it_has_come() {
    assert_eq!(received([Step::Break]).await.unwrap_err(), Rejection::BodyUnreadable);
    assert_eq!(
        received([Step::Give(callback("t")), Step::Break]).await.unwrap_err(),
        Rejection::BodyUnreadable
    );
}

#[tokio::test]
async fn a_body_beyond_the_cap_or_a_limit_further_out_is_too_large() {
    let large = [Step::Give(vec![b' '; 4096].into()), Step::Give(vec![b' '].into())];
    assert_eq!(received(large).await.unwrap_err(), Rejection::BodyTooLarge);
    let body = callback("t");
    let limited = Limited::new(Full::new(body.clone()), 10);
    let rejected = receive(&verifier(), post(&body, limited)).await.unwrap_err();
    assert_eq!(rejected, Rejection::BodyTooLarge.into());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_complete_within_the_timeout_is_timed_out() {
    let started = Instant::now();
    let drip = || {
        callback("t").into_iter().flat_map(|byte| {
            [Step::Give(Bytes::copy_from_slice(&[byte])), Step::Pause(Duration::from_millis(100))]
        })
    };
    assert_eq!(received(drip()).await.unwrap_err(), Rejection::BodyTimeout);
    assert_eq!(started.elapsed(), verifier().timeout());

    let body = callback("t");
    let patient = verifier().with_timeout(Duration::from_secs(3));
    let slow = [Step::Pause(Duration::from_millis(2999)), Step::Give(body.clone())];
    assert!(receive(&patient, post(&body, Script::new(slow))).await.is_ok());
}

/// As Seismic, but for what it takes as final.
static FINAL: Platform =
    Platform::new("final", Proof::Hmac(seismic::SCHEME), Ack::new(200).with_finals(400, 499), |_| {
        Ok(EventFields::new(EventKind::Install))
    });

#[tokio::test(start_paused = true)]
async fn a_late_body_is_no_refusal_on_a_platform_that_takes_408_as_one() {
    let secret = Secret::new("seismic-demo-signing-secret-1").unwrap();
    let verifier = Verifier::new(&FINAL, secret, ExpectedApp::Any).unwrap();
    let late = post(b"", Script::new([Step::Pause(Duration::from_secs(3))]));
    let rejected = receive(&verifier, late).await.unwrap_err();
    assert_eq!(rejected, Rejection::BodyLate.into());
    assert_eq!(Rejection::BodyLate.status(), 503);
}

#[tokio::test]
async fn a_body_that_always_has_a_frame_does_not_outrun_the_timeout() {
    let request = post(b"", Script::new([Step::Spin]));
    let outcome = receive(&verifier().with_timeout(Duration::from_millis(20)), request).await;
    assert_eq!(outcome.unwrap_err(), Rejection::BodyTimeout.into());
}

#[tokio::test]
async fn a_refused_body_that_always_has_a_frame_does_not_stop_the_others() {
    let request = Request::get("/").body(Script::new([Step::Spin])).unwrap();
    let unhandled = receive(&verifier(), request).await.unwrap_err();
    assert_eq!(unhandled.rejection(), Some(&Rejection::MethodNotAllowed(Method::Post)));
    tokio::task::yield_now().await; // comes back, on the one thread that there is
}

#[tokio::test]
async fn what_a_refused_caller_still_sends_is_read_unless_it_waits_for_100_continue() {
    for (expect, read_on) in [("", true), ("100-continue", false)] {
        let asked = Arc::new(AtomicBool::new(false));
        let mut request = Request::post("/").body(Script::new([Step::Note(Arc::clone(&asked))])).unwrap();
        if !expect.is_empty() {
            request.headers_mut().insert("expect", expect.parse().unwrap());
        }
        let unhandled = receive(&verifier(), request).await.unwrap_err();
        assert_eq!(unhandled.rejection(), Some(&Rejection::MissingSignature));
        tokio::task::yield_now().await;
        assert_eq!(asked.load(Ordering::Relaxed), read_on, "{expect}");
    }
}

#[test]
fn a_callback_that_comes_whole_needs_no_timer() {
    let without_time = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = callback("t");
    assert!(without_time.block_on(receive(&verifier(), post(&body, Full::new(body.clone())))).is_ok());
}
