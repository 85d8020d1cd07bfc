//! A complete app on warp that receives the lifecycle callbacks of Seismic and SecurityScorecard.

use std::future::{Ready, ready};

use bytes::Bytes;
use example_shared::{App, Failure, Limits, Page, Shutdown, read_body, route_name, serve};
use lifecycle_core::{Delivery, EventKind, Reply, TenantKey};
use lifecycle_securityscorecard::ActionRequest;
use lifecycle_warp::{
    endpoint, header_lines, recover, require_enabled, response, response_before_body, verified, verify,
};
use tokio::net::TcpListener;
use tracing::info;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::http::header::COOKIE;
use warp::path::{FullPath, Tail};
use warp::reject::MethodNotAllowed;
use warp::reply::Response;
use warp::{Filter, Rejection};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    example_shared::log();
    let shutdown = Shutdown::on_signal()?; // first of all: a signal may come at any moment
    let (app, worker) = App::start("warp", shutdown.clone()).await?;
    let listener = TcpListener::bind(app.address()).await?;
    app.listening(listener.local_addr()?);
    // In place of `warp::serve`, which leaves it to its clients how many connections they hold, and for how long.
    serve(listener, warp::service(routes(&app)), Limits::SMALL, shutdown).await;
    worker.await?;
    app.close().await;
    Ok(())
}

fn routes(app: &App) -> BoxedFilter<(impl warp::Reply + use<>,)> {
    let all = seismic(app).or(securityscorecard(app)).or(features(app)).or(pages(app));
    has_path().and(no_final_slash()).and(all).with(warp::log::custom(|request| access_log(&request))).boxed()
}

/// What the log shows of a request: its route, and neither path nor query, which hold the hook's token, states and ids.
fn access_log(request: &warp::log::Info<'_>) {
    let (method, status) = (request.method(), request.status().as_u16());
    info!(target: "access_log", %method, route = route_name(request.path()), status, elapsed = ?request.elapsed(), "request");
}

/// The target of a request may have no path, as that of `CONNECT` has none, and no route is there for it. It comes first: warp
/// 0.4.3 panics where such a request reaches `path::full`, `path::peek` or `path::tail` (its issue 1166), and whoever sends one decides that.
fn has_path() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    let is_there = warp::path::end().map(|| false).or(warp::any().map(|| true)).unify();
    let checked = is_there.and_then(
        async |is_there: bool| {
            if is_there { Ok(()) } else { Err(warp::reject::not_found()) }
        },
    );
    checked.untuple_one()
}

/// To warp, `/seismic/` is `/seismic`; to most others it is not.
fn no_final_slash() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    let checked = warp::path::full().and_then(async |path: FullPath| {
        if path.as_str().ends_with('/') { Err(warp::reject::not_found()) } else { Ok(()) }
    });
    checked.untuple_one()
}

fn seismic(app: &App) -> BoxedFilter<(impl warp::Reply + use<>,)> {
    // All five events on one URL, which is what most apps need, ...
    let all = warp::path!("seismic").and(endpoint(app.seismic(), app.handler()));
    // ... or each on the URL that is registered for it.
    let each = EventKind::KNOWN.into_iter().fold(all.boxed(), |routes, kind| {
        let path = warp::path("seismic").and(warp::path(kind.name().to_owned())).and(warp::path::end());
        routes.or(path.and(endpoint(app.seismic_only(kind), app.handler()))).unify().boxed()
    });

    // Platforms that need nothing but an endpoint.
    let each = app.others().fold(each, |routes, (path, verifier)| {
        let segments = path.split('/').skip(1).map(str::to_owned);
        let path = segments.fold(warp::any().boxed(), |path, segment| path.and(warp::path(segment)).boxed());
        let path = path.and(warp::path::end());
        routes.or(path.and(endpoint(verifier, app.handler()))).unify().boxed()
    });

    // A route that existed before and takes the body itself; it is only wrapped.
    let receipt = app.clone();
    let existing = warp::body::bytes()
        .and(warp::ext::get::<Delivery>())
        .map(move |body: Bytes, delivery| response(receipt.receipt(&delivery, &body)));
    let wrapped = warp::path!("middleware" / "seismic").and(verify(app.seismic(), existing));

    // A route that takes the delivery like any other filter's value.
    let receipt = app.clone();
    let extracted = warp::path!("extractor" / "seismic")
        .and(verified(app.seismic()))
        .map(move |delivery: Delivery| response(receipt.receipt(&delivery, delivery.body())))
        .recover(recover);

    each.or(wrapped).or(extracted).boxed()
}

