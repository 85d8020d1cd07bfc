//! HTTP/1.1, byte by byte: clients that a well-kept library does not let one be.

use std::fmt::{self, Write as _};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::select;
use tokio::time::sleep;

use crate::answer::{Answer, NoAnswer};
use crate::request::Request;

/// Bytes to and from a server, with TLS or without.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug> Stream for S {}

/// A connection, and what was read of it too early.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    read: BytesMut,
}

/// The head of an answer.
struct Head {
    status: u16,
    /// `None`: the end of the connection is the end of the body.
    length: Option<usize>,
    is_chunked: bool,
    closes: bool,
}

impl Connection {
    pub(crate) fn new(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), read: BytesMut::new() }
    }

    /// Sends these bytes, whatever they are, and reads on for a final answer all the while.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) -> Result<Answer, NoAnswer> {
        let (mut from, mut to) = split(&mut self.stream);
        exchange(&mut from, &mut self.read, write(&mut to, bytes)).await
    }

    /// The same, piece by piece, with a pause after each.
    pub(crate) async fn trickle(
        &mut self,
        pieces: impl Iterator<Item = &[u8]>,
        pause: Duration,
    ) -> Result<Answer, NoAnswer> {
        let (mut from, mut to) = split(&mut self.stream);
        let sending = async {
            for piece in pieces {
                write(&mut to, piece).await?;
                sleep(pause).await;
            }
            Ok(())
        };
        exchange(&mut from, &mut self.read, sending).await
    }

    /// Whatever comes until the other side closes.
    pub(crate) async fn rest(mut self) -> Bytes {
        while more(&mut self.stream, &mut self.read).await.is_ok() {}
        self.read.freeze()
    }

    /// Sends a request, and reads on for the final answer all the while.
    pub(crate) async fn send(&mut self, request: &Request) -> Result<Answer, NoAnswer> {
        let (mut from, mut to) = split(&mut self.stream);
        let buffer = &mut self.read;
        let Request { body, .. } = request;
        let (mut head, mut rest) = (head(request).into_bytes(), body.frames());
        if request.expects {
            write(&mut to, &head).await?;
            let first = read_head(&mut from, buffer).await?;
            if first.status != 100 {
                return finish(&mut from, buffer, first).await;
            }
            head.clear();
        } else if body.pause.is_zero() {
            // In one piece, or a busy machine would make a slow client of this one.
            head.extend(rest.next().unwrap_or_default());
        }
        exchange(&mut from, buffer, write_all(&mut to, &head, rest, body.pause)).await
    }
}

/// Reads a final answer while something is sent.
async fn exchange(
    from: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    sending: impl Future<Output = std::io::Result<()>>,
) -> Result<Answer, NoAnswer> {
    let sending = async {
        // That it cannot be sent to its end says nothing: the answer may be on its way.
        let _ = sending.await;
        std::future::pending::<()>().await;
    };
    let answer = async {
        let mut head = read_head(from, buffer).await?;
        while head.status < 200 {
            head = read_head(from, buffer).await?;
        }
        finish(from, buffer, head).await
    };
    select! {
        answer = answer => answer,
        () = sending => Err(NoAnswer::Closed),
    }
}

fn head(request: &Request) -> String {
    let Request { method, host, path, signature, expects, body } = request;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n");
    if let Some(signature) = signature {
        let _ = write!(head, "X-Seismic-Signature: {signature}\r\n"); // a String takes everything
    }
    if *expects {
        head.push_str("Expect: 100-continue\r\n");
    }
    if body.has_length {
        let _ = write!(head, "Content-Length: {}\r\n\r\n", body.length());
    } else {
        head.push_str("Transfer-Encoding: chunked\r\n\r\n");
    }
    head
}

async fn write_all(
    to: &mut (impl AsyncWrite + Unpin),
    first: &[u8],
    rest: impl Iterator<Item = Bytes>,
    pause: Duration,
) -> std::io::Result<()> {
    write(to, first).await?;
    for piece in rest {
        sleep(pause).await;
        write(to, &piece).await?;
    }
    Ok(())
}

async fn write(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> std::io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
}

async fn read_head(from: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<Head, NoAnswer> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut answer = httparse::Response::new(&mut headers);
        if let Ok(httparse::Status::Complete(size)) = answer.parse(buffer) {
            let value = |name: &str| {
                let header = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
                header.and_then(|header| std::str::from_utf8(header.value).ok())
            };
            let status = answer.code.unwrap_or_default();
            let has_no_body = status < 200 || status == 204 || status == 304;
            let head = Head {
                status,
                length: if has_no_body {
                    Some(0)
                } else {
                    value("content-length").and_then(|it| it.parse().ok())
                },
                is_chunked: value("transfer-encoding").is_some(),
                closes: value("connection").is_some_and(|it| it.eq_ignore_ascii_case("close")),
            };
            buffer.advance(size);
            return Ok(head);
        }
        more(from, buffer).await?;
    }
}

/// Reads the body to its end and drops it.
async fn finish(
    from: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    head: Head,
) -> Result<Answer, NoAnswer> {
    let Head { status, length, is_chunked, mut closes } = head;
    match length {
        _ if is_chunked => {
            while !last_chunk(buffer) {
                more(from, buffer).await?;
            }
        }
        Some(length) => {
            while buffer.len() < length {
                more(from, buffer).await?;
            }
            buffer.advance(length);
        }
        None => {
            while more(from, buffer).await.is_ok() {}
            buffer.clear();
            closes = true;
        }
    }
    Ok(Answer { status, closes, more: buffer.split().freeze() })
}

/// Takes whole chunks off, and says whether the last one was among them.
fn last_chunk(buffer: &mut BytesMut) -> bool {
    while let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(buffer) {
        let whole = line + usize::try_from(size).unwrap_or(usize::MAX - 64) + 2;
        if buffer.len() < whole {
            return false;
        }
        buffer.advance(whole);
        if size == 0 {
            return true;
        }
    }
    false
}

async fn more(from: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<(), NoAnswer> {
    match from.read_buf(buffer).await? {
        0 => Err(NoAnswer::Closed),
        _ => Ok(()),
    }
}
