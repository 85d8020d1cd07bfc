//! Framing: requests of whose end two readers have different opinions. Where a proxy and an app differ, the rest of one request
//! is the next one, which nobody has looked at.

use super::Target;
use super::shape::{Shape, post, send_all};
use crate::counted::Counted;

/// What is hidden behind a request. It would be answered 200 by an app.
const HIDDEN: &str = "GET /deliveries HTTP/1.1\r\nHost: app.example\r\n\r\n";

pub(crate) async fn run(target: &Target) -> Vec<Counted> {
    vec![
        send_all(target, "lengths that are none, or differ", lengths(target)).await,
        send_all(target, "a length and a coding", both(target)).await,
        send_all(target, "codings that are almost `chunked`", codings(target)).await,
        send_all(target, "chunks that are none", chunks(target)).await,
        send_all(target, "signatures and other headers in trailers", trailers(target)).await,
    ]
}

fn lengths(target: &Target) -> Vec<Shape> {
    let (body, signature) = target.signed();
    let exact = body.len();
    let values = [
        format!("+{exact}"),
        format!("-{exact}"),
        format!("0x{exact:x}"),
        format!("{exact}.0"),
        format!("{exact} {exact}"),
        format!("{exact}, {}", exact + 1),
        format!("{exact}\r\nContent-Length: {}", exact + HIDDEN.len()),
        format!("{}\r\nContent-Length: {exact}", exact + HIDDEN.len()),
        "18446744073709551616".into(),
        "1e2".into(),
        String::new(),
    ];
    let mut shapes: Vec<Shape> = values
        .into_iter()
        .map(|value| {
            let head = format!("X-Seismic-Signature: {signature}\r\nContent-Length: {value}\r\n");
            Shape::of_stranger(
                format!("length {value:?}"),
                post("/seismic", &head, &format!("{body}{HIDDEN}")),
            )
        })
        .collect();
    for value in
        [format!("{exact}, {exact}"), format!("{exact}\r\nContent-Length: {exact}"), format!("0{exact}")]
    {
        let head = format!("X-Seismic-Signature: {signature}\r\nContent-Length: {value}\r\n");
        shapes.push(Shape::genuine(format!("length {value:?}"), post("/seismic", &head, &body)));
    }
    shapes
}

/// The coding wins, or the request is refused; the length never does.
fn both(target: &Target) -> Vec<Shape> {
    let (body, signature) = target.signed();
    let chunked = chunk(&body);
    let lengths = [body.len(), chunked.len(), chunked.len() + HIDDEN.len(), 0, 4];
    let mut shapes = Vec::new();
    for length in lengths {
        for head in [
            format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
            format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        ] {
            let head = format!("X-Seismic-Signature: {signature}\r\n{head}");
            shapes.push(Shape::genuine(
                format!("chunked and a length of {length}"),
                post("/seismic", &head, &format!("{chunked}{HIDDEN}")),
            ));
        }
    }
    // Signed is what a reader of the length would see.
    let by_length = format!("0\r\n\r\n{HIDDEN}");
    let signature = target.marketplace.sign(by_length.as_bytes());
    let head = format!(
        "X-Seismic-Signature: {signature}\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n",
        by_length.len()
    );
    shapes.push(Shape::of_stranger(
        "signed by length, chunked to nothing",
        post("/seismic", &head, &by_length),
    ));
    shapes
}

fn codings(target: &Target) -> Vec<Shape> {
    let (body, signature) = target.signed();
    let chunked = chunk(&body);
    let names = [
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding:\tchunked",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "Transfer-Encoding:\r\n chunked",
        "X: y\nTransfer-Encoding: chunked",
        "Transfer_Encoding: chunked",
        "TRANSFER-ENCODING: CHUNKED",
    ];
    let length = chunked.len() + HIDDEN.len();
    names
        .into_iter()
        .map(|name| {
            let head = format!("X-Seismic-Signature: {signature}\r\nContent-Length: {length}\r\n{name}\r\n");
            Shape::genuine(format!("{name:?}"), post("/seismic", &head, &format!("{chunked}{HIDDEN}")))
        })
        .collect()
}

