//! Head: validates a request's head.

use std::convert::Infallible;
use std::future::ready;

use lifecycle_core::{Head, Rejection, RequestBody, Verification, Verifier};
use warp::Filter;
use warp::http::header::EXPECT;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;

use crate::deadline::Deadline;

/// What a verifier says to the head of a request.
pub(crate) struct CheckedHead {
    pub(crate) verification: Result<Box<Verification>, Rejection>,
    /// What is left unread while the body is not at its end. From HTTP/2 on that is nothing, which warp does not tell: there
    /// hyper takes the `connection` header off.
    pub(crate) unread: RequestBody,
    /// Whether the body may be read. A sender that is refused while it waits for `100 Continue` must not get one.
    pub(crate) asks: bool,
    /// Counts from here.
    pub(crate) deadline: Deadline,
    /// As they came, for a route that is handed the request.
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
}

/// Validates the head of any request.
pub(crate) fn checked(
    verifier: Verifier,
) -> impl Filter<Extract = (CheckedHead,), Error = Infallible> + Clone {
    let query = warp::query::raw().map(Some).or_else(|_none| ready(Ok::<_, Infallible>((None,))));
    warp::method().and(warp::path::full()).and(query).and(warp::header::headers_cloned()).map(
        move |method: Method, path: FullPath, query: Option<String>, headers: HeaderMap| {
            CheckedHead::new(&verifier, &method, path.as_str(), query, headers)
        },
    )
}

impl CheckedHead {
    fn new(
        verifier: &Verifier,
        method: &Method,
        path: &str,
        query: Option<String>,
        headers: HeaderMap,
    ) -> Self {
        let target = query.as_ref().map(|query| format!("{path}?{query}"));
        let target = target.as_deref().unwrap_or(path);
        let head = Head::new(method.as_str(), target, header_lines(&headers));
        let verification = verifier.begin(head).map(Box::new).map_err(Rejection::from);
        Self {
            asks: verification.is_ok() || !headers.contains_key(EXPECT),
            verification,
            unread: RequestBody::announced(header_lines(&headers)),
            deadline: Deadline::after(verifier.timeout()),
            query,
            headers,
        }
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
