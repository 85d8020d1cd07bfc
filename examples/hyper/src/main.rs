//! A complete app on plain hyper that receives lifecycle callbacks: `cargo run -p example-hyper`.

mod routes;

use example_shared::{App, Failure, Limits, Shutdown, route_name, serve};
use http::Request;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span, info_span};

use crate::routes::Routes;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    example_shared::log();
    let shutdown = Shutdown::on_signal()?; // first of all: a signal may come at any moment
    let (app, worker) = App::start("hyper", shutdown.clone()).await?;
    let listener = TcpListener::bind(app.address()).await?;
    app.listening(listener.local_addr()?);
    let log = TraceLayer::new_for_http()
        .make_span_with(access_log)
        .on_response(DefaultOnResponse::new().level(Level::INFO))
        .on_failure(());
    let routes = ServiceBuilder::new().layer(log).service(Routes::new(&app));
    serve(listener, routes, Limits::SMALL, shutdown).await; // hyper itself is called there
    worker.await?;
    app.close().await;
    Ok(())
}

/// What the log shows of a request: its route, and neither path nor query, which hold the hook's token, states and ids.
fn access_log<B>(request: &Request<B>) -> Span {
    info_span!("request", method = %request.method(), route = route_name(request.uri().path()))
}
