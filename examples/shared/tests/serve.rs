//! Serve: what strangers may hold, on real sockets and with short limits. How the apps hold up is in `xtask/tests`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use example_shared::{Limits, Shutdown, WatchedBody, serve};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tower::service_fn;

/// Far longer than anything here takes, and far shorter than for ever.
const PATIENCE: Duration = Duration::from_secs(30);

const LIMITS: Limits = Limits { idle: Duration::from_millis(300), ..Limits::SMALL };

/// Answers `/slow` once it is let go, `/read` after the body, and all else at once.
static LET_GO: Semaphore = Semaphore::const_new(0);

async fn answer(request: Request<WatchedBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    match request.uri().path() {
        "/slow" => LET_GO.acquire().await.expect("it is never closed").forget(),
        "/read" => drop(request.into_body().collect().await),
        _ => {}
    }
    Ok(Response::new(Full::from("ok")))
}

async fn start(limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, service_fn(answer), limits, Shutdown::on_signal().unwrap()));
    address
}

async fn connect(address: SocketAddr, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    stream
}

/// What comes until the server closes the connection, by a reset or not.
async fn all(mut stream: TcpStream) -> String {
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    let closed = async {
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            received.extend_from_slice(&buffer[..count]);
        }
    };
    timeout(PATIENCE, closed).await.expect("the server closes the connection");
    String::from_utf8_lossy(&received).into_owned()
}

/// Reads one small answer, and leaves the connection open.
async fn one(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 1024];
    let count = timeout(PATIENCE, stream.read(&mut buffer)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

const GET: &str = "GET / HTTP/1.1\r\nhost: h\r\n\r\n";
const SLOW: &str = "GET /slow HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn what_is_unfinished_or_idle_is_closed() {
    let address = start(LIMITS).await;
    for sent in ["", "PRI * HTTP/2.0\r\n", "G", "GET / HTTP/1.1\r\nhost:", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    {
        assert!(!all(connect(address, sent).await).await.contains("200 OK"), "{sent:?}");
    }
    assert!(
        all(connect(address, GET).await).await.contains("200 OK"),
        "an idle one is closed after its answer"
    );
}

#[tokio::test]
async fn an_answer_before_the_bodys_end_says_that_the_connection_closes() {
    let address = start(Limits { idle: PATIENCE * 2, ..Limits::SMALL }).await;
    let length = "host: h\r\ncontent-length: 5\r\n\r\nab";
    let chunked = "host: h\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n";
    for body in [length, chunked] {
        let received = all(connect(address, &format!("POST / HTTP/1.1\r\n{body}")).await).await;
        assert!(received.contains("connection: close"), "{received}");
    }
    for (body, rest) in [(length, "cde"), (chunked, "0\r\n\r\n")] {
        let mut stream = connect(address, &format!("POST /read HTTP/1.1\r\n{body}{rest}")).await;
        let received = one(&mut stream).await;
        assert!(received.contains("200 OK") && !received.contains("connection"), "{received}");
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert!(one(&mut stream).await.contains("200 OK"), "the connection is still open");
    }
}

#[tokio::test]
async fn a_head_that_comes_in_drops_has_no_longer() {
    let address = start(LIMITS).await;
    let (reader, mut writer) = connect(address, "GET / HTTP/1.1\r\n").await.into_split();
    let drops = tokio::spawn(async move {
        while writer.write_all(b"x: y\r\n").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    });
    let mut reader = reader;
    let closed = async { while let Ok(1..) = reader.read(&mut [0; 64]).await {} };
    timeout(PATIENCE, closed).await.expect("the server closes the connection");
    drops.abort();
}

#[tokio::test]
async fn an_answer_may_take_longer_than_a_connection_may_be_idle() {
    let address = start(LIMITS).await;
    let slow = connect(address, SLOW).await;
    sleep(LIMITS.idle * 3).await;
    LET_GO.add_permits(1);
    assert!(all(slow).await.contains("200 OK"));
}

#[tokio::test]
async fn one_more_than_the_limit_takes_the_place_of_the_longest_idle() {
    let limits = Limits { connections: 3, idle: PATIENCE * 2, ..Limits::SMALL };
    let address = start(limits).await;
    let mut first = connect(address, GET).await;
    one(&mut first).await;
    let mut second = connect(address, "GET / HTTP/1.1\r\n").await; // idle for longer than the first, once that asks again
    let mut third = connect(address, GET).await;
    one(&mut third).await;
    first.write_all(GET.as_bytes()).await.unwrap();
    one(&mut first).await;

    let mut fourth = connect(address, GET).await;
    assert!(one(&mut fourth).await.contains("200 OK"));
    assert!(matches!(timeout(PATIENCE, second.read(&mut [0; 64])).await, Ok(Ok(0) | Err(_))), "it made room");
    for other in [&mut first, &mut third, &mut fourth] {
        other.write_all(GET.as_bytes()).await.unwrap();
        assert!(one(other).await.contains("200 OK"), "the others are still open");
    }
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_refused_before_its_end() {
    let address = start(Limits { idle: PATIENCE * 2, ..Limits::SMALL }).await;
    let head = format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(Limits::SMALL.head));
    assert!(all(connect(address, &head).await).await.contains("431"));
}

#[tokio::test]
async fn http_2_is_spoken_and_is_no_way_around_the_idle_limit() {
    let address = start(LIMITS).await;
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("http://{address}/")).body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
    timeout(PATIENCE, connection).await.expect("the server closes the connection").unwrap().unwrap();
}
