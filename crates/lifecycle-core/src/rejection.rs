//! Rejection: why a callback was not acknowledged, with its HTTP status and its stable code.

use std::fmt;

use crate::decision::Reason;
use crate::platform::Method;
use crate::reply::Reply;

/// Why a callback was not acknowledged.
///
/// [`status`](Self::status), [`code`](Self::code) and [`title`](Self::title) are the whole table of answers; every
/// adapter gives them in the same bytes, through [`reply`](Self::reply). None of them holds a secret, an expected
/// signature or a part of a payload.
///
/// ```
/// use lifecycle_core::Rejection;
///
/// let reply = Rejection::SignatureMismatch.reply();
/// assert_eq!(reply.status(), 401);
/// assert!(std::str::from_utf8(reply.body())?.contains(r#""code":"signature-mismatch""#));
/// # Ok::<(), std::str::Utf8Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// The body was not complete within the timeout, on a platform that takes 408 as [final](crate::Ack::is_final). 503: a slow network is
    /// no refusal.
    BodyLate,
    /// The body was not complete within the timeout. 408.
    BodyTimeout,
    /// The body is larger than the cap, as declared or as counted. 413.
    BodyTooLarge,
    /// The connection broke or the framing is wrong: there are no bytes to verify. 400.
    BodyUnreadable,
    /// What is proven and what is not contradict each other, at this member or claim. 401.
    Contradiction(&'static str),
    /// The handler did not finish within the timeout. 503.
    DeadlineExceeded,
    /// The handler failed or panicked. 500; its error is logged and never sent.
    HandlerFailed,
    /// A relevant header is repeated with different values, is not text, or is kept and longer than 4 KiB. 400.
    InvalidHeader(&'static str),
    /// The token is malformed, meant for others, or not signed by a known key. 401.
    InvalidToken,
    /// The keys to verify with could not be had, or may not be published yet. 503: it is not the sender's fault, and the caller may try
    /// again.
    KeysUnavailable,
    /// The platform sends its callbacks by this method only. 405.
    MethodNotAllowed(Method),
    /// No signature header of the platform is present. 401.
    MissingSignature,
    /// The request has no token where the platform puts it. 401.
    MissingToken,
    /// An unsigned hook was called without its token, or with a wrong one. 404 without a body, whatever the method, as a
    /// router answers where nothing is.
    NotFound,
    /// The handler refuses, on purpose and with a reason. 403.
    Refused(Reason),
    /// No configured secret made any of the signatures over these bytes. 401.
    SignatureMismatch,
    /// Signed too long ago, too far ahead, or without a readable time while a maximum age is set; a token that has expired, or is
    /// not valid yet. 401.
    Stale,
    /// The handler cannot take the callback now. It has kept nothing of it, or does not know: a store may have written it, and
    /// its answer came too late. 503; the caller may try again.
    Unavailable,
    /// Proven, but not what the platform sends. 422.
    Undecodable(Undecodable),
    /// Proven, but about another app than this verifier's. 422.
    UnexpectedApp,
    /// Proven, but another event than the one this URL is registered for. 422.
    UnexpectedEvent,
}

impl Rejection {
    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::BodyUnreadable | Self::InvalidHeader(_) => 400,
            Self::Contradiction(_)
            | Self::InvalidToken
            | Self::MissingSignature
            | Self::MissingToken
            | Self::SignatureMismatch
            | Self::Stale => 401,
            Self::Refused(_) => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::BodyTimeout => 408,
            Self::BodyTooLarge => 413,
            Self::Undecodable(_) | Self::UnexpectedApp | Self::UnexpectedEvent => 422,
            Self::HandlerFailed => 500,
            Self::BodyLate | Self::DeadlineExceeded | Self::KeysUnavailable | Self::Unavailable => 503,
        }
    }

    /// The stable, machine-readable code of the answer and of the log event.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BodyLate => "body-late",
            Self::BodyTimeout => "body-timeout",
            Self::BodyTooLarge => "body-too-large",
            Self::BodyUnreadable => "body-unreadable",
            Self::Contradiction(_) => "contradiction",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::HandlerFailed => "handler-failed",
            Self::InvalidHeader(_) => "invalid-header",
            Self::InvalidToken => "invalid-token",
            Self::KeysUnavailable => "keys-unavailable",
            Self::MethodNotAllowed(_) => "method-not-allowed",
            Self::MissingSignature => "missing-signature",
            Self::MissingToken => "missing-token",
            Self::NotFound => "not-found",
            Self::Refused(_) => "refused",
            Self::SignatureMismatch => "signature-mismatch",
            Self::Stale => "stale",
            Self::Unavailable => "unavailable",
            Self::Undecodable(_) => "undecodable",
            Self::UnexpectedApp => "unexpected-app",
            Self::UnexpectedEvent => "unexpected-event",
        }
    }

    /// One sentence for people.
    pub fn title(&self) -> &'static str {
        match self {
            Self::BodyLate | Self::BodyTimeout => "The body did not arrive in time",
            Self::BodyTooLarge => "The body is larger than this receiver takes",
            Self::BodyUnreadable => "The body could not be read",
            Self::Contradiction(_) => "What is proven contradicts what is told beside it",
            Self::DeadlineExceeded => "The callback was not handled in time",
            Self::HandlerFailed => "The callback could not be handled",
            Self::InvalidHeader(_) => "A header is ambiguous or not text",
            Self::InvalidToken => "The token is not one that this receiver takes",
            Self::KeysUnavailable => "The keys to verify the callback with cannot be had now",
            Self::MethodNotAllowed(Method::Get) => "Callbacks are sent by GET",
            Self::MethodNotAllowed(Method::Post) => "Callbacks are sent by POST",
            Self::MissingSignature => "The signature header is missing",
            Self::MissingToken => "The token is missing",
            Self::NotFound => "There is nothing here",
            Self::Refused(_) => "The app refused",
            Self::SignatureMismatch => "The signature does not match the body received",
            Self::Stale => "The callback was not sent close enough to now",
            Self::Unavailable => "The callback cannot be taken now",
            Self::Undecodable(_) => "The body is not a callback of this platform",
            Self::UnexpectedApp => "The callback is about another app",
            Self::UnexpectedEvent => "The callback is about another event than this URL takes",
        }
    }

    /// The text of the answer: RFC 9457 problem details, except for [`NotFound`](Self::NotFound), which is empty. Before
    /// the request's body was read to its end, the connection has to close too:
    /// [`RejectedRequest::reply`](crate::RejectedRequest::reply) knows.
    pub fn reply(&self) -> Reply {
        let detail = match self {
            Self::NotFound => return Reply::empty(self.status()),
            Self::Refused(reason) => Some(reason.as_str()),
            _ => None,
        };
        let reply = Reply::problem(self.status(), self.code(), self.title(), detail);
        match self {
            Self::MethodNotAllowed(method) => reply.header("allow", method.as_str()),
            _ => reply,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contradiction(name) | Self::InvalidHeader(name) => write!(f, "{}: {name}", self.title()),
            Self::Refused(reason) => write!(f, "{}: {}", self.title(), reason.as_str()),
            Self::Undecodable(why) => write!(f, "{}: {why}", self.title()),
            _ => f.write_str(self.title()),
        }
    }
}

