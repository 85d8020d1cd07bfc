//! Key set URL: where a platform publishes its keys.

use std::fmt;
use std::net::IpAddr;

use hyper::Uri;

use crate::address::is_public;

/// Where a platform publishes its keys, by https. It comes from an app's configuration or from a tenant's registration, never from a
/// token. `Debug` shows nothing of it.
///
/// Who chose it decides where it may lead: what the app itself was told, by [`parse`](Self::parse), to any address; what a tenant
/// has registered, by [`well_known`](Self::well_known), to public ones only.
///
/// ```
/// use lifecycle_keys::{InvalidKeySetUrl, KeySetUrl};
///
/// assert!(KeySetUrl::parse("https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json").is_ok());
/// assert_eq!(KeySetUrl::parse("http://keys.example/jwks.json").unwrap_err(), InvalidKeySetUrl::NotSecure);
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct KeySetUrl {
    uri: Uri,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    is_of_tenant: bool,
}

/// The text is not the URL of a key set.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeySetUrl {
    /// A tenant has named a host of the app's own networks.
    #[error("a tenant's key set is fetched from a public address")]
    NotPublic,
    /// It begins with `http:`. Whoever is on the way could put in keys of their own.
    #[error("a key set is fetched by https")]
    NotSecure,
    /// It is no absolute URL, or has a user, a password, a fragment, or a port that is none.
    #[error("not an absolute URL of host and path")]
    NotUrl,
}

impl KeySetUrl {
    /// The URL of a key set, as the app's own settings have it.
    ///
    /// # Errors
    /// [`InvalidKeySetUrl`].
    pub fn parse(text: &str) -> Result<Self, InvalidKeySetUrl> {
        Self::parse_or_loopback(text)
            .and_then(|url| url.is_secure().then_some(url).ok_or(InvalidKeySetUrl::NotSecure))
    }

    /// The same, and `http:` where the host is this machine (`localhost`, or an address such as `127.0.0.1`): for tests and tools. No
    /// tenant may choose it, as it leads to what runs beside the app.
    ///
    /// ```
    /// use lifecycle_keys::KeySetUrl;
    ///
    /// assert!(KeySetUrl::parse_or_loopback("http://127.0.0.1:8080/jwks.json").is_ok());
    /// assert!(KeySetUrl::parse("http://127.0.0.1:8080/jwks.json").is_err());
    /// ```
    ///
    /// # Errors
    /// [`InvalidKeySetUrl`].
    pub fn parse_or_loopback(text: &str) -> Result<Self, InvalidKeySetUrl> {
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
        Ok(Self { uri, host, port, is_of_tenant: false })
    }

    /// `/.well-known/jwks.json` at the origin of another URL, where Saleor has it: for the URL of a tenant, which a stranger may have
    /// registered.
    ///
    /// A host that is this machine or an address of a private network is refused. A name is only looked up when the keys are fetched:
    /// of its addresses those that are not public are left out then. For tenants within the app's own network, name the key set by
    /// [`parse`](Self::parse) instead.
    ///
    /// ```
    /// use lifecycle_keys::{InvalidKeySetUrl, KeySetUrl};
    ///
    /// assert!(KeySetUrl::well_known("https://shop.example:8443/graphql/").is_ok());
    /// let own = KeySetUrl::well_known("https://169.254.169.254/graphql/");
    /// assert_eq!(own.unwrap_err(), InvalidKeySetUrl::NotPublic);
    /// ```
    ///
    /// # Errors
    /// [`InvalidKeySetUrl`].
    pub fn well_known(url: &str) -> Result<Self, InvalidKeySetUrl> {
        let registered = Self::parse(url)?;
        let published = Self::parse(&format!("https://{}/.well-known/jwks.json", registered.authority()))?;
        let is_private = published.host.parse().is_ok_and(|address| !is_public(address));
        if is_private || is_loopback(&published.host) {
            return Err(InvalidKeySetUrl::NotPublic);
        }
        Ok(Self { is_of_tenant: true, ..published })
    }

    /// Whether its keys may be fetched from this address of its host.
    pub(crate) fn may_be_at(&self, address: IpAddr) -> bool {
        !self.is_of_tenant || is_public(address)
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
    fn keys_are_fetched_by_https_or_by_choice_from_this_machine() {
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
            let parsed = KeySetUrl::parse_or_loopback(text);
            let is_for_all = parsed.as_ref().is_ok_and(KeySetUrl::is_secure);
            assert_eq!(KeySetUrl::parse(text).is_ok(), is_for_all, "{text}");
            let found = parsed.as_ref().map(|url| (url.host(), url.port(), url.path_and_query()));
            assert_eq!(found.map_err(|error| *error), expected, "{text}");
        }
    }

    #[test]
    fn a_path_and_a_query_do_not_reach_the_well_known_place() {
        for api in [
            "https://shop.example:8443/graphql/?a=b",
            "https://shop.example:8443",
            "https://shop.example:8443/x",
        ] {
            let url = KeySetUrl::well_known(api).unwrap();
            assert_eq!(
                (url.authority(), url.path_and_query()),
                ("shop.example:8443", "/.well-known/jwks.json")
            );
        }
    }

    #[test]
    fn no_tenant_chooses_a_host_of_the_apps_own_networks() {
        for (api, error) in [
            ("http://localhost:4000/graphql/", InvalidKeySetUrl::NotSecure),
            ("http://127.0.0.1/graphql/", InvalidKeySetUrl::NotSecure),
            ("https://localhost/graphql/", InvalidKeySetUrl::NotPublic),
            ("https://LOCALHOST/graphql/", InvalidKeySetUrl::NotPublic),
            ("https://127.0.0.1:8443/graphql/", InvalidKeySetUrl::NotPublic),
            ("https://10.0.0.1/", InvalidKeySetUrl::NotPublic),
            ("https://169.254.169.254/latest/", InvalidKeySetUrl::NotPublic),
            ("https://[::1]/", InvalidKeySetUrl::NotPublic),
            ("https://[::ffff:192.168.0.1]/", InvalidKeySetUrl::NotPublic),
            ("https://[fe80::1]/", InvalidKeySetUrl::NotPublic),
        ] {
            assert_eq!(KeySetUrl::well_known(api).unwrap_err(), error, "{api}");
        }
        let private: IpAddr = "10.0.0.1".parse().unwrap();
        assert!(!KeySetUrl::well_known("https://shop.example/").unwrap().may_be_at(private));
        assert!(
            KeySetUrl::parse("https://shop.example/").unwrap().may_be_at(private),
            "the app's own choice"
        );
    }
}
