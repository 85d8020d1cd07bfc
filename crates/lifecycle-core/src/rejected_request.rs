//! `RejectedRequest`: a rejection, and whether the request's body had been read to its end by then.

use std::fmt;

use crate::rejection::Rejection;
use crate::reply::Reply;

/// Whether a request's body had been read to its end when the request was answered.
///
/// While it has not, whatever follows on the connection may be the rest of that body. A proxy that takes such a connection for
/// a free one sends the next request into it, which is how requests are smuggled. So the answer has to
/// say that the connection will close, and the server has to close it (RFC 9110, section 10.1.1; RFC 9112, sections 9.3
/// and 9.6). [`Reply::after`] is the one place where this becomes a header.
///
/// From HTTP/2 on, each request has its own stream: there a body counts as read, since no answer ends a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RequestBody {
    /// It was read to its end, or the request has none.
    Read,
    /// Some of it may still come. What is not known counts as this.
    Unread,
}

impl RequestBody {
    /// What the head of a request announces, by its header lines in any case: without a length and a transfer coding,
    /// or with a length of 0, there is no body (RFC 9112, section 6.3).
    ///
    /// ```
    /// use lifecycle_core::RequestBody;
    ///
    /// let lines = |length: &'static str| [("Content-Length", length.as_bytes())];
    /// assert_eq!(RequestBody::announced(lines("352")), RequestBody::Unread);
    /// assert_eq!(RequestBody::announced(lines("0")), RequestBody::Read);
    /// assert_eq!(RequestBody::announced([]), RequestBody::Read);
    /// ```
    pub fn announced<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Self {
        let unread = headers.into_iter().any(|(name, value)| announces_body(name, value));
        if unread { Self::Unread } else { Self::Read }
    }
}

/// Whether a header line says that a body follows.
pub(crate) fn announces_body(name: &str, value: &[u8]) -> bool {
    name.eq_ignore_ascii_case("transfer-encoding")
        || name.eq_ignore_ascii_case("content-length") && value.trim_ascii() != b"0"
}

/// A request that was rejected: why, and whether its body had been read to its end by then.
///
/// [`Verifier::begin`](crate::Verifier::begin), [`Verification::push`](crate::Verification::push) and
/// [`Verification::finish`](crate::Verification::finish) fill in both. A rejection that an adapter finds by itself, such as
/// [`Ack::late_body`](crate::Ack::late_body), is made by [`From`] and counts as one before the body's end, or by
/// [`after_body`](Self::after_body).
///
/// ```
/// use lifecycle_core::{ExpectedApp, Head, Rejection, RequestBody, Secret, Verifier, seismic};
///
/// let verifier = Verifier::new(&seismic::PLATFORM, Secret::new("s3cr3t")?, ExpectedApp::Any)?;
/// let unsigned = [("content-length", b"352".as_slice())];
/// let head = Head::new("POST", "/seismic", unsigned);
/// let rejected = verifier.begin(head).unwrap_err();
/// assert_eq!((&rejected.rejection, rejected.body), (&Rejection::MissingSignature, RequestBody::Unread));
/// assert!(rejected.reply().headers().any(|header| header == ("connection", "close")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RejectedRequest {
    /// Why.
    pub rejection: Rejection,
    /// Whether the body had been read to its end.
    pub body: RequestBody,
}

impl RejectedRequest {
    /// Rejected when its body had been read to its end.
    pub fn after_body(rejection: Rejection) -> Self {
        Self { rejection, body: RequestBody::Read }
    }

    /// The answer: RFC 9457 problem details, and whether the connection closes after it.
    pub fn reply(&self) -> Reply {
        self.rejection.reply().after(self.body)
    }
}

/// The body counts as unread.
impl From<Rejection> for RejectedRequest {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, body: RequestBody::Unread }
    }
}

impl From<RejectedRequest> for Rejection {
    fn from(rejected: RejectedRequest) -> Self {
        rejected.rejection
    }
}

impl fmt::Display for RejectedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rejection.fmt(f)
    }
}

impl std::error::Error for RejectedRequest {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_announced_by_any_coding_and_any_length_but_zero() {
        let body = |lines: &[(&str, &str)]| {
            RequestBody::announced(lines.iter().map(|(name, value)| (*name, value.as_bytes())))
        };
        for none in [&[][..], &[("content-length", "0")], &[("Host", "a"), ("CONTENT-LENGTH", " 0 ")]] {
            assert_eq!(body(none), RequestBody::Read, "{none:?}");
        }
        for some in [
            &[("content-length", "1")][..],
            &[("content-length", "")],
            &[("content-length", "00")],
            &[("content-length", "0"), ("Content-Length", "5")],
            &[("content-length", "0"), ("Transfer-Encoding", "chunked")],
            &[("transfer-encoding", "identity")],
        ] {
            assert_eq!(body(some), RequestBody::Unread, "{some:?}");
        }
    }

    #[test]
    fn what_is_not_known_closes() {
        let closes = |reply: Reply| reply.headers().any(|header| header == ("connection", "close"));
        assert!(closes(RejectedRequest::from(Rejection::BodyTimeout).reply()));
        assert!(!closes(RejectedRequest::after_body(Rejection::DeadlineExceeded).reply()));
    }
}
