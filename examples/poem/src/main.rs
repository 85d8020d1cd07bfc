//! An app on poem, for which there is no adapter but [`adapter`]: `cargo run -p example-poem`. It serves what the adapter
//! can do under the paths of the other examples, and the package's test sends it the conformance suite.

mod adapter;

use std::time::Duration;

use example_shared::{App, Failure, Page, Shutdown};
use lifecycle_core::{Delivery, EventKind, Reply, Verifier};
use poem::endpoint::make;
use poem::error::NotFoundError;
use poem::http::StatusCode;
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{Endpoint, EndpointExt, Request, Response, Route, Server, get};
use serde_json::Value;

use adapter::{LifecycleEndpoint, Verify, response};

/// The kinds of the routes that this app has. The others show what a framework's own extractors are for.
const KINDS: [&str; 4] = ["endpoint", "endpoint-one", "hook", "middleware"];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    example_shared::log();
    let shutdown = Shutdown::on_signal()?; // first of all: a signal may come at any moment
    let (app, worker) = App::start("poem", shutdown.clone()).await?;
    let acceptor = TcpListener::bind(app.address()).into_acceptor().await?;
    let address = acceptor.local_addr().into_iter().find_map(|address| address.as_socket_addr().copied());
    app.listening(address.unwrap_or_else(|| app.address()));
    let requests = Some(Duration::from_secs(5)); // for those under way
    let server = Server::new_with_acceptor(acceptor);
    server.run_with_graceful_shutdown(routes(&app), shutdown.requested(), requests).await?;
    worker.await?;
    app.close().await;
    Ok(())
}

fn routes(app: &App) -> impl Endpoint + use<> {
    let endpoint = |verifier: Verifier| LifecycleEndpoint::new(verifier, app.handler());
    let existing = {
        let app = app.clone();
        make(move |request: Request| existing(app.clone(), request))
    };
    let mut routes = Route::new()
        .at("/seismic", endpoint(app.seismic()))
        .at("/middleware/seismic", existing.with(Verify(app.seismic())))
        .at("/securityscorecard/hook", endpoint(app.hook()))
        // The verifier compares the token, so the path only has to have a place for one.
        .at("/securityscorecard/hook/:token", endpoint(app.hook()));
    for kind in EventKind::KNOWN {
        routes = routes.at(format!("/seismic/{}", kind.name()), endpoint(app.seismic_only(kind)));
    }
    for (path, verifier) in app.others() {
        routes = routes.at(path, endpoint(verifier));
    }
    for (path, shown) in Page::ALL {
        let app = app.clone();
        routes = routes.at(path, get(make(move |_| page(app.clone(), shown))));
    }
    // An empty 404, as a hook with a wrong token gets: nobody learns that there is a hook.
    routes.catch_error(async |_: NotFoundError| StatusCode::NOT_FOUND)
}

/// It reads its body itself, as it did before it was put behind the adapter.
async fn existing(app: App, mut request: Request) -> poem::Result<Response> {
    let body = request.take_body().into_bytes().await?;
    Ok(response(match request.data::<Delivery>() {
        Some(delivery) => app.receipt(delivery, &body),
        None => Reply::verifier_missing("put `Verify` in front of the route"),
    }))
}

async fn page(app: App, page: Page) -> poem::Result<Response> {
    let reply = app.page(page).await;
    if page != Page::Routes {
        return Ok(response(reply));
    }
    let mut routes: Vec<Value> = serde_json::from_slice(reply.body()).unwrap_or_default();
    routes.retain(|route| KINDS.iter().any(|kind| route["kind"] == *kind));
    Ok(response(Reply::new(200, "application/json", Value::from(routes).to_string())))
}
