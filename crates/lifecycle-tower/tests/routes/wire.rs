//! Layer and endpoint behind real sockets: under axum, and under plain hyper.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post as route_post;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use lifecycle_core::Verifier;
use lifecycle_tower::{BytesOr, LifecycleEndpoint, LifecycleLayer};
use test_adapter::Obedient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceBuilder;

use crate::support::{callback, sign, verifier};

/// Each server, with the endpoint at `/endpoint` and a verified route that gives its body back at `/verify`.
async fn servers() -> [SocketAddr; 2] {
    serve(verifier()).await
}

async fn serve(verifier: Verifier) -> [SocketAddr; 2] {
    [axum(verifier.clone()).await, hyper(verifier).await]
}

async fn axum(verifier: Verifier) -> SocketAddr {
    let echo = route_post(async |body: Bytes| (http::StatusCode::ACCEPTED, body));
    let app = Router::new()
        .route("/verify", echo.layer(LifecycleLayer::new(verifier.clone())))
        .route_service("/endpoint", LifecycleEndpoint::new(verifier.clone(), Obedient::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

async fn hyper(verifier: Verifier) -> SocketAddr {
    let endpoint = LifecycleEndpoint::new(verifier.clone(), Obedient::default());
    let verify = ServiceBuilder::new()
        .map_request(|request: Request<Incoming>| request.map(BytesOr::new))
        .layer(LifecycleLayer::new(verifier.clone()))
        .service_fn(async |request: Request<BytesOr<Incoming>>| {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Ok::<_, Infallible>(Response::builder().status(202).body(Full::new(body)).unwrap())
        });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (endpoint, verify) = (endpoint.clone(), verify.clone());
            let service = tower::service_fn(move |request: Request<Incoming>| {
                let (endpoint, verify) = (endpoint.clone(), verify.clone());
                async move {
                    use tower::ServiceExt;
                    Ok::<_, Infallible>(if request.uri().path() == "/verify" {
                        verify.oneshot(request).await.unwrap()
                    } else {
                        endpoint.oneshot(request).await.unwrap().map(BytesOr::from)
                    })
                }
            });
            let service = TowerToHyperService::new(service);
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// Sends all of it, then reads until the server closes the connection or has nothing more to say for now.
async fn exchange(server: SocketAddr, sent: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(server).await.unwrap();
    for piece in sent {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn head(path: &str, signed: &[u8], more: &str) -> Vec<u8> {
    let signature = sign(signed);
    format!("POST {path} HTTP/1.1\r\nhost: a\r\nx-seismic-signature: {signature}\r\n{more}\r\n").into_bytes()
}

const PATHS: [&str; 2] = ["/endpoint", "/verify"];

#[tokio::test]
async fn a_callback_is_accepted_however_it_is_framed() {
    let body = callback("t");
    let length = format!("connection: close\r\ncontent-length: {}\r\n", body.len());
    let mut chunked: Vec<Vec<u8>> = vec![];
    chunked.extend(body.iter().map(|byte| vec![b'1', b'\r', b'\n', *byte, b'\r', b'\n']));
    chunked.push(b"0\r\ntrailer: ignored\r\n\r\n".to_vec());
    for server in servers().await {
        for path in PATHS {
            let whole = [head(path, &body, &length), body.to_vec()].concat();
            let answer = exchange(server, &[&whole]).await;
            assert!(answer.starts_with("HTTP/1.1 202 "), "{path}: {answer}");
            assert_eq!(answer.ends_with(std::str::from_utf8(&body).unwrap()), path == "/verify", "{answer}");

            let head = head(path, &body, "connection: close\r\ntransfer-encoding: chunked\r\n");
            let pieces: Vec<&[u8]> = [&head].into_iter().chain(&chunked).map(Vec::as_slice).collect();
            let answer = exchange(server, &pieces).await;
            assert!(answer.starts_with("HTTP/1.1 202 "), "{path}: {answer}");
        }
    }
}

#[tokio::test]
async fn pipelined_callbacks_are_answered_in_order_on_one_connection() {
    let body = callback("t");
    let length = format!("content-length: {}\r\n", body.len());
    for server in servers().await {
        for path in PATHS {
            let good = [head(path, &body, &length), body.to_vec()].concat();
            let forged = [head(path, b"", &length), body.to_vec()].concat();
            let last = [head(path, &body, &format!("connection: close\r\n{length}")), body.to_vec()].concat();
            let unsigned = format!("POST {path} HTTP/1.1\r\nhost: a\r\n\r\n").into_bytes();
            let answer = exchange(server, &[&[good, forged, unsigned, last].concat()]).await;
            let statuses: Vec<&str> = answer.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
            assert_eq!(statuses, ["202", "401", "401", "202"], "{path}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_caller_that_waits_for_100_continue_gets_it_only_when_its_head_is_accepted() {
    let body = callback("t");
    for server in servers().await {
        for path in PATHS {
            let more =
                format!("connection: close\r\nexpect: 100-continue\r\ncontent-length: {}\r\n", body.len());
            let mut stream = TcpStream::connect(server).await.unwrap();
            stream.write_all(&head(path, &body, &more)).await.unwrap();
            let mut interim = [0; 25];
            stream.read_exact(&mut interim).await.unwrap();
            assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
            stream.write_all(&body).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 202 "), "{path}: {answer}");

            let large = "expect: 100-continue\r\ncontent-length: 4097\r\n";
            let answer = exchange(server, &[&head(path, &body, large)]).await;
            assert!(answer.starts_with("HTTP/1.1 413 ") && !answer.contains(" 100 "), "{path}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_body_declared_too_large_is_refused_without_waiting_for_it() {
    for server in servers().await {
        for path in PATHS {
            let answer = exchange(server, &[&head(path, b"", "content-length: 4097\r\n")]).await;
            assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_refused_caller_that_keeps_sending_gets_its_answer() {
    let large = vec![b' '; 512 * 1024];
    let declared = (format!("content-length: {}\r\n", large.len()), large.clone());
    let chunked = [format!("{:x}\r\n", large.len()).as_bytes(), large.as_slice(), b"\r\n0\r\n\r\n"].concat();
    let counted = ("transfer-encoding: chunked\r\n".to_owned(), chunked);
    for server in servers().await {
        for path in PATHS {
            for (framing, large) in [&declared, &counted] {
                let refused = head(path, b"", framing);
                let mut pieces: Vec<&[u8]> = vec![&refused];
                pieces.extend(large.chunks(8192));
                let answer = exchange(server, &pieces).await;
                assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");
                assert!(answer.contains("connection: close\r\n"), "{path}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn half_a_body_is_timed_out() {
    let body = callback("t");
    for server in serve(verifier().with_timeout(Duration::from_millis(200))).await {
        for path in PATHS {
            let half = [head(path, &body, "content-length: 47\r\n"), body[..20].to_vec()].concat();
            let answer = exchange(server, &[&half]).await;
            assert!(
                answer.starts_with("HTTP/1.1 408 ") && answer.contains("body-timeout"),
                "{path}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_unreadable() {
    let body = callback("t");
    let broken: [(&str, &[u8]); 2] = [
        ("content-length: 47\r\n", &body[..20]),
        ("transfer-encoding: chunked\r\n", b"x\r\n{}\r\n0\r\n\r\n"),
    ];
    for server in servers().await {
        for path in PATHS {
            for (framing, part) in broken {
                let mut stream = TcpStream::connect(server).await.unwrap();
                stream.write_all(&[&head(path, &body, framing), part].concat()).await.unwrap();
                stream.shutdown().await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                assert!(
                    answer.starts_with("HTTP/1.1 400 ") && answer.contains("body-unreadable"),
                    "{path}: {answer}"
                );
            }
        }
    }
}
