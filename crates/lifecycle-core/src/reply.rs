//! Reply: an answer's status, headers and body, before a framework makes a response of it.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use crate::rejected_request::RequestBody;

/// The media type of an RFC 9457 problem details body.
pub const PROBLEM_JSON: &str = "application/problem+json";

const INVALID: &str = "invalid-reply";

/// Headers that the framework sets, about the connection and the body's length.
const MANAGED: [&str; 7] =
    ["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// A whole answer. Adapters only convert it, and never write an answer themselves. `Debug` shows the status, the names of the
/// headers and the body's length: a page may hold a secret, and a cookie is one.
///
/// Whatever it is made of, HTTP can send it, so every adapter sends the same. A status that is not final (RFC 9110, section
/// 15) becomes 500; a header that cannot be sent makes the whole reply a 500 with the code `invalid-reply`.
#[derive(Clone, Eq, PartialEq)]
pub struct Reply {
    status: u16,
    headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    body: Bytes,
    closes: bool,
}

impl Reply {
    /// An answer without a body, such as an acknowledgement.
    pub const fn empty(status: u16) -> Self {
        let status = if status >= 200 && status <= 599 { status } else { 500 };
        Self { status, headers: Vec::new(), body: Bytes::new(), closes: false }
    }

    /// An answer with a body of this media type. A 204, a 205 and a 304 have none: there it is left out.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut reply = Self::empty(status);
        if !matches!(status, 204 | 205 | 304) {
            reply.body = body.into();
        }
        reply.header("content-type", content_type)
    }

    /// An RFC 9457 problem details answer. `code` is the stable name that a program may match on; `title` and
    /// `detail` are for people, and never hold a secret, an expected signature or a part of a payload.
    pub fn problem(status: u16, code: &str, title: &str, detail: Option<&str>) -> Self {
        let status = Self::empty(status).status;
        let problem = Problem { title, status, code, detail };
        let body = serde_json::to_vec(&problem).unwrap_or_default(); // strings and a number always serialize
        Self::new(status, PROBLEM_JSON, body)
    }

    /// The answer to a request for a feature of an app that is not enabled for the request's tenant, or whose tenant
    /// is unknown: 403 with the code `not-enabled`.
    pub fn not_enabled() -> Self {
        Self::problem(403, "not-enabled", "The app is not enabled for this tenant", None)
    }

    /// The answer of a route that is to hand over verified callbacks only, and that nothing verifies: the app's own mistake.
    /// 500 with the code `verifier-missing`; `cure` says what to add.
    pub fn verifier_missing(cure: &str) -> Self {
        Self::problem(500, "verifier-missing", "This route has no verifier", Some(cure))
    }

    /// Adds a header; its name in any case. Its value is ASCII without control characters. The headers of the connection and
    /// `content-length` are left to the framework.
    ///
    /// ```
    /// use lifecycle_core::Reply;
    ///
    /// let reply = Reply::empty(503).header("Retry-After", "30");
    /// assert!(reply.headers().any(|header| header == ("retry-after", "30")));
    ///
    /// let split = Reply::empty(303).header("location", "/\r\nset-cookie: a=b");
    /// assert_eq!(split.status(), 500);
    /// ```
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        let value = value.into();
        if !is_sendable(name, &value) {
            tracing::error!(target: "lifecycle::handler", code = INVALID, header = name, "a reply cannot be sent");
            let closes = self.closes;
            return Self { closes, ..Self::problem(500, INVALID, "The answer cannot be sent", None) };
        }
        let lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        let name = if lower { Cow::Borrowed(name) } else { name.to_ascii_lowercase().into() };
        self.headers.push((name, value));
        self
    }

    /// The answer when the request's body had been read this far: with `connection: close` if that was not to its end,
    /// else without. An HTTP/1.1 server closes the connection after such an answer, as each of the adapters' does.
    ///
    /// ```
    /// use lifecycle_core::{Reply, RequestBody};
    ///
    /// let reply = Reply::not_enabled().after(RequestBody::Unread);
    /// assert!(reply.headers().any(|header| header == ("connection", "close")));
    /// ```
    #[must_use]
    pub fn after(mut self, body: RequestBody) -> Self {
        self.closes = body == RequestBody::Unread;
        self
    }

    /// The HTTP status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers in order, names in lower case. `content-length` is left to the framework.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let closing = self.closes.then_some(("connection", "close"));
        self.headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).chain(closing)
    }

    /// The body; empty for an acknowledgement.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body, taken out without a copy.
    pub fn into_body(self) -> Bytes {
        self.body
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("headers", &names)
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Whether every framework sends this header as it is (RFC 9110, sections 5.1 and 5.5).
fn is_sendable(name: &str, value: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty()
        && name.bytes().all(token)
        && value.bytes().all(|byte| byte == b'\t' || matches!(byte, b' '..=b'~'))
        && !MANAGED.iter().any(|managed| name.eq_ignore_ascii_case(managed))
}

#[derive(Serialize)]
struct Problem<'a> {
    title: &'a str,
    status: u16,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_its_members_in_a_fixed_order() {
        let reply = Reply::problem(403, "refused", "The app refused", Some("quota"));
        assert_eq!(reply.status(), 403);
        assert_eq!(reply.headers().collect::<Vec<_>>(), [("content-type", PROBLEM_JSON)]);
        let expected = r#"{"title":"The app refused","status":403,"code":"refused","detail":"quota"}"#;
        assert_eq!(reply.body(), expected.as_bytes());
    }

    #[test]
    fn what_cannot_be_sent_is_never_sent() {
        for (name, value) in [
            ("", "v"),
            ("a b", "v"),
            ("a:", "v"),
            ("\u{e4}", "v"),
            ("x-a", "v\r\nx-b: c"),
            ("x-a", "\0"),
            ("x-a", "\u{e4}"),
            ("Connection", "keep-alive"),
            ("content-length", "5"),
            ("transfer-encoding", "chunked"),
        ] {
            let reply = Reply::empty(200).header(name, value);
            assert_eq!(reply.status(), 500, "{name}: {value}");
            assert_eq!(reply.headers().collect::<Vec<_>>(), [("content-type", PROBLEM_JSON)]);
        }
        for (status, sent) in
            [(0, 500), (99, 500), (101, 500), (199, 500), (200, 200), (599, 599), (600, 500)]
        {
            assert_eq!(Reply::empty(status).status(), sent);
        }
    }

    #[test]
    fn a_header_name_is_sent_in_lower_case() {
        let reply = Reply::empty(200).header("X-Retry", "5\t6");
        assert_eq!(reply.headers().collect::<Vec<_>>(), [("x-retry", "5\t6")]);
    }

    #[test]
    fn a_status_without_content_has_no_body() {
        for status in [204, 205, 304] {
            let reply = Reply::new(status, "text/plain", "text");
            assert!(reply.body().is_empty());
            assert_eq!(reply.headers().collect::<Vec<_>>(), [("content-type", "text/plain")]);
        }
    }
}