fn securityscorecard(app: &App) -> BoxedFilter<(impl warp::Reply + use<>,)> {
    // The verifier compares the token, so the path only has to have a place for one.
    let hook = warp::path("hook").and(last_segment()).map(drop).untuple_one();
    let hook = hook.and(endpoint(app.hook(), app.handler()));

    let own = app.clone();
    let manifest = warp::path("manifest")
        .and(last_segment())
        .and(read())
        .map(move |token: String| response(own.manifest(&token)))
        .recover(only("GET, HEAD"));

    let own = app.clone();
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let install = warp::path!("install")
        .and(read())
        .and(query)
        .map(move |query: String| response(own.install_page(&query)))
        .recover(only("GET, HEAD"));

    let own = app.clone();
    let connect = warp::path!("connect")
        .and(read())
        .and(query)
        .and(warp::header::headers_cloned())
        .map(move |query: String, headers: HeaderMap| response(own.connect(&query, headers.get_all(COOKIE))))
        .recover(only("GET, HEAD"));

    // The body says which rule fired on what; the demo only makes sure that it is read.
    let own = app.clone();
    let notify = warp::path!("actions" / "notify_channel")
        .and(warp::post())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |headers: HeaderMap, rule| {
            let app = own.clone();
            async move {
                let action = match ActionRequest::read(header_lines(&headers)) {
                    Ok(action) => action,
                    Err(error) => return response_before_body(&headers, error.reply()),
                };
                response(match read_body(rule).await {
                    Ok(_rule) => app.notify_channel(&action),
                    Err(refusal) => refusal,
                })
            }
        })
        .recover(only("POST"));

    warp::path("securityscorecard").and(hook.or(manifest).or(install).or(connect).or(notify)).boxed()
}

/// A route that takes no callbacks: it is there for tenants that have the app enabled.
fn features(app: &App) -> BoxedFilter<(impl warp::Reply + use<>,)> {
    let tenant = warp::header::headers_cloned().map(|headers: HeaderMap| {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        App::tenant(header("x-app"), header("x-tenant"))
    });
    let page = app.clone();
    warp::path!("features")
        .and(require_enabled(app.installation_gate(), tenant))
        .and(read())
        .map(move |tenant: TenantKey| response(page.features(&tenant)))
        .recover(recover)
        .recover(only("GET, HEAD"))
        .boxed()
}

/// The pages that depend on nothing in the request.
fn pages(app: &App) -> BoxedFilter<(impl warp::Reply + use<>,)> {
    let app = app.clone();
    let page = warp::path::full().and_then(async |path: FullPath| {
        let page = Page::ALL.into_iter().find(|(own, _)| *own == path.as_str());
        page.map(|(_, page)| page).ok_or_else(warp::reject::not_found)
    });
    page.and(read())
        .then(move |page: Page| {
            let app = app.clone();
            async move { response(app.page(page).await) }
        })
        .recover(only("GET, HEAD"))
        .boxed()
}

/// The only segment that is left, even an empty one. `path::param` would do, but for writing it to warp's own log at the level `trace`.
fn last_segment() -> impl Filter<Extract = (String,), Error = Rejection> + Copy {
    warp::path::tail().and_then(async |tail: Tail| {
        let segment = tail.as_str();
        if segment.contains('/') { Err(warp::reject::not_found()) } else { Ok(segment.to_owned()) }
    })
}

/// GET, and HEAD as RFC 9110 has it: the same without the body.
fn read() -> impl Filter<Extract = (), Error = Rejection> + Copy {
    warp::get().or(warp::head()).unify()
}

/// Answers where a route is right in all but the method; otherwise other routes would be tried, and the answer be warp's.
fn only(allowed: &'static str) -> impl Fn(Rejection) -> Ready<Result<Response, Rejection>> + Clone {
    move |rejection| {
        ready(match rejection.find::<MethodNotAllowed>() {
            Some(_) => Ok(response(Reply::empty(405).header("allow", allowed))),
            None => Err(rejection),
        })
    }
}
