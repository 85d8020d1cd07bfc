//! Reply: an answer's status, headers and body, before a framework makes a response of it.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use crate::rejected_request::RequestBody;

/// The media type of an RFC 9457 problem details body.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A whole answer. Adapters only convert it; none of them words an answer of its own. `Debug` shows the status, the names of the
/// headers and the body's length: a page may hold a secret, and a cookie is one.
#[derive(Clone, Eq, PartialEq)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Bytes,
    closes: bool,
}

impl Reply {
    /// An answer without a body, such as an acknowledgement.
    pub const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), closes: false }
    }

    /// An answer with a body of this media type.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", Cow::Borrowed(content_type))];
        Self { status, headers, body: body.into(), closes: false }
    }

    /// An RFC 9457 problem details answer. `code` is the stable name that a program may match on; `title` and
    /// `detail` are for people, and never hold a secret, an expected signature or a part of a payload.
    pub fn problem(status: u16, code: &str, title: &str, detail: Option<&str>) -> Self {
        let problem = Problem { title, status, code, detail };
        let body = serde_json::to_vec(&problem).unwrap_or_default(); // strings and a number always serialize
        Self::new(status, PROBLEM_JSON, body)
    }

    /// The answer to a request for a feature of an app that is not enabled for the request's tenant, or whose tenant
    /// cannot be told: 403 with the code `not-enabled`.
    pub fn not_enabled() -> Self {
        Self::problem(403, "not-enabled", "The app is not enabled for this tenant", None)
    }

    /// Adds a header. `name` is lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
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
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let closing = self.closes.then_some(("connection", "close"));
        self.headers.iter().map(|(name, value)| (*name, value.as_ref())).chain(closing)
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
}
