//! Client: sends one request as a marketplace would, and tells what came back and when.

use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use lifecycle_simulator::is_loopback_host;
use reqwest::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
    USER_AGENT,
};
use reqwest::redirect::Policy;
use reqwest::{Body, Method, Url};

use crate::failure::Failure;
use crate::proxy::{Proxies, Proxy};

/// The most of an answer's body that is kept, in bytes.
const ANSWER_MAX: usize = 64 * 1024;

/// The number of pieces that a slow body is cut into.
const PIECES: usize = 10;

/// Who asks.
const AGENT: &str = concat!("lifecycle/", env!("CARGO_PKG_VERSION"));

/// A request, ready to be sent any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) framing: Framing,
}

/// How the body is put on the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Framing {
    /// Chunked, without a declared length.
    pub(crate) chunked: bool,
    /// Spread over this time.
    pub(crate) slow: Option<Duration>,
}

/// What became of a request.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) result: Result<Answered, Lost>,
    /// What it went through.
    pub(crate) proxy: Option<Proxy>,
    /// From before the connection was made to the last byte of the answer.
    pub(crate) took: Duration,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answered {
    /// As a platform judges it.
    pub(crate) fn answer(&self) -> lifecycle_testing::Answer<'_> {
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        lifecycle_testing::Answer { status: self.status, content_type, body: &self.body }
    }
}

/// Why a server that was reached gave no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lost {
    Closed,
    TimedOut,
}

/// A client that never follows a redirect and uses a new connection for each request. It reaches this machine itself
/// without a proxy, and others by the one that the environment names.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    direct: reqwest::Client,
    /// None where the environment names no proxy.
    through: Option<reqwest::Client>,
    proxies: Proxies,
    timeout: Duration,
}

impl Client {
    pub(crate) fn new(timeout: Duration) -> Result<Self, Failure> {
        // `Err` means that there is one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let proxies = Proxies::from_env();
        let direct = build(reqwest::Client::builder().no_proxy())?;
        let through = if proxies.is_empty() { None } else { Some(build(reqwest::Client::builder())?) };
        Ok(Self { direct, through, proxies, timeout })
    }

    /// Sends it.
    ///
    /// # Errors
    /// When no server is reached. A server that gives no answer is an [`Exchange`] too.
    pub(crate) async fn send(&self, outgoing: &Outgoing) -> Result<Exchange, Failure> {
        let (http, proxy) = match (&self.through, self.proxies.before(&outgoing.url)) {
            (Some(through), Some(proxy)) => (through, Some(proxy)),
            _ => (&self.direct, None),
        };
        let request = http
            .request(outgoing.method.clone(), outgoing.url.clone())
            .headers(outgoing.headers())
            .body(outgoing.body());
        let started = Instant::now();
        let result = match tokio::time::timeout(self.timeout, answer(request)).await {
            Err(_) => Err(Lost::TimedOut),
            Ok(Ok(answered)) => Ok(answered),
            Ok(Err(error)) if error.is_connect() || error.is_builder() => {
                return Err(unreachable(&outgoing.url, proxy.as_ref(), &error));
            }
            Ok(Err(_)) => Err(Lost::Closed),
        };
        Ok(Exchange { result, proxy, took: started.elapsed() })
    }
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Failure> {
    let builder = builder.redirect(Policy::none()).pool_max_idle_per_host(0);
    builder.build().map_err(|error| {
        let message = format!("HTTPS is not available: {}", root(&error));
        Failure::new(message, "install the system's CA certificates")
    })
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Answered, reqwest::Error> {
    let mut response = request.send().await?;
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        let room = ANSWER_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == ANSWER_MAX {
            break;
        }
    }
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answered { status, headers, body: body.freeze() })
}

impl Outgoing {
    /// All that stands in the head of the request, so that what is shown of it is what is sent.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = self.told_headers();
        let host = authority(&self.url).parse();
        headers.entry(HOST).or_insert(host.expect("the host of a URL fits in a header"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let has_body = self.method != Method::GET || !self.body.is_empty();
        if has_body && !self.framing.chunked {
            headers.insert(CONTENT_LENGTH, self.body.len().into());
        }
        headers
    }

    /// Those of them that every client would have to be told.
    pub(crate) fn told_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        if !self.body.is_empty() {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        if self.framing.chunked {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        headers
    }

    fn body(&self) -> Body {
        let pieces = match self.framing.slow {
            Some(time) => cut(&self.body, time),
            None if self.framing.chunked => vec![(Duration::ZERO, self.body.clone())],
            None => return self.body.clone().into(),
        };
        let frames = stream::unfold(pieces.into_iter(), |mut pieces| async {
            let (pause, piece) = pieces.next()?;
            tokio::time::sleep(pause).await;
            Some((Ok::<_, io::Error>(Frame::data(piece)), pieces))
        });
        Body::wrap(StreamBody::new(frames))
    }
}

/// The body in pieces, each with the pause before it.
fn cut(body: &Bytes, time: Duration) -> Vec<(Duration, Bytes)> {
    let size = body.len().div_ceil(PIECES).max(1);
    let count = body.len().div_ceil(size).max(1);
    let pause = time / u32::try_from(count).unwrap_or(u32::MAX);
    (0..body.len())
        .step_by(size)
        .map(|start| (pause, body.slice(start..body.len().min(start + size))))
        .collect()
}

/// Host and port, the latter where it is not the scheme's own.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Reads a URL that callbacks can be sent to.
pub(crate) fn parse_url(text: &str) -> Result<Url, Failure> {
    let next = "give it as http://127.0.0.1:3000/seismic";
    if !text.contains("://") {
        return Err(Failure::new("--url lacks http:// or https://", next));
    }
    let url = Url::parse(text).map_err(|error| Failure::new(format!("--url is no URL: {error}"), next))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(Failure::new("--url has to begin with http:// or https:// and name a host", next));
    }
    Ok(url)
}

/// Reads a header from its name and value, neither of which an error repeats.
pub(crate) fn header(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), Failure> {
    let wrong = |part: &str| {
        Failure::new(
            format!("a header's {part} has characters that HTTP does not allow"),
            "give NAME:VALUE, as in x-test:1",
        )
    };
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong("name"))?;
    let mut value = HeaderValue::from_bytes(value.trim_ascii()).map_err(|_| wrong("value"))?;
    value.set_sensitive(true); // so that no Debug shows it
    Ok((name, value))
}

