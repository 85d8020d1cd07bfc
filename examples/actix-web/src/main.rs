//! A complete app on actix-web that receives lifecycle callbacks: `cargo run -p example-actix-web`.

use std::time::Duration;

use actix_web::http::header::COOKIE;
use actix_web::middleware::Logger;
use actix_web::web::{self, Data, Path, ReqData, ServiceConfig};
use actix_web::{App, FromRequest, Handler, HttpRequest, HttpResponse, HttpServer, Resource};
use example_shared::{App as Demo, Failure, Limits, Page, Shutdown, read_body};
use lifecycle_actix::{
    Verified, endpoint, header_lines, require_enabled, response, response_before_body, verify,
};
use lifecycle_core::{EventKind, TenantKey};
use lifecycle_securityscorecard::ActionRequest;

/// The server's threads, each of which takes its share of the connections.
const WORKERS: usize = 4;

/// How long the first head of a connection may take. When all places are taken, this is how long a callback waits for one:
/// less than its platform does. actix-web has no such limit for a later head, so leave heads to a proxy in front.
const HEAD_TIME: Duration = Duration::from_secs(2);

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    example_shared::log();
    let shutdown = Shutdown::on_signal()?; // first of all: a signal may come at any moment
    let (demo, worker) = Demo::start("actix-web", shutdown.clone()).await?;
    let shared = demo.clone(); // one app for all of the server's workers
    let limits = Limits::SMALL;
    let server = HttpServer::new(move || App::new().wrap(access_log()).configure(|app| mount(app, &shared)))
        .workers(WORKERS)
        .max_connections(limits.connections / WORKERS)
        .client_request_timeout(HEAD_TIME)
        .keep_alive(limits.idle) // between two requests
        .shutdown_signal(shutdown.requested())
        .shutdown_timeout(limits.stop.as_secs())
        .bind(demo.address())?;
    for address in server.addrs() {
        demo.listening(address);
    }
    server.run().await?;
    worker.await?;
    demo.close().await;
    Ok(())
}

/// What the log shows of a request: its route, and neither path nor query, which hold the hook's token, states and ids.
fn access_log() -> Logger {
    Logger::new("%{request}xi %s in %T s").custom_request_replace("request", |request| {
        let route = request.match_pattern();
        format!("{} {}", request.method(), route.as_deref().unwrap_or("-"))
    })
}

fn mount(app: &mut ServiceConfig, demo: &Demo) {
    app.app_data(Data::new(demo.clone()))
        // Seismic: a route of ours, a route of the app's behind our middleware, and one that takes our extractor.
        .route("/seismic", endpoint(demo.seismic(), demo.handler()))
        .service(
            web::resource("/middleware/seismic").wrap(verify(demo.seismic())).route(web::post().to(verified)),
        )
        .service(web::resource("/extractor/seismic").app_data(demo.seismic()).to(extracted))
        // A route that takes no callbacks: it is there for tenants that have the app enabled.
        .service(
            web::resource("/features")
                .wrap(require_enabled(demo.installation_gate(), tenant))
                .route(web::get().to(features))
                .route(web::head().to(features)),
        )
        // SecurityScorecard: its hook, and what it asks an app for.
        .route("/securityscorecard/hook/{token}", endpoint(demo.hook(), demo.handler()))
        .route("/securityscorecard/hook", endpoint(demo.hook(), demo.handler()))
        .service(page("/securityscorecard/manifest/{token}", manifest))
        .service(page("/securityscorecard/install", install_page))
        .service(page("/securityscorecard/connect", connect))
        .service(
            web::resource("/securityscorecard/actions/notify_channel").route(web::post().to(notify_channel)),
        );
    for (path, own) in Page::ALL {
        app.service(page(path, move |demo: Data<Demo>| async move { response(demo.page(own).await) }));
    }
    // Platforms that need nothing but an endpoint.
    for (path, verifier) in demo.others() {
        app.route(&path, endpoint(verifier, demo.handler()));
    }
    for kind in EventKind::KNOWN {
        let path = format!("/seismic/{}", kind.name());
        app.route(&path, endpoint(demo.seismic_only(kind), demo.handler()));
    }
}

/// A page: it answers GET and HEAD.
fn page<A: FromRequest + 'static>(path: &str, page: impl Handler<A, Output = HttpResponse>) -> Resource {
    web::resource(path).route(web::get().to(page.clone())).route(web::head().to(page))
}

/// The app's own route: it reads its body itself, as it did before `verify` was put around it.
async fn verified(demo: Data<Demo>, callback: Verified, body: web::Bytes) -> HttpResponse {
    response(demo.receipt(&callback, &body))
}

async fn extracted(demo: Data<Demo>, callback: Verified) -> HttpResponse {
    response(demo.receipt(&callback, callback.body()))
}

fn tenant(request: &HttpRequest) -> Option<TenantKey> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    Demo::tenant(header("x-app"), header("x-tenant"))
}

async fn features(demo: Data<Demo>, tenant: ReqData<TenantKey>) -> HttpResponse {
    response(demo.features(&tenant))
}

async fn manifest(demo: Data<Demo>, token: Path<String>) -> HttpResponse {
    response(demo.manifest(&token))
}

async fn install_page(demo: Data<Demo>, request: HttpRequest) -> HttpResponse {
    response(demo.install_page(request.query_string()))
}

async fn connect(demo: Data<Demo>, request: HttpRequest) -> HttpResponse {
    response(demo.connect(request.query_string(), request.headers().get_all(COOKIE)))
}

/// The body says which rule fired on what; the demo only makes sure that it is read.
async fn notify_channel(demo: Data<Demo>, request: HttpRequest, rule: web::Payload) -> HttpResponse {
    let action = match ActionRequest::read(header_lines(request.headers())) {
        Ok(action) => action,
        Err(error) => return response_before_body(&request, rule.into_inner(), error.reply()),
    };
    response(match read_body(rule).await {
        Ok(_rule) => demo.notify_channel(&action),
        Err(refusal) => refusal,
    })
}
