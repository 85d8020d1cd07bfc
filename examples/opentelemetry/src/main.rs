//! An axum app whose webhooks can be followed in a collector of OpenTelemetry: a span for each request, with what the verifier
//! said of it, one for each run of the handler, and all metrics of `docs/guide/operating.md`.
//! `SEISMIC_SIGNING_SECRET=demo cargo run --manifest-path examples/opentelemetry/Cargo.toml`

mod telemetry;

use std::error::Error;
use std::future::IntoFuture;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use futures_util::FutureExt;
use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, Secret, Verifier, async_trait, seismic};
use lifecycle_inbox::{Inbox, Store};
use lifecycle_inbox_sqlite::SqliteEngine;
use lifecycle_tower::LifecycleEndpoint;
use telemetry::Telemetry;
use tokio::net::TcpListener;
use tower_http::trace::TraceLayer;
use tracing::{Instrument, Span, info_span};

struct Accounts;

#[async_trait]
impl LifecycleHandler for Accounts {
    /// The worker runs it, so it has a span of its own. Neither tenant nor payload is told: a collector keeps what it is sent.
    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let span = info_span!(
            "handle",
            platform = delivery.platform().name(),
            kind = delivery.event().kind().name()
        );
        async {
            tracing::info!("making an account");
            Ok(())
        }
        .instrument(span)
        .await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let collector = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT");
    let collector = collector.unwrap_or_else(|_| "http://127.0.0.1:4318".to_owned());
    let telemetry = Telemetry::start("opentelemetry-app", &collector)?;

    let secret = Secret::new(std::env::var("SEISMIC_SIGNING_SECRET")?)?;
    let verifier = Verifier::new(&seismic::PLATFORM, secret, "demo-app")?;
    let engine = SqliteEngine::open("lifecycle.db")?;
    let (inbox, worker) = Store::new(engine.clone()).open(Accounts);

    let stop = async { _ = tokio::signal::ctrl_c().await }.shared();
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let server = axum::serve(listener, routes(verifier, inbox)).with_graceful_shutdown(stop.clone());
    let (served, ()) = tokio::join!(server.into_future(), worker.run(stop));
    engine.close().await;
    tokio::task::spawn_blocking(|| telemetry.stop()).await??;
    Ok(served?)
}

fn routes(verifier: Verifier, inbox: Inbox) -> Router {
    Router::new()
        .route_service("/seismic", LifecycleEndpoint::new(verifier, inbox))
        .layer(TraceLayer::new_for_http().make_span_with(request_span))
}

/// By the conventions of OpenTelemetry; it names the route, and neither path nor query, where some platforms have a token.
fn request_span(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    let method = request.method();
    info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = %method,
        http.route = route,
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::body::{Body, Bytes};
    use axum::extract::{Path, State};
    use axum::http::StatusCode;
    use axum::routing::post;
    use lifecycle_core::EventKind;
    use lifecycle_testing::{SigningKeys, sample};
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    /// What a collector was sent: the signal, and the document.
    type Received = Arc<Mutex<Vec<(String, Value)>>>;

    /// A collector that keeps everything.
    async fn collector() -> (String, Received) {
        let received = Received::default();
        let take = async |State(received): State<Received>, Path(signal): Path<String>, body: Bytes| {
            received.lock().unwrap().push((signal, serde_json::from_slice(&body).unwrap()));
            ([("content-type", "application/json")], "{}")
        };
        let routes = Router::new().route("/v1/{signal}", post(take)).with_state(received.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, routes).into_future());
        (url, received)
    }

    /// All values of members with this name, at any depth.
    fn all<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v Value>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| all(value, name, found)),
            Value::Object(members) => {
                for (own, value) in members {
                    if own == name {
                        found.push(value);
                    }
                    all(value, name, found);
                }
            }
            _ => {}
        }
    }

    fn texts<'v>(received: &'v [(String, Value)], signal: &str, name: &str) -> Vec<&'v str> {
        let mut found = Vec::new();
        received.iter().filter(|(own, _)| own == signal).for_each(|(_, value)| all(value, name, &mut found));
        found.into_iter().filter_map(Value::as_str).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_callback_can_be_followed_in_the_collector() {
        let (url, received) = collector().await;
        let telemetry = tokio::task::spawn_blocking(move || Telemetry::start("test", &url)).await;
        let telemetry = telemetry.unwrap().unwrap();
        let keys = SigningKeys::for_tests(&seismic::PLATFORM);
        let verifier = Verifier::new(&seismic::PLATFORM, keys.verifying(), "demo-app").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let engine = SqliteEngine::open(folder.path().join("lifecycle.db")).unwrap();
        let (inbox, worker) = Store::new(engine).open(Accounts);

        let signed =
            sample(&seismic::PLATFORM, &EventKind::Install).app("demo-app").tenant("acme").sign(&keys);
        let mut request = axum::http::Request::post("/seismic");
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(signed.body)).unwrap();
        let response = routes(verifier, inbox).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        drop(response);
        assert_eq!(worker.run_until_idle().await.unwrap(), 1);
        tokio::task::spawn_blocking(|| telemetry.stop()).await.unwrap().unwrap();

        let received = received.lock().unwrap();
        let spans = texts(&received, "traces", "name");
        assert!(spans.contains(&"POST /seismic") && spans.contains(&"handle"), "{spans:?}");
        let attributes = texts(&received, "traces", "stringValue");
        assert!(
            attributes.contains(&"accepted"),
            "the verifier's event is in the request's span: {attributes:?}"
        );
        let metrics = texts(&received, "metrics", "name");
        for name in
            ["lifecycle_callbacks_total", "lifecycle_callback_seconds", "lifecycle_inbox_attempts_total"]
        {
            assert!(metrics.contains(&name), "{metrics:?}");
        }
        assert!(texts(&received, "metrics", "stringValue").contains(&"seismic"));
        let mut bounds = Vec::new();
        received.iter().for_each(|(_, value)| all(value, "explicitBounds", &mut bounds));
        assert!(!bounds.is_empty() && bounds.iter().all(|bounds| bounds[0] == 0.005), "{bounds:?}");
        let told =
            serde_json::to_string(&received.iter().map(|(_, value)| value).collect::<Vec<_>>()).unwrap();
        assert!(!told.contains("acme"), "no tenant leaves the app");
    }
}