fn unreachable(url: &Url, proxy: Option<&Proxy>, error: &reqwest::Error) -> Failure {
    let port = url.port_or_known_default().unwrap_or_default();
    let address = format!("{}:{port}", url.host_str().unwrap_or_default());
    let tls = sources(error).find_map(|source| source.downcast_ref::<rustls::Error>());
    if tls.is_some_and(|tls| !matches!(tls, rustls::Error::InvalidCertificate(_))) {
        return Failure::new(
            format!("{address} does not speak TLS as it should: {}", root(error)),
            "does it serve https? For plain HTTP write http://",
        );
    }
    if tls.is_some() {
        return Failure::new(
            format!("the certificate of {address} is not trusted: {}", root(error)),
            "if an authority of your own issued it, name its certificate: SSL_CERT_FILE=ca.pem (on Linux; elsewhere add it to the system's)",
        );
    }
    let refused = sources(error)
        .filter_map(|source| source.downcast_ref::<io::Error>())
        .find(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    match (proxy, refused) {
        (Some(proxy), Some(_)) => by_proxy(proxy, &address, "connection refused by the proxy"),
        (Some(proxy), None) => by_proxy(proxy, &address, &root(error)),
        (None, Some(refused)) => no_connection(&address, refused),
        (None, None) => no_connection(&address, &io::Error::other(root(error))),
    }
}

fn by_proxy(proxy: &Proxy, address: &str, why: &str) -> Failure {
    Failure::new(
        format!("no connection to {address} by way of the proxy {proxy}: {why}"),
        "check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY; a host in NO_PROXY is reached without a proxy",
    )
}

/// A server that cannot be reached at this `host:port`.
pub(crate) fn no_connection(address: &str, error: &io::Error) -> Failure {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let refused = format!("connection refused by {address}");
    match (error.kind(), is_loopback_host(host)) {
        (io::ErrorKind::ConnectionRefused, true) => {
            Failure::new(refused, "is the app running, and is the port right?")
        }
        (io::ErrorKind::ConnectionRefused, false) => {
            Failure::new(refused, "is the server running there, and is the port right?")
        }
        _ => Failure::new(
            format!("no connection to {address}: {error}"),
            "check the URL's scheme, host and port",
        ),
    }
}

/// An error and all below it; also what an [`io::Error`] was made of, which its own `source` passes over.
fn sources<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => (*error).source(),
        }
    })
}

/// The reason below all the others, which is the one that helps.
fn root(error: &(dyn Error + 'static)) -> String {
    sources(error).last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_body_is_cut_into_pieces_that_take_its_time_together() {
        for length in [0, 1, 7, 10, 352, 4001] {
            let body = Bytes::from(vec![b'x'; length]);
            let pieces = cut(&body, Duration::from_secs(1));
            assert!(pieces.len() <= PIECES, "{length}");
            assert_eq!(pieces.iter().map(|(_, piece)| piece.len()).sum::<usize>(), length);
            let time: Duration = pieces.iter().map(|(pause, _)| *pause).sum();
            assert!(length == 0 || time > Duration::from_millis(999), "{length}: {time:?}");
        }
    }

    #[test]
    fn a_url_names_a_host_and_speaks_http() {
        for wrong in ["", "3000", "/seismic", "ftp://example.com/", "127.0.0.1:3000/seismic", "http://"] {
            assert!(parse_url(wrong).is_err(), "{wrong}");
        }
        assert!(parse_url("https://example.com/seismic").is_ok());
    }

    #[test]
    fn a_header_that_is_none_is_refused_without_being_repeated() {
        for (name, value) in [("x y", "hunter2"), ("x", "hunter2\n"), ("x", "hunt\u{0}er2")] {
            match header(name, value.as_bytes()) {
                Ok((_, value)) => assert_eq!(value, "hunter2", "blanks at the ends are no part of a value"),
                Err(failure) => assert!(!failure.to_string().contains("hunt"), "{failure}"),
            }
        }
    }
}
