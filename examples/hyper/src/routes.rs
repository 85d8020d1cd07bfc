//! Routes: which part of the app answers which path.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use example_shared::{App, Page, WatchedBody, read_body};
use http::header::COOKIE;
use http::{Method, Request, Response};
use http_body_util::{BodyDataStream, BodyExt};
use lifecycle_core::{Delivery, EventKind, Reply, RequestOutcome, TenantKey, Verifier};
use lifecycle_securityscorecard::ActionRequest;
use lifecycle_tower::{
    BytesOr, LifecycleEndpoint, LifecycleLayer, RequireEnabledLayer, ResponseBody, header_lines, receive,
    response,
};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

type Answer = Response<BytesOr<ResponseBody>>;
type Route = BoxCloneSyncService<Request<WatchedBody>, Answer, Infallible>;

/// All of the app's routes, as one service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Routes {
    app: App,
    routes: Arc<HashMap<String, Route>>,
}

impl Routes {
    pub(crate) fn new(app: &App) -> Self {
        let mut routes = HashMap::from([
            // All five events on one URL, which is what most apps need, ...
            ("/seismic".to_owned(), endpoint(app, app.seismic())),
            ("/middleware/seismic".to_owned(), verified(app)),
            ("/extractor/seismic".to_owned(), extracted(app)),
            (HOOK.to_owned(), endpoint(app, app.hook())),
            // A route that takes no callbacks: it is there for tenants that have the app enabled.
            ("/features".to_owned(), features(app)),
        ]);
        // ... or each on the URL that is registered for it.
        for kind in EventKind::KNOWN {
            routes.insert(format!("/seismic/{}", kind.name()), endpoint(app, app.seismic_only(kind)));
        }
        // Platforms that need nothing but an endpoint.
        routes.extend(app.others().map(|(path, verifier)| (path, endpoint(app, verifier))));
        Self { app: app.clone(), routes: Arc::new(routes) }
    }

    async fn answer(self, request: Request<WatchedBody>) -> Answer {
        let path = request.uri().path();
        // The verifier compares the token, so the path only has to have a place for one.
        let under_hook = path.strip_prefix(HOOK).and_then(|rest| rest.strip_prefix('/'));
        let route = if under_hook.is_some_and(|token| !token.contains('/')) { HOOK } else { path };
        match self.routes.get(route) {
            Some(route) => match route.clone().oneshot(request).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            },
            None => response(other(&self.app, request).await).map(BytesOr::from),
        }
    }
}

impl Service<Request<WatchedBody>> for Routes {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(())) // each route is made ready when its path is known
    }

    fn call(&mut self, request: Request<WatchedBody>) -> Self::Future {
        let routes = self.clone();
        Box::pin(async { Ok(routes.answer(request).await) })
    }
}

const HOOK: &str = "/securityscorecard/hook";

fn endpoint(app: &App, verifier: Verifier) -> Route {
    let endpoint = ServiceBuilder::new()
        .map_response(|answer: Response<ResponseBody>| answer.map(BytesOr::from))
        .service(LifecycleEndpoint::new(verifier, app.handler()));
    Route::new(endpoint)
}

/// A service that existed before and reads its body itself, behind the layer that verifies.
fn verified(app: &App) -> Route {
    let lifecycle = LifecycleLayer::new(app.seismic());
    let app = app.clone();
    let existing = service_fn(move |request: Request<BytesOr<WatchedBody>>| {
        let app = app.clone();
        async move {
            let delivery: Option<Delivery> = request.extensions().get().cloned();
            Ok::<_, Infallible>(response(match (delivery, request.into_body().collect().await) {
                (Some(delivery), Ok(body)) => app.receipt(&delivery, &body.to_bytes()),
                _ => Reply::empty(500), // the layer leaves a delivery and a body in memory
            }))
        }
    });
    let verified = ServiceBuilder::new()
        .map_request(|request: Request<WatchedBody>| request.map(BytesOr::new))
        .layer(lifecycle)
        .service(existing);
    Route::new(verified)
}

/// The same without a layer, as a function of the request.
fn extracted(app: &App) -> Route {
    let (app, verifier) = (app.clone(), app.seismic());
    Route::new(service_fn(move |request| {
        let (app, verifier) = (app.clone(), verifier.clone());
        async move {
            let started = Instant::now();
            let received = receive(&verifier, request).await;
            let (outcome, reply) = match &received {
                Ok((_head, delivery)) => {
                    let reply = app.receipt(delivery, delivery.body());
                    (RequestOutcome::Answered(delivery, Some(reply.status())), reply)
                }
                Err(unhandled) => (unhandled.outcome(), unhandled.reply()),
            };
            verifier.record(outcome, started.elapsed(), SystemTime::now());
            Ok(response(reply).map(BytesOr::from))
        }
    }))
}

fn features(app: &App) -> Route {
    let enabled = RequireEnabledLayer::new(app.installation_gate(), |head| {
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        App::tenant(header("x-app"), header("x-tenant"))
    });
    let app = app.clone();
    let page = service_fn(move |request: Request<WatchedBody>| {
        let reply = match (request.extensions().get::<TenantKey>(), request.method()) {
            (Some(tenant), &Method::GET | &Method::HEAD) => app.features(tenant),
            _ => only_read(),
        };
        async { Ok::<_, Infallible>(response(reply)) }
    });
    Route::new(ServiceBuilder::new().layer(enabled).service(page))
}

/// The app's other routes.
async fn other(app: &App, request: Request<WatchedBody>) -> Reply {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let query = head.uri.query().unwrap_or_default();
    let is_read = matches!(head.method, Method::GET | Method::HEAD);
    match path {
        "/securityscorecard/actions/notify_channel" if head.method == Method::POST => {
            match ActionRequest::read(header_lines(&head.headers)) {
                Ok(action) => match read_body(BodyDataStream::new(body)).await {
                    // The body says which rule fired on what; the demo only makes sure that it is read.
                    Ok(_rule) => app.notify_channel(&action),
                    Err(refusal) => refusal,
                },
                Err(error) => error.reply(),
            }
        }
        "/securityscorecard/actions/notify_channel" => Reply::empty(405).header("allow", "POST"),
        "/securityscorecard/install" if is_read => app.install_page(query),
        "/securityscorecard/connect" if is_read => app.connect(query, head.headers.get_all(COOKIE)),
        "/securityscorecard/install" | "/securityscorecard/connect" => only_read(),
        path => {
            let page = Page::ALL.into_iter().find(|(own, _)| *own == path);
            match (page, path.strip_prefix("/securityscorecard/manifest/")) {
                (None, None) => Reply::empty(404),
                _ if !is_read => only_read(),
                (Some((_, page)), _) => app.page(page).await,
                (None, Some(token)) => app.manifest(token),
            }
        }
    }
}

fn only_read() -> Reply {
    Reply::empty(405).header("allow", "GET, HEAD")
}
