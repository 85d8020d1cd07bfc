//! Courier: sends a request as the platform would, on a connection of its own, and times the answer.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Client, Method, Response, redirect};

use crate::address;
use crate::delivery::{Answer, Cause, Header, Request};

/// What it calls itself.
pub(crate) const AGENT: &str = concat!("lifecycle-simulator/", env!("CARGO_PKG_VERSION"));

/// The most of an answer's body that is read.
const BODY_CAP: usize = 16 * 1024;
/// The most headers of an answer that are kept, and of each value.
const HEADER_CAP: usize = 64;
const VALUE_CAP: usize = 1024;

/// Sends requests. Follows no redirect, keeps no connection, asks no proxy.
#[derive(Clone, Debug)]
pub(crate) struct Courier(Client);

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) answer: Result<Answer, Cause>,
    /// From sending to the end of the answer, or to giving up.
    pub(crate) elapsed: Duration,
}

impl Courier {
    pub(crate) fn new() -> Self {
        // The process may have chosen its provider already; then that one is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .no_proxy()
            .user_agent(AGENT)
            .build();
        Self(client.expect("a client without a certificate of its own can be built"))
    }

    /// Sends a request; its headers are added to those of HTTP itself. After `deadline` the answer counts no more. Of a body that
    /// never ends one half is sent.
    pub(crate) async fn send(&self, request: &Request, deadline: Duration, is_endless: bool) -> Sent {
        let start = Instant::now();
        let exchange = async {
            let url = address::parse(&request.url)
                .map_err(|reason| Cause::new("address", format!("the URL {reason}")))?;
            let method = Method::from_bytes(request.method.as_bytes()).unwrap_or(Method::POST);
            let body = request.body.clone();
            let body = if is_endless { Body::wrap(Endless::half_of(body)) } else { body.into() };
            let has_body = is_endless || !request.body.is_empty() || method != Method::GET;
            let outgoing = self.0.request(method, url.clone()).headers(map(&request.headers)?);
            let outgoing = if has_body { outgoing.body(body) } else { outgoing };
            let response = outgoing.send().await.map_err(|error| cause(&error, &url))?;
            answer(response, &url).await
        };
        let answer = tokio::time::timeout(deadline, exchange).await.unwrap_or_else(|_| Err(late(deadline)));
        Sent { answer, elapsed: start.elapsed() }
    }

    /// Fetches a document of at most `cap` bytes.
    pub(crate) async fn fetch(&self, url: &str, cap: usize, deadline: Duration) -> Result<Vec<u8>, String> {
        let url = address::parse(url).map_err(|reason| format!("the URL {reason}"))?;
        let fetch = async {
            let mut response =
                self.0.get(url.clone()).send().await.map_err(|error| cause(&error, &url).text)?;
            if response.status() != 200 {
                return Err(format!("answered {} where 200 is expected", response.status().as_u16()));
            }
            let mut document = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error, &url).text)? {
                document.extend_from_slice(&chunk);
                if document.len() > cap {
                    return Err(format!("is larger than {} KiB", cap / 1024));
                }
            }
            Ok(document)
        };
        tokio::time::timeout(deadline, fetch).await.unwrap_or_else(|_| Err(late(deadline).text))
    }
}

/// The first half of a body, after which nothing comes, though all of it is announced.
struct Endless {
    half: Option<Bytes>,
    announced: u64,
}

impl Endless {
    fn half_of(body: String) -> Self {
        let mut bytes = Bytes::from(body);
        let announced = bytes.len() as u64;
        bytes.truncate(bytes.len() / 2);
        Self { half: Some(bytes), announced }
    }
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // Nothing wakes it: whoever waits has a deadline.
        self.half.take().map_or(Poll::Pending, |half| Poll::Ready(Some(Ok(Frame::data(half)))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}

fn map(headers: &[Header]) -> Result<HeaderMap, Cause> {
    let mut map = HeaderMap::new();
    for header in headers {
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_bytes(header.value.as_bytes())) else {
            return Err(Cause::new("header", format!("the header {} cannot be sent", header.name)));
        };
        value.set_sensitive(true);
        map.append(name, value);
    }
    Ok(map)
}

async fn answer(mut response: Response, url: &reqwest::Url) -> Result<Answer, Cause> {
    let status = response.status().as_u16();
    let headers = response.headers().iter().take(HEADER_CAP).map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        Header::new(name.as_str(), value.chars().take(VALUE_CAP).collect::<String>())
    });
    let headers = headers.collect();
    let mut body = Vec::new();
    let mut truncated = false;
    while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error, url))? {
        let room = BODY_CAP - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            truncated = true;
            break;
        }
    }
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned(), truncated })
}

fn late(deadline: Duration) -> Cause {
    Cause::new("late", format!("no answer within {} s", deadline.as_secs()))
}

/// What went wrong, in words that name the next step.
fn cause(error: &reqwest::Error, url: &reqwest::Url) -> Cause {
    let place = url.host_str().map(|host| match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    });
    let place = place.unwrap_or_default();
    let (mut kind, mut last, mut tls) = (None, String::new(), None);
    let mut source = error.source();
    while let Some(inner) = source {
        let io = inner.downcast_ref::<io::Error>();
        kind = kind.or_else(|| io.map(io::Error::kind));
        tls = tls.or_else(|| inner.downcast_ref::<rustls::Error>());
        last = inner.to_string();
        // The `source` of an I/O error passes over what that was made of.
        let made_of = io.and_then(io::Error::get_ref).map(|inner| inner as &(dyn Error + 'static));
        source = made_of.or_else(|| inner.source());
    }
    match kind {
        _ if matches!(tls, Some(rustls::Error::InvalidCertificate(_))) => Cause::new(
            "unreachable",
            format!(
                "the certificate of {place} is not trusted: {last}; SSL_CERT_FILE=ca.pem names an authority of your own"
            ),
        ),
        _ if tls.is_some() => Cause::new(
            "unreachable",
            format!("{place} does not speak TLS as it should: {last}; for plain HTTP write http://"),
        ),
        Some(io::ErrorKind::ConnectionRefused) => {
            Cause::new("connection-refused", format!("connection refused: is the app running at {place}?"))
        }
        _ if error.is_connect() => Cause::new("unreachable", format!("{place} cannot be reached: {last}")),
        _ => Cause::new("connection-broken", "the connection broke before the answer was complete"),
    }
}
