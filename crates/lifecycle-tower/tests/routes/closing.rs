//! What is answered before a request's body came to its end closes the connection, and says so.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::server::conn::{http1, http2 as http2_server};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use lifecycle_tower::{LifecycleEndpoint, RequireEnabledLayer, ResponseBody, receive, response};
use test_adapter::{Gate, Obedient, closes_before_the_bodys_end, stays_open_without_a_body};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt};

use crate::support::{Script, Step, callback, post, sign, verifier};

#[cfg(feature = "axum")]
async fn axum() -> SocketAddr {
    use axum::Router;
    use axum::extract::Request;
    use axum::routing::{any, post};
    use lifecycle_core::Reply;
    use lifecycle_tower::axum::{DeliveryJson, Verified};
    use lifecycle_tower::{LifecycleLayer, response_before_body};

    /// A route of the app's own that refuses by the head.
    async fn own(request: Request) -> Response<axum::body::Body> {
        response_before_body(&request.into_parts().0, Reply::not_enabled()).map(axum::body::Body::new)
    }

    let gate = RequireEnabledLayer::new(Gate, |_| None);
    let app = Router::new()
        .route("/verify", post(async || "in").layer(LifecycleLayer::new(verifier())))
        .route_service("/endpoint", LifecycleEndpoint::new(verifier(), Obedient::default()))
        .route("/received", any(async |_: Verified| "in").with_state(verifier()))
        .route("/gate", post(async || "in").layer(gate))
        .route("/own", post(own))
        .route("/unlayered", post(async |_: DeliveryJson<serde_json::Value>| "in"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

/// A route that is written by hand around the function.
async fn by_hand(request: Request<Incoming>) -> Result<Response<ResponseBody>, Infallible> {
    let (seismic, started) = (verifier().with_timeout(Duration::from_millis(200)), Instant::now());
    let received = receive(&seismic, request).await;
    let (outcome, reply) = match &received {
        Ok((_, delivery)) => {
            (lifecycle_core::RequestOutcome::Answered(delivery, Some(202)), delivery.platform().ack().reply())
        }
        Err(unhandled) => (unhandled.outcome(), unhandled.reply()),
    };
    seismic.record(outcome, started.elapsed(), SystemTime::now());
    Ok(response(reply))
}

async fn hyper() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(by_hand)));
        }
    });
    address
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn every_route_closes_what_it_refuses_before_the_bodys_end() {
    let server = axum().await;
    for path in ["/verify", "/endpoint", "/received", "/gate", "/own", "/unlayered"] {
        closes_before_the_bodys_end(server, &format!("POST {path} HTTP/1.1\r\n")).await;
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn every_route_keeps_the_connection_of_a_request_without_a_body() {
    let server = axum().await;
    for path in ["/verify", "/endpoint", "/received", "/gate", "/own"] {
        stays_open_without_a_body(server, &format!("POST {path} HTTP/1.1\r\n")).await;
    }
}

#[tokio::test]
async fn a_route_by_hand_closes_as_the_others_do() {
    let server = hyper().await;
    let wrong_method = "PUT / HTTP/1.1\r\n";
    // Its head is accepted: it is refused when the timeout is over, or by what is no chunk.
    let late = format!("POST / HTTP/1.1\r\nx-seismic-signature: {}\r\n", sign(b"x"));
    for head in ["POST / HTTP/1.1\r\n", wrong_method, &late] {
        closes_before_the_bodys_end(server, head).await;
    }
    for head in ["POST / HTTP/1.1\r\n", wrong_method, &late] {
        stays_open_without_a_body(server, head).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_closes_exactly_when_the_body_was_not_at_its_end() {
    let body = callback("t");
    let late = Script::new([Step::Pause(Duration::from_secs(9))]);
    let large = || Bytes::from(vec![b' '; 4097]);
    let endless = Script::new([Step::Give(large()), Step::Pause(Duration::from_secs(9))]);
    for (request, status, closes) in [
        (post(&body, late), 408, true),
        (post(&body, endless), 413, true),
        (post(&body, Script::new([Step::Break])), 400, true),
        (post(b"other", Script::from(body.clone())), 401, false),
        (post(b"{}", Script::from(Bytes::from_static(b"{}"))), 422, false),
        (post(&callback("fail"), Script::from(callback("fail"))), 500, false),
        (post(&callback("sleep"), Script::from(callback("sleep"))), 503, false),
        (post(&body, Script::from(body.clone())), 202, false),
    ] {
        let answer = LifecycleEndpoint::new(verifier(), Obedient::default()).oneshot(request).await.unwrap();
        let says_so = answer.headers().get("connection").is_some_and(|value| value == "close");
        assert_eq!((answer.status().as_u16(), says_so), (status, closes));
    }
}

#[tokio::test]
async fn no_answer_over_http_2_has_a_connection_header() {
    let mut request = Request::post("/").body(Full::<Bytes>::from("{}")).unwrap();
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().insert("content-length", 2.into());
    let endpoint = LifecycleEndpoint::new(verifier(), Obedient::default());
    assert!(!endpoint.oneshot(request.clone()).await.unwrap().headers().contains_key("connection"));
    let inner = tower::service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let gate = RequireEnabledLayer::new(Gate, |_| None).layer(inner);
    assert!(!gate.oneshot(request).await.unwrap().headers().contains_key("connection"));
}

#[tokio::test]
async fn a_refusal_over_http_2_leaves_its_connection_to_the_next_request() {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let server = http2_server::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(server), service_fn(by_hand));
    tokio::spawn(server);
    let (mut requests, connection) =
        http2::handshake::<_, _, Script>(TokioExecutor::new(), TokioIo::new(client)).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..2 {
        let body = Script::new([Step::Pause(Duration::from_secs(60))]);
        let refused = requests.send_request(Request::post("http://a/").body(body).unwrap()).await.unwrap();
        assert_eq!(refused.status(), 401);
        assert!(refused.into_body().collect().await.unwrap().to_bytes().starts_with(b"{\"title\""));
    }
}
