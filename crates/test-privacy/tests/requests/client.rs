//! Client: a request as bytes on a connection of its own, and the bytes that come back. It logs nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::requests::Request;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The answer in HTTP/1.1, head and body.
pub(crate) fn http1(address: SocketAddr, target: &str, request: &Request) -> Vec<u8> {
    let mut bytes =
        format!("{} {target} HTTP/1.1\r\nhost: app.example\r\nconnection: close\r\n", request.signed.method)
            .into_bytes();
    for (name, value) in &request.signed.headers {
        bytes.extend([name.as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    if !request.signed.body.is_empty() {
        bytes.extend(format!("content-length: {}\r\n", request.signed.body.len()).into_bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(&request.signed.body);
    exchange(address, &bytes, |_| false)
}

/// The frames of the answer in HTTP/2. Its header lines are packed, and its body is not.
pub(crate) fn http2(address: SocketAddr, target: &str, request: &Request) -> Vec<u8> {
    let mut lines = Vec::new();
    let pseudo = [
        (":method", request.signed.method),
        (":scheme", "http"),
        (":path", target),
        (":authority", "app.example"),
    ];
    let own = request.signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in pseudo.into_iter().chain(own) {
        lines.push(0); // a literal, in no table
        packed(name, &mut lines);
        packed(value, &mut lines);
    }
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[])); // SETTINGS
    let ends = u8::from(request.signed.body.is_empty());
    bytes.extend(frame(1, 4 | ends, 1, &lines)); // HEADERS, all of them
    let pieces: Vec<&[u8]> = request.signed.body.chunks(16_384).collect();
    for (nth, piece) in pieces.iter().enumerate() {
        bytes.extend(frame(0, u8::from(nth + 1 == pieces.len()), 1, piece)); // DATA
    }
    exchange(address, &bytes, ends_stream)
}

/// What comes back for these bytes.
pub(crate) fn bytes(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    exchange(address, bytes, |answer| answer.windows(4).any(|end| end == b"\r\n\r\n"))
}

/// The status of an answer in HTTP/1.1; 0 where there is none.
pub(crate) fn status(answer: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(answer);
    text.strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

fn exchange(address: SocketAddr, bytes: &[u8], is_whole: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    let _ = stream.write_all(bytes); // a server may close before it has read all
    let mut answer = Vec::new();
    let mut chunk = [0; 16_384];
    while !is_whole(&answer) {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => answer.extend(&chunk[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&answer)),
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
    answer
}

/// Whether the server has ended stream 1, or the connection.
fn ends_stream(mut answer: &[u8]) -> bool {
    while let Some((head, rest)) = answer.split_at_checked(9) {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let (kind, flags, stream) = (head[3], head[4], head[8]);
        let Some(after) = rest.get(length..) else { return false };
        if (stream == 1 && (kind == 3 || (kind <= 1 && flags & 1 == 1))) || kind == 7 {
            return true;
        }
        answer = after;
    }
    false
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small one").to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A text with its length in front (RFC 7541, section 5.2), not by Huffman's code.
fn packed(text: &str, into: &mut Vec<u8>) {
    let mut length = text.len();
    if length < 127 {
        into.push(u8::try_from(length).expect("it is below 127"));
    } else {
        into.push(127);
        length -= 127;
        while length >= 128 {
            into.push(u8::try_from(length % 128).expect("a remainder") | 128);
            length /= 128;
        }
        into.push(u8::try_from(length).expect("what is left"));
    }
    into.extend(text.as_bytes());
}
