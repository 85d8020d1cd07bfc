//! Tokens: the hook's URL, written in all ways but the right one, and what else would tell a stranger of it.

use super::Target;
use super::shape::{Shape, send_all};
use crate::counted::Counted;

pub(crate) async fn run(target: &Target) -> Vec<Counted> {
    vec![send_all(target, "hooks with another token", shapes(&target.token)).await]
}

fn shapes(token: &str) -> Vec<Shape> {
    let (first, rest) = token.split_at(1);
    let hex = |digits: &str| format!("{digits}{:02x}{rest}", first.as_bytes()[0]);
    let tokens = [
        String::new(),
        "x".into(),
        rest.into(),
        token[..token.len() - 1].into(),
        format!("{token}x"),
        format!("x{token}"),
        token.to_uppercase(),
        token.to_lowercase(),
        hex("%"),
        hex("%25"),
        hex("%u00"),
        format!("%00{token}"),
        format!("{token}%00"),
        format!("{token}%20"),
        format!("{token}%0a"),
        format!("{token}%2f"),
        format!("{token};p"),
        format!("{token};jsessionid=1"),
        format!("{token},"),
        format!("{token}/"),
        format!("{token}/x"),
        format!("{token}\\"),
        format!("/{token}"),
        format!("./{token}x"),
        format!("x?{token}"),
        format!("?token={token}"),
        format!("x#{token}"),
        format!("{token}x/../{token}x"),
        format!("*{rest}"),
        format!("%{rest}"),
        "x".repeat(token.len()),
        "x".repeat(8000),
    ];
    let mut shapes: Vec<Shape> = tokens
        .into_iter()
        .map(|other| {
            let path = format!("/securityscorecard/hook/{other}");
            Shape::of_stranger(format!("{path:?}"), request("POST", &path, ""))
        })
        // A token that has both cases is another one in either.
        .filter(|shape| !shape.name.ends_with(&format!("/{token}\"")))
        .collect();
    for method in ["GET", "PUT", "OPTIONS"] {
        let path = "/securityscorecard/hook/not-the-token-of-any-app";
        shapes.push(Shape::of_stranger(format!("{method} with a wrong token"), request(method, path, "")));
    }
    let bearer = format!("Authorization: Bearer {token}\r\n");
    for path in ["/securityscorecard/hook", "/securityscorecard/hook/x"] {
        shapes.push(Shape::of_stranger(format!("{path} and a header"), request("POST", path, &bearer)));
    }
    for path in
        ["/securityscorecard/manifest.json", "/securityscorecard/manifest", "/securityscorecard/manifest/x"]
    {
        shapes.push(Shape::of_stranger(path, request("GET", path, "")));
    }
    shapes
}

fn request(method: &str, path: &str, head: &str) -> String {
    let body = r#"{"event":{"type":"app.installed","payload":{"app":{"id":"siege"},"user":{"username":"siege","email":"siege@example.com"}}}}"#;
    format!(
        "{method} {path} HTTP/1.1\r\nHost: app.example\r\n{head}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