fn chunks(target: &Target) -> Vec<Shape> {
    let (body, signature) = target.signed();
    let size = body.len();
    let head = format!("X-Seismic-Signature: {signature}\r\nTransfer-Encoding: chunked\r\n");
    let bodies = [
        format!("+{size:x}\r\n{body}\r\n0\r\n\r\n"),
        format!("-{size:x}\r\n{body}\r\n0\r\n\r\n"),
        format!("0x{size:x}\r\n{body}\r\n0\r\n\r\n"),
        format!("{size:x}_\r\n{body}\r\n0\r\n\r\n"),
        format!("\r\n{body}\r\n0\r\n\r\n"),
        format!("fffffffffffffffff{size:x}\r\n{body}\r\n0\r\n\r\n"),
        format!("1{size:016x}\r\n{body}\r\n0\r\n\r\n"),
        format!("{size:x}\r\n{body}0\r\n\r\n"),
        format!("{:x}\r\n{body}\r\n0\r\n\r\n", size + 7),
    ];
    let mut shapes: Vec<Shape> = bodies
        .iter()
        .map(|body| {
            let line = body.lines().next().unwrap_or_default();
            Shape::of_stranger(format!("size {line:?}"), post("/seismic", &head, &format!("{body}{HIDDEN}")))
        })
        .collect();
    let extension = |length: usize| format!("{size:x};e={}\r\n{body}\r\n0\r\n\r\n", "x".repeat(length));
    shapes.extend([100, 20_000, 1_000_000].map(|length| {
        Shape::genuine(format!("an extension of {length} bytes"), post("/seismic", &head, &extension(length)))
    }));
    let each: String = body
        .chars()
        .map(|one| format!("1;e={}\r\n{one}\r\n", "x".repeat(1000)))
        .chain(["0\r\n\r\n".into()])
        .collect();
    shapes.push(Shape::genuine("an extension of 1,000 bytes at each byte", post("/seismic", &head, &each)));
    // nginx reads no further than to the space.
    let spaced = format!("{size:x} 0\r\n{body}\r\n0\r\n\r\n");
    shapes.push(Shape::genuine("a size and a space", post("/seismic", &head, &spaced)));
    shapes.push(Shape::genuine(
        "bare line feeds",
        post("/seismic", &head, &format!("{size:x}\n{body}\n0\n\n")),
    ));
    shapes
}

fn trailers(target: &Target) -> Vec<Shape> {
    let (body, signature) = target.signed();
    let end = |trailers: &str| {
        let chunked = chunk(&body);
        format!("{}{trailers}\r\n", chunked.trim_end_matches("\r\n").to_owned() + "\r\n")
    };
    let chunked = "Transfer-Encoding: chunked\r\n";
    let own = format!("X-Seismic-Signature: {signature}\r\n");
    let forged = format!("X-Seismic-Signature: {}\r\n", "5".repeat(64));
    vec![
        Shape::of_stranger("the signature in a trailer", post("/seismic", chunked, &end(&own))),
        Shape::of_stranger(
            "a wrong one in front, the right one in a trailer",
            post("/seismic", &format!("{forged}{chunked}"), &end(&own)),
        ),
        Shape::genuine(
            "a wrong one in a trailer",
            post("/seismic", &format!("{own}{chunked}"), &end(&forged)),
        ),
        Shape::genuine(
            "a length and a host in trailers",
            post("/seismic", &format!("{own}{chunked}"), &end("Content-Length: 5\r\nHost: evil.example\r\n")),
        ),
        Shape::genuine(
            "1,000 trailers",
            post("/seismic", &format!("{own}{chunked}"), &end(&"X-Trailer: x\r\n".repeat(1000))),
        ),
    ]
}

fn chunk(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}
