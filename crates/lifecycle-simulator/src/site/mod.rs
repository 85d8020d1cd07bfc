//! Site: the page for people and the API for scripts, over the same marketplace.

mod api;
mod apps;
mod clicks;
mod completion;
mod deliveries;
mod explain;
mod facts;
mod filled;
mod guard;
mod history;
mod home;
mod installations;
mod page;
mod posted;
mod registration;
mod tenants;
mod text;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};

use crate::marketplace::Marketplace;
use clicks::Clicks;
use page::Pages;
use registration::Once;

/// The most bytes of a form or of a body of the API.
const BODY_CAP: usize = 64 * 1024;

/// What every route works with. Cheap to clone.
#[derive(Clone, Debug)]
struct Site {
    marketplace: Marketplace,
    pages: Arc<Pages>,
    /// Goes into every form, so that no other page can send one.
    form_token: Arc<str>,
    clicks: Arc<Clicks>,
    once: Arc<Once>,
}

/// All routes of a simulator that listens on this address.
pub(crate) fn router(marketplace: Marketplace, address: SocketAddr, form_token: &str) -> Router {
    let pages = Arc::new(Pages::new(address, form_token));
    let (clicks, once) = (Arc::default(), Arc::default());
    let site = Site { marketplace, pages, form_token: form_token.into(), clicks, once };
    Router::new()
        .route("/", get(home::show))
        .route("/register", get(registration::form).post(registration::register))
        .route("/style.css", get(page::style))
        .route("/page.js", get(page::script))
        .route("/favicon.svg", get(page::icon))
        .route("/.well-known/jwks.json", get(facts::key_set))
        .route("/tenants", post(home::add_tenant))
        .route("/tenants/{tenant}/remove", post(home::remove_tenant))
        .route("/apps/installation-data", post(completion::complete))
        .route("/apps/{app}", get(apps::show).post(registration::change))
        .route("/apps/{app}/manifest", post(apps::refresh_manifest))
        .route("/apps/{app}/remove", post(apps::remove))
        .route("/apps/{app}/secret", get(registration::told_once).post(apps::take_secret))
        .route("/apps/{app}/rotation", post(registration::rotate))
        .route("/apps/{app}/rotation/end", post(apps::end_rotation))
        .route("/apps/{app}/handshake", post(apps::handshake))
        .route("/apps/{app}/tenants/{tenant}", post(apps::perform))
        .route("/apps/{app}/tenants/{tenant}/forge", post(apps::forge))
        .route("/deliveries/{delivery}", get(deliveries::show))
        .route("/deliveries/{delivery}/body", get(deliveries::body))
        .route("/deliveries/{delivery}/repeat", post(deliveries::repeat))
        .route("/deliveries/{delivery}/send", post(deliveries::release))
        .route("/installations/{installation}", get(installations::show).post(installations::invoke))
        .route("/api", get(home::api))
        .nest("/api", api::router())
        .fallback(page::missing)
        .layer(DefaultBodyLimit::max(BODY_CAP))
        .layer(middleware::from_fn_with_state(site.clone(), guard::guard))
        .with_state(site)
}
