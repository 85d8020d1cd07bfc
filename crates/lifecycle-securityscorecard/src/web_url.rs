//! What counts as a usable web address: in a manifest, as the platform's own URL, or as a page's link.

use std::net::{IpAddr, Ipv6Addr};

use iri_string::components::AuthorityComponents;
use iri_string::types::{UriReferenceStr, UriStr};

/// Why an address cannot be used. The address itself is not repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WebUrlError {
    /// It carries a user name or password, which browsers drop and logs keep.
    #[error("must not carry a user name or password")]
    Credentials,
    /// Its host is missing, or is neither a DNS name nor an IP address.
    #[error("needs a DNS name or an IP address as its host")]
    Host,
    /// It uses another scheme than `https`; `http` is for loopback hosts only.
    #[error("must use https (http only for a loopback host such as localhost)")]
    NotHttps,
    /// It is relative where an absolute address is needed.
    #[error("must be absolute")]
    Relative,
    /// It does not follow RFC 3986: look for blanks and for characters that need percent-encoding.
    #[error("is not a URL as RFC 3986 defines it")]
    Syntax,
}

/// Checks an address that may be relative.
pub(super) fn reference(text: &str) -> Result<&UriReferenceStr, WebUrlError> {
    let reference = UriReferenceStr::new(text).map_err(|_| WebUrlError::Syntax)?;
    let authority = reference.authority_components();
    let host = authority.as_ref().map(AuthorityComponents::host);
    match reference.scheme_str() {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => {}
        Some(scheme) if scheme.eq_ignore_ascii_case("http") && host.is_some_and(is_loopback) => {}
        Some(_) => return Err(WebUrlError::NotHttps),
        None => {}
    }
    if reference.scheme_str().is_some() && host.is_none() {
        return Err(WebUrlError::Host);
    }
    if host.is_some_and(|host| !is_dns_name_or_ip(host)) {
        return Err(WebUrlError::Host);
    }
    if authority.is_some_and(|authority| authority.userinfo().is_some()) {
        return Err(WebUrlError::Credentials);
    }
    Ok(reference)
}

/// Checks an address that has to be absolute.
pub(super) fn absolute(text: &str) -> Result<&UriStr, WebUrlError> {
    reference(text)?.to_iri().map_err(|_| WebUrlError::Relative)
}

/// The scheme, host and port of an address that [`absolute`] accepted, in the form of a Content-Security-Policy source.
pub(super) fn origin(url: &UriStr) -> String {
    format!("{}://{}", url.scheme_str(), url.authority_str().unwrap_or_default()).to_ascii_lowercase()
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || ip(&host).is_some_and(|address| address.is_loopback())
}

/// RFC 3986 also allows `;`, `,` and `*` in a host, which would end or widen a Content-Security-Policy directive.
fn is_dns_name_or_ip(host: &str) -> bool {
    if host.starts_with('[') {
        return ip(host).is_some();
    }
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

fn ip(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_needed_except_on_loopback() {
        let cases = [
            ("https://example.com/a?b=c#d", Ok(())),
            ("HTTPS://EXAMPLE.COM:8443", Ok(())),
            ("https://[2001:db8::1]/", Ok(())),
            ("http://localhost:3000/a", Ok(())),
            ("http://app.localhost/", Ok(())),
            ("http://127.8.9.1/", Ok(())),
            ("http://[::1]:80/", Ok(())),
            ("http://example.com/", Err(WebUrlError::NotHttps)),
            ("http://localhost.example.com/", Err(WebUrlError::NotHttps)),
            ("http://127.0.0.1.example.com/", Err(WebUrlError::NotHttps)),
            ("javascript:alert(1)", Err(WebUrlError::NotHttps)),
            ("data:text/html,x", Err(WebUrlError::NotHttps)),
            ("https:path", Err(WebUrlError::Host)),
            ("https:///path", Err(WebUrlError::Host)),
            ("https://a;script-src*/", Err(WebUrlError::Host)),
            ("https://*.example.com/", Err(WebUrlError::Host)),
            ("https://[v1.x]/", Err(WebUrlError::Host)),
            ("https://user:pw@example.com/", Err(WebUrlError::Credentials)),
            ("install", Err(WebUrlError::Relative)),
            ("//example.com/x", Err(WebUrlError::Relative)),
            ("", Err(WebUrlError::Relative)),
            ("https://example.com/a b", Err(WebUrlError::Syntax)),
            ("https://example.com/\n", Err(WebUrlError::Syntax)),
            ("https://exämple.com/", Err(WebUrlError::Syntax)),
        ];
        for (text, expected) in cases {
            assert_eq!(absolute(text).map(|_| ()), expected, "{text}");
        }
    }

    #[test]
    fn an_origin_has_no_path_and_keeps_its_port() {
        let cases = [
            ("https://Platform.example.com/a/b?c", "https://platform.example.com"),
            ("http://127.0.0.1:4000/x", "http://127.0.0.1:4000"),
        ];
        for (text, expected) in cases {
            assert_eq!(origin(absolute(text).unwrap()), expected);
        }
    }
}
