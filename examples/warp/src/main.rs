//! A complete app on warp that receives the lifecycle callbacks of Seismic and SecurityScorecard.

use bytes::Bytes;
use example_shared::{App, Failure, Limits, Page, Shutdown, serve};
use lifecycle_core::securityscorecard::ActionRequest;
use lifecycle_core::{Delivery, EventKind, TenantKey};
use lifecycle_warp::{action, endpoint, recover, require_enabled, response, verified, verify};
use tokio::net::TcpListener;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::Response;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    example_shared::log();
    let shutdown = Shutdown::on_signal()?; // first of all: a signal may come at any moment
    let app = App::from_env("warp").await?;
    let worker = app.start_worker(shutdown.clone());
    let listener = TcpListener::bind(app.address()).await?;
    app.listening(listener.local_addr()?);
    // In place of `warp::serve`, which leaves it to its clients how many connections they hold, and for how long.
    serve(listener, warp::service(routes(&app)), Limits::SMALL, shutdown).await;
    worker.await?;
    app.close().await;
    Ok(())
}

fn routes(app: &App) -> BoxedFilter<(impl warp::Reply + use<>,)> {
    seismic(app).or(securityscorecard(app)).or(features(app)).or(pages(app)).boxed()
}

fn seismic(app: &App) -> BoxedFilter<(impl warp::Reply + use<>,)> {
    // All five events on one URL, which is what most apps need, ...
    let all = warp::path!("seismic").and(endpoint(app.seismic(), app.handler()));
    // ... or each on the URL that is registered for it.
    let each = EventKind::KNOWN.into_iter().fold(all.boxed(), |routes, kind| {
        let path = warp::path("seismic").and(warp::path(kind.name().to_owned())).and(warp::path::end());
        routes.or(path.and(endpoint(app.seismic_only(kind), app.handler()))).unify().boxed()
    });

    // A route that existed before and takes the body itself; it is only wrapped.
    let receipt = app.clone();
    let existing = warp::body::bytes()
        .and(warp::ext::get::<Delivery>())
        .map(move |body: Bytes, delivery| response(receipt.receipt(&delivery, &body)));
    let wrapped = warp::path!("verified" / "seismic").and(verify(app.seismic(), existing));

    // A route that takes the delivery like any other filter's value.
    let receipt = app.clone();
    let extracted = warp::path!("extracted" / "seismic")
        .and(verified(app.seismic()))
        .map(move |delivery: Delivery| response(receipt.receipt(&delivery, delivery.body())))
        .recover(recover);

    each.or(wrapped).or(extracted).boxed()
}

fn securityscorecard(app: &App) -> BoxedFilter<(impl warp::Reply + use<>,)> {
    // The receiver compares the token, so the path only has to have a place for one.
    let hook = warp::path!("hook" / String).map(drop).untuple_one().or(warp::path!("hook")).unify();
    let hook = hook.and(endpoint(app.hook(), app.handler()));

    let page = app.clone();
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let install = warp::path!("install")
        .and(warp::get())
        .and(query)
        .map(move |query: String| response(page.install_page(&query)));

    let detour = app.clone();
    let connect =
        warp::path!("connect").and(warp::get()).and(query).and(warp::header::optional("cookie")).map(
            move |query: String, cookies: Option<String>| {
                response(detour.connect(&query, &cookies.unwrap_or_default()))
            },
        );

    let notifier = app.clone();
    let notify = warp::path!("actions" / "notify_channel")
        .and(warp::post())
        .and(action())
        .map(move |request: ActionRequest| response(notifier.notify_channel(&request)))
        .recover(recover);

    warp::path("securityscorecard").and(hook.or(install).or(connect).or(notify)).boxed()
}

/// A route that is no callback's: it is there for tenants that have the app enabled.
fn features(app: &App) -> BoxedFilter<(impl warp::Reply + use<>,)> {
    let header = warp::header::optional::<String>;
    let tenant = header("x-app")
        .and(header("x-tenant"))
        .map(|app: Option<String>, tenant: Option<String>| App::tenant(app.as_deref(), tenant.as_deref()));
    let page = app.clone();
    warp::path!("features")
        .and(warp::get())
        .and(require_enabled(app.installation_gate(), tenant))
        .map(move |tenant: TenantKey| response(page.features(&tenant)))
        .recover(recover)
        .boxed()
}

/// The pages that depend on nothing in the request.
fn pages(app: &App) -> BoxedFilter<(Response,)> {
    let app = app.clone();
    warp::get()
        .and(warp::path::full())
        .and_then(move |path: FullPath| {
            let app = app.clone();
            async move {
                let page = Page::ALL.into_iter().find(|(own, _)| *own == path.as_str());
                let (_, page) = page.ok_or_else(warp::reject::not_found)?;
                Ok::<_, warp::Rejection>(response(app.page(page).await))
            }
        })
        .boxed()
}
