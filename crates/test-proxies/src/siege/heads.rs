//! Heads: header lines that are almost ones, and more of them than anybody sends.

use super::Target;
use super::shape::{Shape, post, send_all};
use crate::counted::Counted;

pub(crate) async fn run(target: &Target) -> Vec<Counted> {
    vec![
        send_all(target, "lines that are almost header lines", lines(target)).await,
        send_all(target, "large heads", large(target)).await,
        send_all(target, "targets, methods and versions", targets()).await,
        send_all(target, "signatures that are none", signatures(target)).await,
    ]
}

/// Behind a proxy that drops such a line, or reads it leniently, the callback is still a genuine one.
fn lines(target: &Target) -> Vec<Shape> {
    let strict = [
        ("folded over two lines", "X: a\r\n b\r\n"),
        ("folded by a tab", "X: a\r\n\tb\r\n"),
        ("folded from the first", " X: a\r\n"),
        ("a bare carriage return", "X: a\rb\r\n"),
        ("NUL in a value", "X: a\0b\r\n"),
        ("NUL in a name", "X\0: a\r\n"),
        ("a space in front of the colon", "X : a\r\n"),
        ("a tab in front of the colon", "X\t: a\r\n"),
        ("a space in a name", "X Y: a\r\n"),
        ("a vertical tab", "X: a\x0bb\r\n"),
        ("a form feed", "X: a\x0cb\r\n"),
        ("DEL", "X: a\x7fb\r\n"),
        ("no name", ": a\r\n"),
        ("no colon", "X\r\n"),
        ("a name that is no ASCII", "Ü: a\r\n"),
        ("a second status line", "HTTP/1.1 200 OK\r\n"),
    ];
    let lenient = [
        ("a value that is no ASCII", "X: ü\r\n"),
        ("bare line feeds", "X: a\nY: b\n"),
        ("a line hidden behind a bare line feed", "X: a\nContent-Length: 3\r\n"),
        ("a second host", "Host: evil.example\r\n"),
        ("an empty value", "X:\r\n"),
    ];
    let (body, signature) = target.signed();
    let request = |line: &str| {
        let head = format!("X-Seismic-Signature: {signature}\r\n{line}Content-Length: {}\r\n", body.len());
        post("/seismic", &head, &body)
    };
    let strict = strict.into_iter().map(|(name, line)| {
        let shape = Shape::of_stranger(name, request(line));
        Shape { is_genuine: !target.entrance.is_direct(), ..shape }
    });
    let lenient = lenient.into_iter().map(|(name, line)| Shape::genuine(name, request(line)));
    strict.chain(lenient).collect()
}

fn large(target: &Target) -> Vec<Shape> {
    let (body, signature) = target.signed();
    let request = |path: &str, more: &str| {
        let head = format!("X-Seismic-Signature: {signature}\r\nContent-Length: {}\r\n{more}", body.len());
        post(path, &head, &body)
    };
    let header = |length: usize| request("/seismic", &format!("X: {}\r\n", "x".repeat(length)));
    vec![
        Shape::genuine("90 headers", request("/seismic", &"X: y\r\n".repeat(90))),
        Shape::genuine("1,000 headers", request("/seismic", &"X: y\r\n".repeat(1000))),
        Shape::genuine("100,000 headers", request("/seismic", &"X: y\r\n".repeat(100_000))),
        Shape::genuine("a header of 60,000 bytes", header(60_000)),
        Shape::genuine("a header of 300,000 bytes", header(300_000)),
        Shape::genuine("a header of 4,000,000 bytes", header(4_000_000)),
        Shape::genuine(
            "a name of 60,000 bytes",
            request("/seismic", &format!("{}: x\r\n", "x".repeat(60_000))),
        ),
        Shape::genuine("a query of 30,000 bytes", request(&format!("/seismic?{}", "x".repeat(30_000)), "")),
        Shape::genuine("a query of 300,000 bytes", request(&format!("/seismic?{}", "x".repeat(300_000)), "")),
    ]
}

