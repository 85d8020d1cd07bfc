//! App: a receiver that answers as it is told, and remembers what it got.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A receiver; what it answers stands in the path of the URL.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<Got>>>,
    arrived: Arc<Notify>,
    gate: Arc<watch::Sender<Option<u16>>>,
    manifest: Arc<Mutex<Value>>,
}

impl App {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Self {
            url,
            got: Arc::default(),
            arrived: Arc::default(),
            gate: Arc::new(watch::Sender::new(None)),
            manifest: Arc::new(Mutex::new(Value::Null)),
        };
        let router = Router::new()
            .route("/manifest.json", axum::routing::any(manifest))
            .route("/{answer}", axum::routing::any(answer))
            .route("/{answer}/{callback}", axum::routing::any(callback))
            .with_state(app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        app
    }

    /// What is served as the manifest.
    pub(crate) fn set_manifest(&self, manifest: Value) {
        *self.manifest.lock().unwrap() = manifest;
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Got {
        self.got().pop().unwrap()
    }

    /// Answers what waits at `/gate`, with this status.
    pub(crate) fn open_gate(&self, status: u16) {
        self.gate.send_replace(Some(status));
    }

    /// Completes when the next request has arrived.
    pub(crate) async fn arrival(&self) {
        self.arrived.notified().await;
    }
}

async fn manifest(State(app): State<App>) -> Response {
    let manifest = app.manifest.lock().unwrap().clone();
    match manifest {
        Value::String(text) => text.into_response(),
        manifest => axum::Json(manifest).into_response(),
    }
}

/// Of a platform with a path for each callback.
async fn callback(
    app: State<App>,
    Path((status, _)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(app, Path(status), headers, body).await
}

async fn answer(
    State(app): State<App>,
    Path(answer): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = answer.clone();
    app.got.lock().unwrap().push(Got { path, headers: headers.clone(), body: body.clone() });
    app.arrived.notify_one();
    match answer.as_str() {
        "mismatch" => {
            let problem = json!({"title": "x", "status": 401, "code": "signature-mismatch"});
            (StatusCode::UNAUTHORIZED, [("content-type", "application/problem+json")], problem.to_string())
                .into_response()
        }
        "gate" => {
            let mut gate = app.gate.subscribe();
            let status = *gate.wait_for(Option::is_some).await.unwrap();
            StatusCode::from_u16(status.unwrap()).unwrap().into_response()
        }
        "redirect" => (StatusCode::FOUND, [("location", "/202")]).into_response(),
        "slow" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::ACCEPTED.into_response()
        }
        // Sends back what it got, as a careless app would, and much more than is kept.
        "echo" => {
            let secrets =
                headers.get("x-ssc-app-secrets").and_then(|value| value.to_str().ok()).unwrap_or("");
            (StatusCode::OK, format!("{secrets} {} {}", String::from_utf8_lossy(&body), "x".repeat(20_000)))
                .into_response()
        }
        // Fails, and then works.
        "flaky" => {
            let calls = app.got().iter().filter(|got| got.path == "flaky").count();
            (if calls == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::ACCEPTED }).into_response()
        }
        // With a content type, which Discord wants to see.
        status => {
            let status = StatusCode::from_u16(status.parse().unwrap()).unwrap();
            (status, [("content-type", "text/plain")]).into_response()
        }
    }
}

/// An address where connections are closed as soon as a request has come.
pub(crate) async fn hanging_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 1024]).await;
        }
    });
    url
}

/// An address at which nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}
