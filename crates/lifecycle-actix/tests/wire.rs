//! What only a socket shows: deadlines, unread bodies, connections that go on.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use lifecycle_core::{Rejection, Verifier};
use support::{ROUTES, callback, impatient, routes, sign, verifier};
use test_adapter::{Obedient, closes_before_the_bodys_end, stays_open_without_a_body};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Only so that a broken test ends.
const PATIENCE: Duration = Duration::from_secs(20);

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next answer in full; `HEAD` has no body whatever its length says.
    async fn answer(&mut self, to_head: bool) -> Answer {
        let end = self.read_until(|read| read.windows(4).position(|w| w == b"\r\n\r\n")).await;
        let head: Vec<u8> = self.read.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.split("\r\n").next());
        let length = if to_head { 0 } else { length.map_or(0, |length| length.parse().unwrap()) };
        self.read_until(|read| (read.len() >= length).then_some(length)).await;
        let body = self.read.drain(..length).collect();
        Answer { status: head[9..12].parse().unwrap(), head, body }
    }

    async fn read_until(&mut self, found: impl Fn(&[u8]) -> Option<usize>) -> usize {
        loop {
            if let Some(place) = found(&self.read) {
                return place;
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await.expect("no answer");
            assert_ne!(read.expect("the connection was reset"), 0, "closed early: {:?}", self.read);
        }
    }
}

/// A server with every route. Dropping the handle does not stop it, but the end of the test does.
fn serve(verifier: &Verifier) -> (SocketAddr, ServerHandle) {
    // Else its 1 s would decide how much a slow test may send on.
    serve_and_discard_for(PATIENCE, verifier)
}

fn serve_and_discard_for(discarding: Duration, verifier: &Verifier) -> (SocketAddr, ServerHandle) {
    let routes = routes(verifier, &Obedient::default());
    let server = HttpServer::new(move || App::new().configure(routes.clone()))
        .workers(1)
        .disable_signals()
        .client_disconnect_timeout(discarding)
        .bind(("127.0.0.1", 0))
        .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (address, handle)
}

fn head(path: &str, signature: &str, more: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nX-SEISMIC-signature: {signature}\r\n{more}\r\n")
}

fn signed(path: &str, body: &str) -> String {
    let head = head(path, &sign(body.as_bytes()), &format!("Content-Length: {}\r\n", body.len()));
    head + body
}

fn assert_reply(answer: &Answer, rejection: &Rejection, case: &str) {
    assert_eq!(answer.status, rejection.status(), "{case}: {}", answer.head);
    assert_eq!(answer.body, **rejection.reply().body(), "{case}");
}

#[actix_web::test]
async fn half_a_body_is_answered_within_the_timeout() {
    let (address, _server) = serve(&impatient());
    for route in ROUTES {
        let mut connection = Connection::open(address).await;
        connection.send(head(route, &sign(b"x"), "Content-Length: 100\r\n") + "half").await;
        assert_reply(&connection.answer(false).await, &Rejection::BodyTimeout, route);
        let mut connection = Connection::open(address).await;
        connection.send(head(route, &sign(b"x"), "Transfer-Encoding: chunked\r\n") + "4\r\nhalf\r\n").await;
        assert_reply(&connection.answer(false).await, &Rejection::BodyTimeout, route);
    }
}

#[actix_web::test]
async fn a_slow_handler_is_answered_for_and_the_connection_goes_on() {
    let (address, _server) = serve(&impatient());
    for (path, tenant) in [("/endpoint", "sleep"), ("/verify/sleep", "t")] {
        let mut connection = Connection::open(address).await;
        connection.send(signed(path, &callback(tenant))).await;
        assert_reply(&connection.answer(false).await, &Rejection::DeadlineExceeded, path);
        connection.send(signed("/endpoint", &callback("t"))).await;
        assert_eq!(connection.answer(false).await.status, 202);
    }
}

#[actix_web::test]
async fn too_large_a_body_is_refused_before_any_of_it_comes() {
    let (address, _server) = serve(&verifier());
    for route in ROUTES {
        for length in ["4097", "18446744073709551615"] {
            let mut connection = Connection::open(address).await;
            connection.send(head(route, &sign(b"x"), &format!("Content-Length: {length}\r\n"))).await;
            assert_reply(&connection.answer(false).await, &Rejection::BodyTooLarge, length);
        }
    }
}

