//! Home: the apps, the tenants, and the way to add one of either.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::Site;
use super::page::{OrRefuse, Refusal, go, render};
use super::posted::Posted;
use crate::platform::Platform;

/// `GET /`.
pub(super) async fn show(State(site): State<Site>) -> Result<Response, Refusal> {
    let apps = site.marketplace.apps().await.or_refuse(&site)?;
    if apps.is_empty() {
        return register(State(site)).await;
    }
    let tenants = site.marketplace.tenants(None).await.or_refuse(&site)?;
    let banner = site.last_banner(None).await.or_refuse(&site)?;
    Ok(render(&site, "home.html", json!({"apps": apps, "tenants": tenants, "banner": banner}), &[]))
}

/// `GET /register`.
pub(super) async fn register(State(site): State<Site>) -> Result<Response, Refusal> {
    let first = site.marketplace.apps().await.or_refuse(&site)?.is_empty();
    Ok(render(&site, "register.html", json!({"first": first}), &[]))
}

#[derive(Deserialize)]
pub(super) struct NewTenant {
    platform: Platform,
    name: String,
    /// The app whose page the form is on.
    #[serde(default)]
    app: Option<i64>,
}

/// `POST /tenants`.
pub(super) async fn add_tenant(
    State(site): State<Site>,
    Posted(new): Posted<NewTenant>,
) -> Result<Response, Refusal> {
    site.marketplace.add_tenant(new.platform, &new.name).await.or_refuse(&site)?;
    Ok(go(&new.app.map_or_else(|| "/".to_owned(), |app| format!("/apps/{app}#tenants"))))
}
