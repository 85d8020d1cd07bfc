//! Closing: whether a route that answers before a body's end says that the connection closes, and closes it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Only so that a broken server ends a test. The slowest of them takes 1 s to close.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is sent once the answer has come. It is a part of the body, or comes too late: it never is a request.
const NEXT: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// Refused requests whose bodies have not come when they are answered: the framing, and what is sent of the body.
const UNFINISHED: [(&str, &str); 4] = [
    ("content-length: 1000\r\n", ""),
    ("content-length: 1000\r\n", "half"),
    ("transfer-encoding: chunked\r\n", "4\r\nhalf\r\n"),
    ("content-length: 1000\r\nexpect: 100-continue\r\n", ""),
];

/// Sends a POST with this head (its request line and lines of its own) that the route refuses, again and again, each time
/// with another body that has not come to its end when it is answered. Checks that each answer says that the connection
/// closes, that no second one comes, and that it closes: also while the sender goes on byte by byte.
///
/// # Panics
/// When it is not so.
pub async fn closes_before_the_bodys_end(server: SocketAddr, head: &str) {
    for (framing, body) in UNFINISHED {
        let mut stream = TcpStream::connect(server).await.expect("the server listens");
        let request = format!("{head}host: a\r\n{framing}\r\n{body}");
        stream.write_all(request.as_bytes()).await.expect("the server reads the head");
        let mut received = Vec::new();
        while answers(&received).is_empty() {
            let read = timeout(PATIENCE, stream.read_buf(&mut received)).await.expect("an answer in time");
            assert_ne!(read.expect("an answer, not a reset"), 0, "closed without an answer: {request}");
        }
        let (mut reading, mut writing) = stream.into_split();
        let chunked = framing.contains("chunked");
        let dripping = async {
            for byte in NEXT.chars().cycle() {
                let piece = if chunked { format!("1\r\n{byte}\r\n") } else { byte.to_string() };
                if writing.write_all(piece.as_bytes()).await.is_err() {
                    break;
                }
                sleep(Duration::from_millis(50)).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = reading.read_to_end(&mut received) => match ended {
                Err(error) if error.kind() != io::ErrorKind::ConnectionReset => panic!("{error}: {request}"),
                _ => {} // what comes after the close is answered by a reset
            },
            () = dripping => {}
            () = sleep(PATIENCE) => panic!("the connection stays open after {request}"),
        }
        let text = String::from_utf8_lossy(&received);
        let answers = answers(&received);
        assert_eq!(answers.len(), 1, "{request}\n{text}");
        assert_eq!(closings(&answers[0]), 1, "{request}\n{text}");
    }
}

/// Sends the same without a body, twice on one connection. Checks that both are answered, and that neither answer says
/// that the connection closes.
///
/// # Panics
/// When it is not so.
pub async fn stays_open_without_a_body(server: SocketAddr, head: &str) {
    let mut stream = TcpStream::connect(server).await.expect("the server listens");
    let mut received = Vec::new();
    for number in 1..=2 {
        let request = format!("{head}host: a\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("the connection is open");
        while answers(&received).len() < number {
            let read = timeout(PATIENCE, stream.read_buf(&mut received)).await.expect("an answer in time");
            assert_ne!(read.expect("an answer, not a reset"), 0, "closed: {request}");
        }
    }
    let text = String::from_utf8_lossy(&received);
    assert!(answers(&received).iter().all(|answer| closings(answer) == 0), "{head}\n{text}");
}

/// The heads of the answers so far, without interim ones.
fn answers(received: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(received).to_ascii_lowercase();
    let answers = text.split("http/1.1 ").skip(1).filter(|answer| !answer.starts_with("100"));
    answers.filter_map(|answer| answer.split_once("\r\n\r\n")).map(|(head, _)| head.to_owned()).collect()
}

fn closings(head: &str) -> usize {
    head.lines().filter(|line| *line == "connection: close").count()
}
