//! The routes on real sockets, where framing, stalls and closed connections show.

use crate::support::{BODY, Client, Counter, SHORT, serve, signature, verifier};
use lifecycle_core::{Delivery, TenantKey};
use lifecycle_warp::{endpoint, recover, require_enabled, response_before_body, verified, verify};
use test_adapter::{Gate, closes_before_the_bodys_end, stays_open_without_a_body};
use warp::Filter;
use warp::http::HeaderMap;
use warp::reply::{Reply, Response};

fn head(lines: &str) -> String {
    format!("POST /seismic HTTP/1.1\r\nhost: t\r\nx-seismic-signature: {}\r\n{lines}\r\n", signature(BODY))
}

fn declared(length: usize) -> String {
    head(&format!("content-length: {length}\r\n"))
}

fn accept(_delivery: Delivery) -> Response {
    warp::http::StatusCode::ACCEPTED.into_response()
}

#[tokio::test]
async fn a_chunked_body_is_taken_however_it_is_cut() {
    let seen = Counter::default();
    let mut client = Client::connect(serve(endpoint(verifier(), seen.clone())).await).await;
    client.send(head("Transfer-Encoding: chunked\r\n")).await.unwrap();
    for byte in BODY.bytes() {
        client.send([b"1\r\n", &[byte][..], b"\r\n"].concat()).await.unwrap();
    }
    client.send("0\r\n\r\n").await.unwrap();
    assert!(client.response().await.starts_with("HTTP/1.1 202 "));
    assert_eq!(seen.count(), 1);
}

#[tokio::test]
async fn behind_a_path_a_target_without_one_is_no_routes() {
    let route = warp::path!("seismic").and(endpoint(verifier(), Counter::default()));
    let address = serve(route).await;
    for line in ["CONNECT app.example:443", "POST app.example:443", "POST seismic"] {
        let mut client = Client::connect(address).await;
        client.send(format!("{line} HTTP/1.1\r\nhost: t\r\ncontent-length: 0\r\n\r\n")).await.unwrap();
        let answer = client.response().await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{line}: {answer}");
    }
}

#[tokio::test]
async fn half_a_body_is_answered_408_by_every_route() {
    let verifier = || verifier().with_timeout(SHORT);
    let routes = [
        endpoint(verifier(), Counter::default()).boxed(),
        verify(verifier(), verified(crate::support::verifier()).map(accept)).boxed(),
        verified(verifier()).map(accept).recover(recover).map(Reply::into_response).boxed(),
    ];
    for route in routes {
        let mut client = Client::connect(serve(route).await).await;
        client.send(declared(BODY.len()) + &BODY[..10]).await.unwrap();
        let answer = client.response().await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body-timeout"), "{answer}");
    }
}

