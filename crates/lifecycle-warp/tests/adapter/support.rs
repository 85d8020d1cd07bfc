//! What the tests share: a secret, callbacks signed with it, handlers, and a server on a real socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lifecycle_core::{
    Delivery, ExpectedApp, HandlerError, LifecycleHandler, Secret, Verifier, async_trait, seismic,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use warp::Filter;
use warp::reply::Response;

pub(crate) const BODY: &str = r#"{"type":"install","appId":"a1","tenantId":"t1"}"#;

/// Long enough to tell "inside the timeout" from "after the sleeper", short enough to wait for.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

pub(crate) fn verifier() -> Verifier {
    Verifier::new(&seismic::PLATFORM, secret(), ExpectedApp::Any).unwrap()
}

pub(crate) fn signature(body: &str) -> String {
    seismic::SCHEME.sign(&secret(), &[], body.as_bytes())
}

pub(crate) fn signed(path: &str, body: &str) -> warp::test::RequestBuilder {
    let request = warp::test::request().method("POST").path(path).body(body);
    request.header("x-seismic-signature", signature(body))
}

/// The status and the code of a problem answer.
pub(crate) fn problem(status: u16, body: &[u8]) -> (u16, String) {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(problem["status"], status);
    (status, problem["code"].as_str().unwrap().to_owned())
}

/// Counts the deliveries that it accepts.
#[derive(Clone, Default)]
pub(crate) struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl LifecycleHandler for Counter {
    async fn event(&self, _delivery: &Delivery) -> Result<(), HandlerError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Never finishes.
pub(crate) struct Sleeper;

#[async_trait]
impl LifecycleHandler for Sleeper {
    async fn event(&self, _delivery: &Delivery) -> Result<(), HandlerError> {
        std::future::pending().await
    }
}

/// Serves the route on a free port until the test ends.
pub(crate) async fn serve(
    route: impl Filter<Extract = (Response,), Error = warp::Rejection> + Clone + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(warp::serve(route).incoming(listener).run());
    address
}

/// One connection that sends exact bytes.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.0.write_all(bytes.as_ref()).await
    }

    /// The next response on the connection, as text, by its content-length.
    pub(crate) async fn response(&mut self) -> String {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .to_lowercase()
                    .split("content-length: ")
                    .nth(1)
                    .map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
                if body.len() >= length {
                    return text.into_owned();
                }
            }
            let mut chunk = [0; 4096];
            let read = self.0.read(&mut chunk).await.expect("an answer, not a reset");
            assert!(read > 0, "the connection ended within {bytes:?}");
            bytes.extend_from_slice(&chunk[..read]);
        }
    }
}

fn secret() -> Secret {
    Secret::new("seismic-demo-signing-secret-1").unwrap()
}
