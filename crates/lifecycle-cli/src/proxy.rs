//! Proxy: the proxies that the environment names, and which hosts are reached without one.

use std::fmt;
use std::sync::Arc;

use hyper_util::client::proxy::matcher::Matcher;
use lifecycle_simulator::is_loopback_host;
use reqwest::Url;

/// The proxies that the environment names: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case.
#[derive(Clone, Debug)]
pub(crate) struct Proxies(Arc<Matcher>);

/// What a request goes through.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Proxy {
    /// `host:port`, without the user and the password.
    address: String,
    /// Whether it reads the request and may answer in the server's place, as over TLS it cannot.
    pub(crate) sees_answers: bool,
}

impl Proxies {
    /// Reads the variables as the HTTP client does.
    pub(crate) fn from_env() -> Self {
        Self(Arc::new(Matcher::from_system()))
    }

    /// Whether there is none for any host.
    pub(crate) fn is_empty(&self) -> bool {
        ["http://host.invalid/", "https://host.invalid/"].iter().all(|url| self.intercept(url).is_none())
    }

    /// The one that a request to this URL goes through; none before a loopback host, which on the proxy's side is another
    /// machine.
    pub(crate) fn before(&self, url: &Url) -> Option<Proxy> {
        if is_loopback_host(url.host_str()?) {
            return None;
        }
        Some(Proxy::new(self.intercept(url.as_str())?, url))
    }

    fn intercept(&self, url: &str) -> Option<String> {
        let proxy = self.0.intercept(&url.parse().ok()?)?;
        let authority = proxy.uri().authority()?;
        Some(match authority.port() {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        })
    }
}

impl Proxy {
    pub(crate) fn new(address: impl Into<String>, url: &Url) -> Self {
        Self { address: address.into(), sees_answers: url.scheme() == "http" }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_stands_before_a_loopback_host_and_a_password_is_not_shown() {
        let proxies =
            Proxies(Arc::new(Matcher::builder().all("http://user:hunter2@proxy.example:3128").build()));
        for url in [
            "http://127.0.0.1:3000/",
            "http://127.8.8.8/",
            "https://127.0.0.1/",
            "http://[::1]:3000/",
            "http://localhost:3000/",
            "http://app.localhost/",
        ] {
            assert_eq!(proxies.before(&url.parse().unwrap()), None, "{url}");
        }
        for (url, sees_answers) in [("http://app.example/", true), ("https://app.example/", false)] {
            let proxy = proxies.before(&url.parse().unwrap()).unwrap();
            assert_eq!(
                (proxy.to_string().as_str(), proxy.sees_answers),
                ("proxy.example:3128", sees_answers)
            );
        }
        assert!(!proxies.is_empty());
        assert!(Proxies(Arc::new(Matcher::builder().build())).is_empty());
    }
}
