//! Key set URL: where a platform publishes its keys.

use std::fmt;
use std::net::IpAddr;

use hyper::Uri;

/// Where a platform publishes its keys. It comes from an app's configuration or from a tenant's registration, never from a token.
///
/// It begins with `https:`; a host on the loopback address may have `http:`, for tests and tools. `Debug` shows nothing of it.
///
/// ```
/// use lifecycle_keys::{InvalidKeySetUrl, KeySetUrl};
///
/// assert!(KeySetUrl::parse("https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json").is_ok());
/// assert!(KeySetUrl::parse("http://127.0.0.1:8080/jwks.json").is_ok());
/// assert_eq!(KeySetUrl::parse("http://keys.example/jwks.json").unwrap_err(), InvalidKeySetUrl::NotSecure);
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct KeySetUrl {
    uri: Uri,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
}

/// The text is not the URL of a key set.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeySetUrl {
    /// `http:`, and not to this machine: whoever is on the way could put in keys of their own.
    #[error("a key set is fetched by https; only a loopback host may have http")]
    NotSecure,
    /// It is no absolute URL, or has a user, a password, a fragment, or a port that is none.
    #[error("not an absolute URL of host and path")]
    NotUrl,
}

impl KeySetUrl {
    /// The URL of a key set.
    ///
    /// # Errors
    /// [`InvalidKeySetUrl`].
    pub fn parse(text: &str) -> Result<Self, InvalidKeySetUrl> {
        if text.contains('#') {
            return Err(InvalidKeySetUrl::NotUrl); // it would be dropped silently
        }
        let uri: Uri = text.parse().map_err(|_| InvalidKeySetUrl::NotUrl)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(InvalidKeySetUrl::NotUrl);
        };
        let is_secure = scheme == "https";
        if !is_secure && scheme != "http" {
            return Err(InvalidKeySetUrl::NotUrl);
        }
        // What is neither host nor port is a user and a password, or a port that is none.
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => Some(if is_secure { 443 } else { 80 }),
            Some(_) => authority.port_u16().filter(|port| *port != 0),
            None => None,
        };
        let port = port.ok_or(InvalidKeySetUrl::NotUrl)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(InvalidKeySetUrl::NotUrl);
        }
        if !is_secure && !is_loopback(&host) {
            return Err(InvalidKeySetUrl::NotSecure);
        }
        Ok(Self { uri, host, port })
    }

    /// `/.well-known/jwks.json` at the origin of another URL, where Saleor has it.
    ///
    /// ```
    /// use lifecycle_keys::KeySetUrl;
    ///
    /// let api = "https://shop.example:8443/graphql/";
    /// let published = KeySetUrl::parse("https://shop.example:8443/.well-known/jwks.json");
    /// assert_eq!(KeySetUrl::well_known(api), published);
    /// ```
    ///
    /// # Errors
    /// [`InvalidKeySetUrl`].
    pub fn well_known(url: &str) -> Result<Self, InvalidKeySetUrl> {
        let own = Self::parse(url)?;
        let scheme = own.uri.scheme_str().unwrap_or_default();
        let authority = own.uri.authority().map_or("", |authority| authority.as_str());
        Self::parse(&format!("{scheme}://{authority}/.well-known/jwks.json"))
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// As the header `host` has it.
    pub(crate) fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    pub(crate) fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", |target| target.as_str())
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl fmt::Debug for KeySetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySetUrl")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_by_https_or_from_this_machine() {
        for (text, expected) in [
            ("https://keys.example", Ok(("keys.example", 443, "/"))),
            ("https://keys.example:8443/a/b.json?v=1", Ok(("keys.example", 8443, "/a/b.json?v=1"))),
            ("HTTPS://KEYS.example/", Ok(("KEYS.example", 443, "/"))),
            ("https://[2001:db8::1]/k", Ok(("2001:db8::1", 443, "/k"))),
            ("http://127.0.0.1:80/k", Ok(("127.0.0.1", 80, "/k"))),
            ("http://127.255.0.1/k", Ok(("127.255.0.1", 80, "/k"))),
            ("http://[::1]:8080/k", Ok(("::1", 8080, "/k"))),
            ("http://localhost/k", Ok(("localhost", 80, "/k"))),
            ("http://localhost.example/k", Err(InvalidKeySetUrl::NotSecure)),
            ("http://127.0.0.1.example/k", Err(InvalidKeySetUrl::NotSecure)),
            ("http://10.0.0.1/k", Err(InvalidKeySetUrl::NotSecure)),
            ("http://0.0.0.0/k", Err(InvalidKeySetUrl::NotSecure)),
            ("https://user:password@keys.example/", Err(InvalidKeySetUrl::NotUrl)),
            ("http://127.0.0.1@keys.example/", Err(InvalidKeySetUrl::NotUrl)),
            ("https://keys.example:99999/", Err(InvalidKeySetUrl::NotUrl)),
            ("https://keys.example:/", Err(InvalidKeySetUrl::NotUrl)),
            ("https://keys.example:0/", Err(InvalidKeySetUrl::NotUrl)),
            ("https://keys.example/#k", Err(InvalidKeySetUrl::NotUrl)),
            ("https:///k", Err(InvalidKeySetUrl::NotUrl)),
            ("https://:443/k", Err(InvalidKeySetUrl::NotUrl)),
            ("ftp://127.0.0.1/k", Err(InvalidKeySetUrl::NotUrl)),
            ("file:///etc/passwd", Err(InvalidKeySetUrl::NotUrl)),
            ("/k", Err(InvalidKeySetUrl::NotUrl)),
            ("keys.example", Err(InvalidKeySetUrl::NotUrl)),
            ("", Err(InvalidKeySetUrl::NotUrl)),
        ] {
            let parsed = KeySetUrl::parse(text);
            let found = parsed.as_ref().map(|url| (url.host(), url.port(), url.path_and_query()));
            assert_eq!(found.map_err(|error| *error), expected, "{text}");
        }
    }

    #[test]
    fn a_path_and_a_query_do_not_reach_the_well_known_place() {
        for api in ["http://127.0.0.1:4000/graphql/?a=b", "http://127.0.0.1:4000", "http://127.0.0.1:4000/x"]
        {
            let url = KeySetUrl::well_known(api).unwrap();
            assert_eq!((url.authority(), url.path_and_query()), ("127.0.0.1:4000", "/.well-known/jwks.json"));
        }
    }
}
