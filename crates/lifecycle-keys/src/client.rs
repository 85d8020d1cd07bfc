//! Client: one GET of a key set, within bounds of time and size.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{ACCEPT, CACHE_CONTROL, HOST, HeaderMap};
use hyper::rt::{Read, Write};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use lifecycle_core::{InvalidKeySet, KeySet};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::connect::connect;
use crate::url::KeySetUrl;

/// Fetches key sets. Make one and clone it, which is cheap. It uses no proxy and follows no redirect: what a URL of the
/// configuration says is asked, and nobody else.
///
/// ```
/// use lifecycle_keys::KeySetClient;
///
/// assert!(KeySetClient::with_root_certificates(b"not a certificate").is_err());
/// ```
#[derive(Clone)]
pub struct KeySetClient {
    tls: TlsConnector,
}

/// Why a key set was not fetched. It holds nothing of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The answer broke off, or is not HTTP.
    #[error("the answer broke off, or is not HTTP")]
    Broken,
    /// No connection to the server.
    #[error("the server could not be reached")]
    Connect,
    /// The answer is not a key set that can be used, or too large for one. What was fetched before stays.
    #[error(transparent)]
    KeySet(#[from] InvalidKeySet),
    /// A tenant has registered this server, and it has no public address: see [`KeySetUrl::well_known`].
    #[error("the server has no public address")]
    NotPublic,
    /// Another status than 200; redirects are not followed.
    #[error("the server answered {0}")]
    Status(u16),
    /// Not all within [`KeySetClient::TIMEOUT`].
    #[error("the server did not answer in time")]
    TimedOut,
    /// The certificate is not one that is trusted, or not for this host; or it is no TLS at all.
    #[error("TLS failed: the certificate is not trusted, or not for this host")]
    Tls,
}

/// These are not certificates in PEM.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not certificates in PEM")]
pub struct InvalidCertificates;

/// The bytes of a key set, and how long its server says that they are good.
pub(crate) struct Answer {
    pub(crate) body: Bytes,
    pub(crate) max_age: Option<Duration>,
}

impl KeySetClient {
    /// How long a fetch may take in all, which is within the shortest deadline of a platform.
    pub const TIMEOUT: Duration = Duration::from_secs(1);

    /// A client that trusts what the operating system trusts; `SSL_CERT_FILE` names another file of authorities. It reads them
    /// from files, so make it before the app serves.
    pub fn new() -> Self {
        let mut roots = RootCertStore::empty();
        // None at all is an error only where TLS is used: the handshake says so then.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::trusting(roots)
    }

    /// A client that trusts these authorities alone, in PEM: those of a company, or of a test.
    ///
    /// # Errors
    /// [`InvalidCertificates`], also where there is none.
    pub fn with_root_certificates(pem: &[u8]) -> Result<Self, InvalidCertificates> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| InvalidCertificates)?;
            roots.add(certificate).map_err(|_| InvalidCertificates)?;
        }
        if roots.is_empty() {
            return Err(InvalidCertificates);
        }
        Ok(Self::trusting(roots))
    }

    fn trusting(roots: RootCertStore) -> Self {
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("ring has the cipher suites of TLS 1.2 and 1.3")
                .with_root_certificates(roots)
                .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { tls: TlsConnector::from(Arc::new(config)) }
    }

    pub(crate) async fn get(&self, url: &KeySetUrl) -> Result<Answer, FetchError> {
        let fetched = tokio::time::timeout(Self::TIMEOUT, self.fetch(url)).await;
        fetched.unwrap_or(Err(FetchError::TimedOut))
    }

    async fn fetch(&self, url: &KeySetUrl) -> Result<Answer, FetchError> {
        let stream = connect(url).await?;
        if !url.is_secure() {
            return exchange(TokioIo::new(stream), url).await;
        }
        let name = ServerName::try_from(url.host().to_owned()).map_err(|_| FetchError::Tls)?;
        let stream = self.tls.connect(name, stream).await.map_err(|_| FetchError::Tls)?;
        exchange(TokioIo::new(stream), url).await
    }
}

impl Default for KeySetClient {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for KeySetClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySetClient")
    }
}

/// One request on a connection of its own, which ends with it.
async fn exchange(
    stream: impl Read + Write + Send + Unpin + 'static,
    url: &KeySetUrl,
) -> Result<Answer, FetchError> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(stream).await.map_err(|_| FetchError::Broken)?;
    // Dropping the set aborts the task: a server that never answers holds no connection open.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let request = Request::get(url.path_and_query())
        .header(HOST, url.authority())
        .header(ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchError::Broken)?;
    let (head, body) = sender.send_request(request).await.map_err(|_| FetchError::Broken)?.into_parts();
    if head.status != StatusCode::OK {
        return Err(FetchError::Status(head.status.as_u16()));
    }
    let collected = Limited::new(body, KeySet::MAX_JSON).collect().await.map_err(|error| {
        let is_large = error.is::<http_body_util::LengthLimitError>();
        if is_large { InvalidKeySet::TooLong.into() } else { FetchError::Broken }
    })?;
    Ok(Answer { body: collected.to_bytes(), max_age: max_age(&head.headers) })
}

/// RFC 9111, 5.2.2.1. The smallest one, where there are several.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let directives = lines.flat_map(|line| line.split(',')).filter_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let seconds = value.trim().trim_matches('"').parse().ok()?;
        name.trim().eq_ignore_ascii_case("max-age").then_some(Duration::from_secs(seconds))
    });
    directives.min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn how_long_an_answer_is_good_is_read_from_its_head() {
        for (lines, expected) in [
            (&["max-age=600"][..], Some(600)),
            (&["public, MAX-AGE=60"], Some(60)),
            (&["public", "s-maxage=5, max-age=\"7\""], Some(7)),
            (&["max-age=9,max-age=8"], Some(8)),
            (&["max-age=-1"], None),
            (&["max-age"], None),
            (&["no-store"], None),
            (&["max-age=99999999999999999999"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CACHE_CONTROL, HeaderValue::from_static(line));
            }
            assert_eq!(max_age(&headers), expected.map(Duration::from_secs), "{lines:?}");
        }
    }
}