#[actix_web::test]
async fn a_client_that_sends_on_gets_its_refusal_whole() {
    const LENGTH: usize = 16 << 20;
    let (address, _server) = serve(&verifier());
    let declared = format!("Content-Length: {LENGTH}\r\n");
    let unsigned = format!("POST /endpoint HTTP/1.1\r\nHost: localhost\r\n{declared}\r\n");
    let chunked = head("/endpoint", &sign(b"x"), "Transfer-Encoding: chunked\r\n") + "1000000\r\n";
    for (head, rejection) in [
        (head("/endpoint", &sign(b"x"), &declared), Rejection::BodyTooLarge),
        (head("/verify", &sign(b"x"), &declared), Rejection::BodyTooLarge),
        (head("/extract", &sign(b"x"), &declared), Rejection::BodyTooLarge),
        (unsigned, Rejection::MissingSignature),
        (chunked, Rejection::BodyTooLarge),
    ] {
        let Connection { stream, read } = Connection::open(address).await;
        let (reader, mut writer) = stream.into_split();
        let sending = actix_web::rt::spawn(async move {
            writer.write_all(head.as_bytes()).await.unwrap();
            let sent = writer.write_all(&vec![b'x'; LENGTH]).await;
            (writer, sent)
        });
        // It reads only when all is sent, or sending has failed: a reset would have destroyed the answer by then.
        let (writer, sent) =
            timeout(PATIENCE, sending).await.expect("the server neither reads nor closes").unwrap();
        sent.unwrap();
        let mut connection = Connection { stream: reader.reunite(writer).unwrap(), read };
        assert_reply(&connection.answer(false).await, &rejection, rejection.code());
    }
}

#[actix_web::test]
async fn every_route_closes_what_it_refuses_before_the_bodys_end() {
    for discarding in [Duration::from_secs(1), Duration::ZERO] {
        let (address, _server) = serve_and_discard_for(discarding, &impatient());
        for path in ROUTES.into_iter().chain(["/gate", "/own", "/verify/extract"]) {
            closes_before_the_bodys_end(address, &format!("POST {path} HTTP/1.1\r\n")).await;
        }
        let late = format!("POST /endpoint HTTP/1.1\r\nx-seismic-signature: {}\r\n", sign(b"x"));
        closes_before_the_bodys_end(address, &late).await;
    }
}

#[actix_web::test]
async fn every_route_keeps_the_connection_of_a_request_without_a_body() {
    let (address, _server) = serve(&verifier());
    for path in ROUTES.into_iter().chain(["/gate", "/own"]) {
        stays_open_without_a_body(address, &format!("POST {path} HTTP/1.1\r\n")).await;
    }
}

#[actix_web::test]
async fn a_connection_goes_on_after_a_refusal() {
    let (address, _server) = serve(&verifier());
    let body = callback("t");
    let unsigned =
        format!("POST /endpoint HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut connection = Connection::open(address).await;
    connection.send(unsigned + &body).await;
    assert_reply(&connection.answer(false).await, &Rejection::MissingSignature, "first");
    connection.send(signed("/endpoint", &body)).await;
    assert_eq!(connection.answer(false).await.status, 202);
}

#[actix_web::test]
async fn pipelined_requests_are_answered_in_order() {
    let (address, _server) = serve(&verifier());
    let mut connection = Connection::open(address).await;
    let mut requests = head("/endpoint", &sign(b"other"), "Content-Length: 2\r\n") + "{}";
    requests += &signed("/verify", &callback("first"));
    requests += &signed("/endpoint", &callback("refuse"));
    requests += "GET /extract HTTP/1.1\r\nHost: localhost\r\n\r\n";
    requests += &signed("/extract", &callback("last"));
    connection.send(requests).await;
    for status in [401, 202, 403, 405, 202] {
        assert_eq!(connection.answer(false).await.status, status);
    }
}

#[actix_web::test]
async fn a_body_is_awaited_after_100_continue() {
    let (address, _server) = serve(&verifier());
    let body = callback("t");
    for route in ROUTES {
        let mut connection = Connection::open(address).await;
        let more = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", body.len());
        connection.send(head(route, &sign(body.as_bytes()), &more)).await;
        assert_eq!(connection.answer(false).await.status, 100);
        connection.send(&body).await;
        assert_eq!(connection.answer(false).await.status, 202);
    }
}

#[actix_web::test]
async fn a_body_that_breaks_off_is_unreadable() {
    let (address, _server) = serve(&verifier());
    for route in ROUTES {
        let mut connection = Connection::open(address).await;
        connection.send(head(route, &sign(b"x"), "Content-Length: 100\r\n") + "half").await;
        connection.stream.shutdown().await.unwrap();
        assert_reply(&connection.answer(false).await, &Rejection::BodyUnreadable, route);

        let mut connection = Connection::open(address).await;
        connection.send(head(route, &sign(b"x"), "Transfer-Encoding: chunked\r\n") + "zz\r\n").await;
        let answer = connection.answer(false).await;
        assert_reply(&answer, &Rejection::BodyUnreadable, route);
        assert!(answer.head.contains("connection: close\r\n"), "{}", answer.head);
        timeout(PATIENCE, connection.stream.read_to_end(&mut connection.read)).await.unwrap().unwrap();
        assert_eq!(connection.read, b"", "{route}");
    }
}

#[actix_web::test]
async fn other_methods_are_told_what_is_allowed() {
    let (address, _server) = serve(&verifier());
    for route in ROUTES {
        let mut connection = Connection::open(address).await;
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "BREW"] {
            connection.send(format!("{method} {route} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
            let answer = connection.answer(method == "HEAD").await;
            assert_eq!(answer.status, 405, "{method}");
            assert!(answer.head.contains("allow: post\r\n"), "{method}: {}", answer.head);
        }
    }
}
