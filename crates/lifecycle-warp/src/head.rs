//! Head: judges a request's head where warp shows it.

use std::cell::Cell;
use std::convert::Infallible;

use lifecycle_core::{Head, Rejection, RequestBody, Verification, Verifier};
use warp::Filter;
use warp::http::header::EXPECT;
use warp::http::{HeaderMap, Version};
use warp::log::Info;

use crate::deadline::Deadline;

/// What a verifier says to the head of a request.
pub(crate) struct Judged {
    pub(crate) verification: Result<Box<Verification>, Rejection>,
    /// What is left unread while the body is not at its end.
    pub(crate) unread: RequestBody,
    /// Whether the body may be read. A sender that is refused while it waits for `100 Continue` must not get one.
    pub(crate) asks: bool,
    /// Counts from here.
    pub(crate) deadline: Deadline,
}

thread_local! {
    /// What was judged last. Without it, nothing is received.
    static LAST: Cell<Option<Judged>> = const { Cell::new(None) };
}

/// Judges the head of any request.
///
/// Two lines that contradict each other must be seen, and warp gives a filter one line at a time or a clone of all. Only
/// a log sees them as they are. So this is a filter whose log does the work; it runs while the filter is polled, which
/// then finds the result.
pub(crate) fn judged(verifier: Verifier) -> impl Filter<Extract = (Judged,), Error = Infallible> + Clone {
    let judge = warp::log::custom(move |info: Info<'_>| LAST.set(Some(Judged::new(&verifier, &info))));
    warp::any().map(warp::reply).with(judge).map(|_logged| LAST.take().unwrap_or_else(Judged::unseen))
}

impl Judged {
    fn new(verifier: &Verifier, info: &Info<'_>) -> Self {
        let headers = info.request_headers();
        let head = Head { method: info.method().as_str(), path: info.path(), headers: header_lines(headers) };
        // From HTTP/2 on, a body has a stream of its own, and no answer has a `connection` header.
        let unread = if info.version() > Version::HTTP_11 {
            RequestBody::Read
        } else {
            RequestBody::announced(header_lines(headers))
        };
        let verification = verifier.begin(head).map(Box::new).map_err(Rejection::from);
        Self {
            asks: verification.is_ok() || !headers.contains_key(EXPECT),
            verification,
            unread,
            deadline: Deadline::after(verifier.timeout()),
        }
    }

    /// No version of warp leaves the log out; if one does, no request passes.
    fn unseen() -> Self {
        let (verification, unread) = (Err(Rejection::HandlerFailed), RequestBody::Unread);
        Self { verification, unread, asks: false, deadline: Deadline::after(Verifier::DEFAULT_TIMEOUT) }
    }
}

/// Header lines as core and its platforms read them, for a route of the app's own.
///
/// ```
/// use warp::http::{HeaderMap, HeaderValue, header::HOST};
///
/// let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("app.example"))]);
/// let lines: Vec<(&str, &[u8])> = lifecycle_warp::header_lines(&headers).collect();
/// assert_eq!(lines, [("host", b"app.example".as_slice())]);
/// ```
pub fn header_lines(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}
