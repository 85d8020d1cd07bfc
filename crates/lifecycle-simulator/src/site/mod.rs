//! Site: the page for people and the API for scripts, over the same marketplace.

mod api;
mod apps;
mod completion;
mod deliveries;
mod guard;
mod home;
mod installations;
mod page;
mod posted;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};

use crate::marketplace::Marketplace;
use crate::tenant::random_id;
use page::Pages;

/// The most bytes of a form or of a body of the API.
const BODY_CAP: usize = 64 * 1024;

/// What every route works with. Cheap to clone.
#[derive(Clone, Debug)]
struct Site {
    marketplace: Marketplace,
    pages: Arc<Pages>,
    /// Goes into every form of this run, so that no other page can send one.
    form_token: Arc<str>,
}

/// All routes of a simulator that listens on this address.
pub(crate) fn router(marketplace: Marketplace, address: SocketAddr) -> Router {
    let form_token: Arc<str> = random_id("").into();
    let pages = Arc::new(Pages::new(address, &form_token));
    let site = Site { marketplace, pages, form_token };
    Router::new()
        .route("/", get(home::show))
        .route("/register", get(home::register))
        .route("/style.css", get(page::style))
        .route("/favicon.svg", get(page::icon))
        .route("/tenants", post(home::add_tenant))
        .route("/apps/seismic", post(apps::register_seismic))
        .route("/apps/securityscorecard", post(apps::register_manifest))
        .route("/apps/installation-data", post(completion::complete))
        .route("/apps/{app}", get(apps::show).post(apps::change))
        .route("/apps/{app}/manifest", post(apps::refresh_manifest))
        .route("/apps/{app}/remove", post(apps::remove))
        .route("/apps/{app}/rotation", post(apps::rotate))
        .route("/apps/{app}/rotation/end", post(apps::end_rotation))
        .route("/apps/{app}/tenants/{tenant}", post(apps::perform))
        .route("/deliveries/{delivery}", get(deliveries::show))
        .route("/deliveries/{delivery}/repeat", post(deliveries::repeat))
        .route("/deliveries/{delivery}/send", post(deliveries::release))
        .route("/installations/{installation}", get(installations::show).post(installations::invoke))
        .nest("/api", api::router())
        .fallback(page::missing)
        .layer(DefaultBodyLimit::max(BODY_CAP))
        .layer(middleware::from_fn_with_state(site.clone(), guard::guard))
        .with_state(site)
}
