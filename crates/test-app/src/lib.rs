//! Apps on real sockets, for tests of engines and of handlers: callbacks go the whole way that a platform's go.

pub mod deadline;
pub mod forms;
pub mod rolling;

use std::time::{Duration, Instant};

use axum::Router;
use lifecycle_core::{EndpointHandler, ExpectedApp, Secret, Verifier, seismic};
use lifecycle_tower::LifecycleEndpoint;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, spawn_blocking};

/// After this, Seismic blocks the administrator.
pub const DEADLINE: Duration = Duration::from_secs(3);

const SECRET: &str = "test-app-signing-secret";

/// A server with nothing but an inbox behind its only route. It ends when this is dropped.
#[derive(Debug)]
pub struct App {
    url: String,
    server: JoinHandle<()>,
    platform: ureq::Agent,
}

/// How a callback was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// 202 is an acknowledgement.
    pub status: u16,
    /// From before the connection is opened to the last byte of the answer.
    pub took: Duration,
}

impl App {
    /// Starts one on this inbox.
    ///
    /// # Panics
    /// When loopback has no free port.
    pub async fn start(inbox: impl EndpointHandler) -> Self {
        let verifier = Verifier::new(&seismic::PLATFORM, secret(), ExpectedApp::Any).unwrap();
        let endpoint = LifecycleEndpoint::new(verifier, inbox);
        let routes = Router::new().route_service("/seismic", endpoint);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let url = format!("http://{}/seismic", listener.local_addr().expect("it is bound"));
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        let platform = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
        Self { url, server, platform: platform.into() }
    }

    /// Sends the nth callback of a tenant, once.
    ///
    /// # Panics
    /// In place of an answer, when there is none.
    pub fn send(&self, tenant: &str, nth: u32) -> JoinHandle<Answer> {
        let (url, platform) = (self.url.clone(), self.platform.clone());
        let body = format!(r#"{{"type":"upgrade","appId":"app","tenantId":"{tenant}","requestId":"{nth}"}}"#);
        let signature = seismic::SCHEME.sign(&secret(), &[], body.as_bytes());
        spawn_blocking(move || {
            let asked = Instant::now();
            let request = platform.post(url).header("x-seismic-signature", signature);
            let mut answer = request.send(body).expect("an answer");
            answer.body_mut().read_to_vec().expect("the whole answer");
            Answer { status: answer.status().as_u16(), took: asked.elapsed() }
        })
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn secret() -> Secret {
    Secret::new(SECRET).expect("it is not empty")
}
