//! Wire: a request and its answer as they are seen on the wire, as JSON, and as a command for curl.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lifecycle_testing::curl_command;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::client::{Answered, Outgoing};
use crate::private::Private;
use crate::shown::visible;

/// How much of a request's body is shown, in bytes: events have less than 1 KiB.
const SENT: usize = 64 * 1024;

/// How much of an answer's body is shown, in bytes. JSON has it to its end.
pub(crate) const ANSWERED: usize = 2048;

/// A request, each line behind `> `, as curl shows one.
pub(crate) fn request(outgoing: &Outgoing, private: &Private) -> String {
    let target = match outgoing.url.query() {
        Some(query) => format!("{}?{query}", outgoing.url.path()),
        None => outgoing.url.path().to_owned(),
    };
    let start = format!("{} {} HTTP/1.1", outgoing.method, private.request(&target));
    let mut headers = lines(&outgoing.headers(), |value| private.request(value));
    if !outgoing.url.username().is_empty() {
        headers.push(("authorization".to_owned(), "Basic …".to_owned())); // made of the URL's user and password
    }
    marked('>', &start, &headers, &visible(&outgoing.body, SENT))
}

/// An answer, each line behind `< `.
pub(crate) fn answer(answered: &Answered, private: &Private) -> String {
    let reason = StatusCode::from_u16(answered.status).ok().and_then(|status| status.canonical_reason());
    let start = format!("HTTP/1.1 {} {}", answered.status, reason.unwrap_or_default());
    let headers = lines(&answered.headers, |value| private.answer(value));
    let body = private.answer(&String::from_utf8_lossy(&answered.body));
    marked('<', &start, &headers, &visible(body.as_bytes(), ANSWERED))
}

/// A request for programs; its body in base64 where it is not text.
pub(crate) fn request_json(outgoing: &Outgoing, private: &Private) -> Value {
    let headers = lines(&outgoing.headers(), |value| private.request(value));
    let headers: Vec<Value> =
        headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let mut document = json!({
        "method": outgoing.method.as_str(),
        "url": private.request(&url(outgoing)),
        "headers": headers,
    });
    match std::str::from_utf8(&outgoing.body) {
        Ok(text) => document["body"] = text.into(),
        Err(_) => document["body_base64"] = STANDARD.encode(&outgoing.body).into(),
    }
    document
}

/// A command for curl that sends the same, save the secrets in it; `None` where curl cannot.
pub(crate) fn curl(outgoing: &Outgoing, private: &Private) -> Option<String> {
    let told = outgoing.told_headers();
    let headers: Vec<(&str, Vec<u8>)> = told
        .iter()
        .map(|(name, value)| match value.to_str() {
            Ok(text) => (name.as_str(), private.request(text).into_bytes()),
            Err(_) => (name.as_str(), value.as_bytes().to_vec()),
        })
        .collect();
    let headers = headers.iter().map(|(name, value)| (*name, value.as_slice()));
    curl_command(outgoing.method.as_str(), &private.request(&url(outgoing)), headers, &outgoing.body)
}

/// The URL without a password, which stands in no head.
fn url(outgoing: &Outgoing) -> String {
    let mut url = outgoing.url.clone();
    if url.password().is_some() {
        let _ = url.set_password(Some("password")); // an http URL has a host, so it may have one
    }
    url.to_string()
}

fn lines(headers: &HeaderMap, shown: impl Fn(&str) -> String) -> Vec<(String, String)> {
    let line = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        (name.as_str().to_owned(), shown(&visible(value.as_bytes(), usize::MAX)))
    };
    headers.iter().map(line).collect()
}

fn marked(mark: char, start: &str, headers: &[(String, String)], body: &str) -> String {
    let head = headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let lines = std::iter::once(start.to_owned()).chain(head).chain([String::new()]);
    lines.chain(body.lines().map(str::to_owned)).fold(String::new(), |text, line| match line.as_str() {
        "" => format!("{text}{mark}\n"),
        line => format!("{text}{mark} {line}\n"),
    })
}