impl std::error::Error for Rejection {}

/// What keeps authentic bytes from being a callback. It names places, never contents.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Undecodable {
    /// What is proven and what is not contradict each other, at this member or claim. It is answered as
    /// [`Rejection::Contradiction`].
    #[error("`{0}` contradicts what is proven")]
    Contradiction(&'static str),
    /// This signed header has a dot in it, and dots join it with what is signed behind it, which could then be cut in two ways.
    #[error("the header `{0}` has a dot in it, so what is signed could be cut in two ways")]
    Dot(&'static str),
    /// The text of a handshake is not one that is answered.
    #[error("the handshake's text is too long, or holds characters that are not answered")]
    Handshake,
    /// The JSON is not well-formed, or a member has a type that it cannot have, at this place.
    #[error("not the expected JSON at line {line}, column {column}")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1; 0 before the first character of a line.
        column: usize,
    },
    /// A member that every callback of this kind has is missing or empty.
    #[error("the member `{0}` is missing or empty")]
    Missing(&'static str),
    /// The bytes are not UTF-8, which JSON demands (RFC 8259, section 8.1).
    #[error("not UTF-8")]
    NotUtf8,
}

impl Undecodable {
    /// The place of an error, without what it quotes.
    pub(crate) fn at(error: &serde_json::Error) -> Self {
        Self::Json { line: error.line(), column: error.column() }
    }
}

impl From<serde_json::Error> for Undecodable {
    fn from(error: serde_json::Error) -> Self {
        Self::at(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_error_never_repeats_the_payload() {
        let error = serde_json::from_str::<u8>("\"avery.admin@example.com\"").unwrap_err();
        let shown = format!("{0} {0:?}", Rejection::Undecodable(error.into()));
        assert!(!shown.contains("avery"), "{shown}");
    }

    #[test]
    fn only_a_wrong_method_says_which_one_is_allowed() {
        let allow = |rejection: Rejection| {
            let reply = rejection.reply();
            reply.headers().find(|(name, _)| *name == "allow").map(|(_, value)| value.to_owned())
        };
        assert_eq!(allow(Rejection::MethodNotAllowed(Method::Post)).as_deref(), Some("POST"));
        assert_eq!(allow(Rejection::MethodNotAllowed(Method::Get)).as_deref(), Some("GET"));
        assert_eq!(allow(Rejection::NotFound), None);
    }
}