/// Nothing of these is signed.
fn targets() -> Vec<Shape> {
    let targets = [
        "*",
        "",
        "seismic",
        "//seismic",
        "/./seismic",
        "/x/../seismic",
        "/seismic/",
        "/seismic;p",
        "/seismic%00",
        "/seismic%2f",
        "/%73eismic",
        "/SEISMIC",
        "\\seismic",
        "/seismic\\..\\deliveries",
        "/seismic/../deliveries",
        "/seismic#fragment",
        "/seismic?a b",
        "/nothing",
        "/nothing/at/all",
        "http://evil.example/seismic",
        "http://user:password@evil.example:1/seismic",
        "evil.example:443",
    ];
    let mut shapes: Vec<Shape> = targets
        .into_iter()
        .map(|target| {
            Shape::of_stranger(format!("target {target:?}"), post(target, "Content-Length: 2\r\n", "{}"))
        })
        .collect();
    let methods = [
        "GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "post", "POST\t", "P", "PO ST",
        "\u{7f}",
    ];
    shapes.extend(methods.map(|method| {
        let request = format!(
            "{method} /seismic HTTP/1.1\r\nHost: app.example\r\nX-HTTP-Method-Override: POST\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        Shape::of_stranger(format!("method {method:?}"), request)
    }));
    let versions = [
        "HTTP/0.9",
        "HTTP/1.2",
        "HTTP/2.0",
        "HTTP/9.9",
        "HTTP/1.1.1",
        "http/1.1",
        "HTTP/1,1",
        "HTTP/11",
        "HTP/1.1",
        "",
    ];
    shapes.extend(versions.map(|version| {
        let request =
            format!("POST /seismic {version}\r\nHost: app.example\r\nContent-Length: 2\r\n\r\n{{}}");
        Shape::of_stranger(format!("version {version:?}"), request)
    }));
    let hosts =
        ["", "Host:\r\n", "Host: a\r\nHost: b\r\n", "Host: a b\r\n", "Host: app.example, evil.example\r\n"];
    shapes.extend(hosts.map(|host| {
        let request = format!("POST /seismic HTTP/1.1\r\n{host}Content-Length: 2\r\n\r\n{{}}");
        Shape::of_stranger(format!("host {host:?}"), request)
    }));
    shapes
}

fn signatures(target: &Target) -> Vec<Shape> {
    let (body, right) = target.signed();
    let wrong = "5".repeat(64);
    let of_nothing = target.marketplace.sign(b"");
    let heads = [
        ("none", String::new()),
        ("an empty one", "X-Seismic-Signature:\r\n".into()),
        ("a wrong one", format!("X-Seismic-Signature: {wrong}\r\n")),
        ("that of an empty body", format!("X-Seismic-Signature: {of_nothing}\r\n")),
        ("one digit short", format!("X-Seismic-Signature: {}\r\n", &right[1..])),
        ("one digit more", format!("X-Seismic-Signature: {right}0\r\n")),
        ("`0x` in front", format!("X-Seismic-Signature: 0x{right}\r\n")),
        (
            "two, the wrong one first",
            format!("X-Seismic-Signature: {wrong}\r\nX-Seismic-Signature: {right}\r\n"),
        ),
        (
            "two, the right one first",
            format!("X-Seismic-Signature: {right}\r\nX-Seismic-Signature: {wrong}\r\n"),
        ),
        ("two in a line", format!("X-Seismic-Signature: {right}, {wrong}\r\n")),
        ("a name with underscores", format!("X_Seismic_Signature: {right}\r\n")),
        ("a name with a dash of Unicode", format!("X\u{2010}Seismic-Signature: {right}\r\n")),
        ("in a cookie", format!("Cookie: X-Seismic-Signature={right}\r\n")),
        ("a megabyte of it", format!("X-Seismic-Signature: {}\r\n", right.repeat(900))),
    ];
    let length = format!("Content-Length: {}\r\n", body.len());
    let mut shapes: Vec<Shape> = heads
        .into_iter()
        .map(|(name, head)| Shape::of_stranger(name, post("/seismic", &format!("{head}{length}"), &body)))
        .collect();
    let query = format!("/seismic?X-Seismic-Signature={right}");
    shapes.push(Shape::of_stranger("in the query", post(&query, &length, &body)));
    let changed = body.replacen("upgrade", "install", 1);
    let head = format!("X-Seismic-Signature: {right}\r\nContent-Length: {}\r\n", changed.len());
    shapes.push(Shape::of_stranger("that of another body", post("/seismic", &head, &changed)));
    shapes
}
