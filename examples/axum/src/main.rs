//! A complete app on axum that receives lifecycle callbacks: `cargo run -p example-axum`.

use axum::body::Bytes;
use axum::extract::{MatchedPath, Path, RawQuery, Request, State};
use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use example_shared::{App, Failure, Limits, Page, Shutdown, read_body, serve};
use lifecycle_core::{Delivery, EventKind, Reply, TenantKey};
use lifecycle_securityscorecard::ActionRequest;
use lifecycle_tower::axum::Verified;
use lifecycle_tower::{
    LifecycleEndpoint, LifecycleLayer, RequireEnabledLayer, header_lines, response, response_before_body,
};
use tokio::net::TcpListener;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span, info_span};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    example_shared::log();
    let shutdown = Shutdown::on_signal()?; // first of all: a signal may come at any moment
    let (app, worker) = App::start("axum", shutdown.clone()).await?;
    let listener = TcpListener::bind(app.address()).await?;
    app.listening(listener.local_addr()?);
    // In place of `axum::serve`, which leaves it to its clients how many connections they hold, and for how long.
    serve(listener, routes(app.clone()), Limits::SMALL, shutdown).await;
    worker.await?;
    app.close().await;
    Ok(())
}

fn routes(app: App) -> Router {
    let pages = Page::ALL.into_iter().fold(Router::new(), |pages, (path, page)| {
        pages.route(path, get(async move |State(app): State<App>| answer(app.page(page).await)))
    });
    // A route that takes no callbacks: it is there for tenants that have the app enabled.
    let enabled = RequireEnabledLayer::new(app.installation_gate(), tenant);
    pages
        .route("/features", get(features).layer(enabled))
        .merge(seismic(&app))
        .nest("/securityscorecard", securityscorecard(&app))
        .with_state(app)
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(access_log)
                .on_response(DefaultOnResponse::new().level(Level::INFO))
                .on_failure(()),
        )
}

/// What the log shows of a request: its route, and neither path nor query, which hold the hook's token, states and ids.
fn access_log(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    info_span!("request", method = %request.method(), route)
}

fn seismic(app: &App) -> Router<App> {
    // All five events on one URL, which is what most apps need, ...
    let mut routes =
        Router::new().route_service("/seismic", LifecycleEndpoint::new(app.seismic(), app.handler()));
    // ... or each on the URL that is registered for it.
    for kind in EventKind::KNOWN {
        let path = format!("/seismic/{}", kind.name());
        let endpoint = LifecycleEndpoint::new(app.seismic_only(kind), app.handler());
        routes = routes.route_service(&path, endpoint);
    }
    // Platforms that need nothing but an endpoint.
    for (path, verifier) in app.others() {
        routes = routes.route_service(&path, LifecycleEndpoint::new(verifier, app.handler()));
    }
    // A route that existed before and answers for itself, behind the layer that verifies, ...
    let existing = post(existing).layer(LifecycleLayer::new(app.seismic()));
    // ... and one that takes the callback as its argument, for every method, so that others get a 405 in the same words.
    let receipts = app.clone();
    let extracted = any(async move |callback: Verified| answer(receipts.receipt(&callback, callback.body())));
    routes
        .route("/middleware/seismic", existing)
        .route("/extractor/seismic", extracted.with_state(app.seismic()))
}

fn securityscorecard(app: &App) -> Router<App> {
    // The verifier compares the token, so the path only has to have a place for one.
    let hook = LifecycleEndpoint::new(app.hook(), app.handler());
    Router::new()
        .route_service("/hook", hook.clone())
        .route_service("/hook/{token}", hook)
        .route("/manifest/{token}", get(manifest))
        .route("/install", get(install_page))
        .route("/connect", get(connect))
        .route("/actions/notify_channel", post(notify_channel))
}

/// It reads its body itself, as it did before it was put behind the layer.
async fn existing(State(app): State<App>, Extension(delivery): Extension<Delivery>, body: Bytes) -> Response {
    answer(app.receipt(&delivery, &body))
}

async fn manifest(State(app): State<App>, Path(token): Path<String>) -> Response {
    answer(app.manifest(&token))
}

async fn install_page(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    answer(app.install_page(&query.unwrap_or_default()))
}

async fn connect(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(app.connect(&query.unwrap_or_default(), headers.get_all(COOKIE)))
}

/// The body says which rule fired on what; the demo only makes sure that it is read.
async fn notify_channel(State(app): State<App>, request: Request) -> Response {
    let (head, rule) = request.into_parts();
    let action = match ActionRequest::read(header_lines(&head.headers)) {
        Ok(action) => action,
        Err(error) => return response_before_body(&head, error.reply()).into_response(),
    };
    answer(match read_body(rule.into_data_stream()).await {
        Ok(_rule) => app.notify_channel(&action),
        Err(refusal) => refusal,
    })
}

fn tenant(head: &Parts) -> Option<TenantKey> {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    App::tenant(header("x-app"), header("x-tenant"))
}

async fn features(State(app): State<App>, Extension(tenant): Extension<TenantKey>) -> Response {
    answer(app.features(&tenant))
}

fn answer(reply: Reply) -> Response {
    response(reply).into_response()
}
