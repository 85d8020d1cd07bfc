//! Shape: bytes that are almost a request, or more than one, and what may come of them.

use std::time::Instant;

use tokio::time::timeout;

use super::Target;
use crate::answer::{NoAnswer, PATIENCE, in_words};
use crate::counted::Counted;
use crate::site::STRANGER;

/// What a stranger may be answered: not that he was received. `closed` is no answer at all.
pub(crate) const REFUSED: &[&str] = &[
    "400", "401", "403", "404", "405", "408", "411", "413", "414", "417", "421", "422", "431", "501", "505",
    "closed",
];

/// The same, or that it was received: its signature is right, and so is what was read of it.
pub(crate) const SIGNED: &[&str] = &[
    "202", "400", "401", "403", "404", "405", "408", "411", "413", "414", "417", "421", "422", "431", "501",
    "505", "closed",
];

/// Bytes that are sent on a connection of their own.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Whether it may be acknowledged.
    pub(crate) is_genuine: bool,
}

impl Shape {
    pub(crate) fn of_stranger(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), is_genuine: false }
    }

    pub(crate) fn genuine(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), is_genuine: true }
    }
}

/// Sends each, and a callback after it where the connection is kept: whatever is left of a shape must not be read as a
/// request, and must not be in the callback's way. What is not right is counted with the shape's name.
pub(crate) async fn send_all(target: &Target, who: &str, shapes: Vec<Shape>) -> Counted {
    let mut counted = Counted::new(who, SIGNED);
    for shape in shapes {
        let begun = Instant::now();
        let seen = timeout(PATIENCE, send(target, &shape.bytes))
            .await
            .unwrap_or_else(|late| NoAnswer::from(late).to_string());
        let allowed = if shape.is_genuine { SIGNED } else { REFUSED };
        let seen = if allowed.contains(&&*seen) { seen } else { format!("[{}: {seen}]", shape.name) };
        counted.add(seen, begun.elapsed());
    }
    counted
}

async fn send(target: &Target, bytes: &[u8]) -> String {
    let Ok(mut connection) = target.entrance.open(STRANGER).await else { return "closed".into() };
    let first = match connection.send_bytes(bytes).await {
        Err(none) => return none.to_string(),
        Ok(answer) => answer,
    };
    let seen = first.status.to_string();
    let mut unasked = first.more.to_vec();
    let mut after = String::new();
    if first.closes {
        unasked.extend(connection.rest().await);
    } else if let Ok(second) = connection.send(&target.marketplace.callback("/seismic")).await
        && (second.status != 202 || !second.more.is_empty())
    {
        after = format!(", and a callback after it {}", in_words(&Ok(second)));
    }
    let unasked = String::from_utf8_lossy(&unasked);
    let is_read_by_proxy = !target.entrance.is_direct()
        && [&*unasked, &*after].iter().all(|more| more.is_empty() || is_refusal(more));
    if (unasked.is_empty() && after.is_empty()) || is_read_by_proxy {
        return seen;
    }
    let unasked: String = unasked.chars().take(60).collect();
    format!("{seen}{after}, and, unasked, {unasked:?}")
}

/// Whether the proxy has taken what was hidden for a request of its own, and refused it: then nobody but the stranger was
/// deceived.
fn is_refusal(more: &str) -> bool {
    let mut statuses = more.split("HTTP/1.1 ").skip(1).peekable();
    match statuses.peek() {
        Some(_) => statuses.all(|status| status.starts_with("400") || status.starts_with("404")),
        None => more.ends_with("400") || more.ends_with("404"),
    }
}

/// A request to this path, with these lines after that of the host.
pub(crate) fn post(path: &str, head: &str, body: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nHost: app.example\r\n{head}\r\n{body}").into_bytes()
}
