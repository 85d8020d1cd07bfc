//! Guard: only this machine's own pages and scripts may use the simulator, and its pages load nothing from elsewhere.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::Response;

use super::Site;
use super::page::{self, Refusal};
use crate::address::is_loopback_host;
use crate::problem::Problem;

/// The one route that a page of another origin posts to, by design: the app's installation page. The id that only that
/// page was given stands for it.
const OPEN: &str = "/apps/installation-data";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Checks where a request comes from, and gives each answer the headers that keep its page to itself.
pub(super) async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let scripted = request.uri().path().starts_with("/api/");
    let checked = check_host(request.uri(), request.headers()).and_then(|host| {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if reads || request.uri().path() == OPEN { Ok(()) } else { check_origin(host, request.headers()) }
    });
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) if scripted => page::problem_json(&problem),
        Err(problem) => Refusal::new(&site, &problem).into(),
    };
    let headers = response.headers_mut();
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with it browsers would say that a form comes from nowhere.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| page::policy(&[]));
    response
}

/// Refuses a name that is not this machine's, as it stands in requests of a page that had its name rebound to us.
fn check_host<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Result<&'r str, Problem> {
    let mut named = headers.get_all(header::HOST).iter();
    let host = match (uri.authority(), named.next(), named.next()) {
        (Some(authority), ..) => Some(authority.as_str()),
        (None, Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    let host = host.ok_or_else(|| Problem::malformed("the request needs one Host header"))?;
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    if is_loopback_host(name) {
        return Ok(host);
    }
    Err(Problem::forbidden(
        "host",
        "the simulator answers to loopback names only: open it as http://127.0.0.1",
    ))
}

/// Refuses what a page of another origin sends.
fn check_origin(host: &str, headers: &HeaderMap) -> Result<(), Problem> {
    let foreign = || Err(Problem::forbidden("origin", "the request comes from a page of another origin"));
    let own = |origin: &HeaderValue| {
        origin.to_str().is_ok_and(|origin| {
            origin.strip_prefix("http://").is_some_and(|authority| authority.eq_ignore_ascii_case(host))
        })
    };
    if headers.get_all(header::ORIGIN).iter().any(|origin| !own(origin)) {
        return foreign();
    }
    let from = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    if from.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return foreign();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_loopback_names_are_answered_to() {
        let uri = Uri::from_static("/");
        for (host, good) in [
            ("127.0.0.1:4000", true),
            ("localhost:4000", true),
            ("LOCALHOST", true),
            ("[::1]:4000", true),
            ("[::1]", true),
            ("evil.example:4000", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example:4000", false),
            ("evil.example:127", false),
            ("", false),
            ("192.168.1.2:4000", false),
        ] {
            assert_eq!(check_host(&uri, &headers(&[("host", host)])).is_ok(), good, "{host}");
        }
        assert!(check_host(&uri, &headers(&[])).is_err());
        let absolute = Uri::from_static("http://evil.example/");
        assert!(check_host(&absolute, &headers(&[("host", "localhost")])).is_err());
    }

    #[test]
    fn only_own_pages_and_scripts_may_change_anything() {
        for (pairs, good) in [
            (&[][..], true),
            (&[("origin", "http://127.0.0.1:4000")], true),
            (&[("origin", "http://127.0.0.1:4000"), ("sec-fetch-site", "same-origin")], true),
            (&[("origin", "http://127.0.0.1:3000")], false),
            (&[("origin", "https://127.0.0.1:4000")], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://evil.example")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "http://127.0.0.1:4000"), ("sec-fetch-site", "cross-site")], false),
        ] {
            assert_eq!(check_origin("127.0.0.1:4000", &headers(pairs)).is_ok(), good, "{pairs:?}");
        }
    }
}