#[tokio::test]
async fn a_request_keeps_its_own_head_while_others_come_and_go() {
    let address = serve(endpoint(verifier(), Counter::default())).await;
    let (mut slow, mut unsigned) = (Client::connect(address).await, Client::connect(address).await);
    slow.send(declared(BODY.len())).await.unwrap();
    for _ in 0..2 {
        unsigned.send("POST /seismic HTTP/1.1\r\nhost: t\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        assert!(unsigned.response().await.starts_with("HTTP/1.1 401 "));
    }
    slow.send(BODY).await.unwrap();
    assert!(slow.response().await.starts_with("HTTP/1.1 202 "));
}

#[tokio::test]
async fn a_body_declared_too_large_is_refused_before_any_of_it_is_sent() {
    let mut client = Client::connect(serve(endpoint(verifier(), Counter::default())).await).await;
    client.send(declared(1 << 30)).await.unwrap();
    assert!(client.response().await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn the_413_reaches_a_sender_that_reads_only_after_it_has_sent_everything() {
    let large = vec![b'x'; 8 << 20]; // more than the socket buffers of both sides hold
    for lines in ["content-length: 8388608\r\n", "transfer-encoding: chunked\r\n"] {
        let mut client = Client::connect(serve(endpoint(verifier(), Counter::default())).await).await;
        client.send(head(lines)).await.unwrap();
        if lines.starts_with("transfer") {
            client.send("800000\r\n").await.unwrap();
        }
        client.send(&large).await.expect("the connection stays open until all is sent");
        let answer = client.response().await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("body-too-large"), "{answer}");
    }
}

#[tokio::test]
async fn a_sender_that_waits_for_100_continue_is_refused_without_being_asked_for_the_body() {
    let mut client = Client::connect(serve(endpoint(verifier(), Counter::default())).await).await;
    client.send(head("content-length: 8388608\r\nExpect: 100-continue\r\n")).await.unwrap();
    assert!(client.response().await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_sender_that_waits_for_100_continue_is_asked_when_its_head_is_accepted() {
    let mut client = Client::connect(serve(endpoint(verifier(), Counter::default())).await).await;
    client.send(declared(BODY.len()).replace("host", "Expect: 100-continue\r\nhost")).await.unwrap();
    assert_eq!(client.response().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(BODY).await.unwrap();
    assert!(client.response().await.starts_with("HTTP/1.1 202 "));
}

/// Every kind of route of this crate, each on its own path.
fn routes() -> impl Filter<Extract = (Response,), Error = warp::Rejection> + Clone {
    let short = || verifier().with_timeout(SHORT);
    let tenant = warp::any().map(|| TenantKey::new("seismic", "app", "closed"));
    let route = |path: &'static str| warp::path(path).and(warp::path::end());
    let endpoint = route("endpoint").and(endpoint(short(), Counter::default()));
    let verify = route("verify").and(verify(short(), warp::any().map(warp::reply)));
    let verified = route("verified").and(verified(short())).map(accept).recover(recover);
    let gate = route("gate").and(require_enabled(Gate, tenant)).map(|_| warp::reply()).recover(recover);
    // A route of the app's own that refuses by the head.
    let early = route("own")
        .and(warp::header::headers_cloned())
        .map(|headers: HeaderMap| response_before_body(&headers, lifecycle_core::Reply::not_enabled()));
    let routes = endpoint.or(verify).unify().or(verified).or(gate).or(early);
    routes.map(Reply::into_response)
}

#[tokio::test]
async fn every_route_closes_what_it_refuses_before_the_bodys_end() {
    let server = serve(routes()).await;
    for path in ["endpoint", "verify", "verified", "gate", "own"] {
        closes_before_the_bodys_end(server, &format!("POST /{path} HTTP/1.1\r\n")).await;
    }
    let late = format!("POST /endpoint HTTP/1.1\r\nx-seismic-signature: {}\r\n", signature("x"));
    closes_before_the_bodys_end(server, &late).await;
}

#[tokio::test]
async fn every_route_keeps_the_connection_of_a_request_without_a_body() {
    let server = serve(routes()).await;
    for path in ["endpoint", "verify", "verified", "gate", "own"] {
        stays_open_without_a_body(server, &format!("POST /{path} HTTP/1.1\r\n")).await;
    }
}

#[tokio::test]
async fn a_connection_is_kept_over_refusals() {
    let mut client = Client::connect(serve(endpoint(verifier(), Counter::default())).await).await;
    let forged = format!(
        "POST / HTTP/1.1\r\nhost: t\r\nx-seismic-signature: {}\r\ncontent-length: {}\r\n\r\n{BODY}",
        signature("x"),
        BODY.len()
    );
    for _ in 0..3 {
        client.send(&forged).await.unwrap();
        assert!(client.response().await.starts_with("HTTP/1.1 401 "));
        client.send(declared(BODY.len()) + BODY).await.unwrap();
        assert!(client.response().await.starts_with("HTTP/1.1 202 "));
    }
}

#[tokio::test]
async fn bytes_that_are_no_chunk_are_answered_400() {
    let seen = Counter::default();
    let mut client = Client::connect(serve(endpoint(verifier(), seen.clone())).await).await;
    client.send(head("transfer-encoding: chunked\r\n") + "zz\r\n").await.unwrap();
    let answer = client.response().await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("body-unreadable"), "{answer}");
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn a_header_line_that_contradicts_another_is_seen() {
    let mut client = Client::connect(serve(endpoint(verifier(), Counter::default())).await).await;
    client.send(head("X-SEISMIC-signature: 0\r\ncontent-length: 0\r\n")).await.unwrap();
    let answer = client.response().await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("invalid-header"), "{answer}");
}
