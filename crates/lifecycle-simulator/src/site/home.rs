//! Home: how each app fares, the tenants, and the way to add one of either.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Site;
use super::apps::{Nothing, again, number};
use super::page::{OrRefuse, Refusal, go, refreshed, render};
use super::posted::Posted;
use super::registration::{self, Chosen};
use super::tenants::TenantView;
use super::view::DeliveryView;
use crate::app::App;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::store::Filter;
use crate::tenant::Tenant;

/// `GET /`.
pub(super) async fn show(State(site): State<Site>, chosen: Query<Chosen>) -> Result<Response, Refusal> {
    let apps = site.marketplace.apps().await.or_refuse(&site)?;
    if apps.is_empty() {
        return registration::form(State(site), chosen).await;
    }
    let tenants = site.marketplace.tenants(None).await.or_refuse(&site)?;
    let mut cards = Vec::new();
    for app in &apps {
        cards.push(card(&site, app, &tenants).await.or_refuse(&site)?);
    }
    let shown: Vec<Value> = tenants
        .iter()
        .filter(|tenant| apps.iter().any(|app| app.platform() == tenant.platform))
        .map(|tenant| json!({"tenant": tenant, "platform": tenant.platform.title(), "is_user": tenant.platform.vendor().is_user}))
        .collect();
    let is_waiting = site.marketplace.is_waiting(None).await.or_refuse(&site)?;
    let page = render(&site, "home.html", json!({"cards": cards, "tenants": shown}), &[]);
    Ok(refreshed(page, is_waiting))
}

/// How one app fares.
async fn card(site: &Site, app: &App, tenants: &[Tenant]) -> Result<Value, Problem> {
    let last = site.marketplace.deliveries(&Filter::of_app(app.id), 1).await?.pop();
    let last = last.map(|delivery| {
        let tenant = tenants.iter().find(|tenant| tenant.id == delivery.tenant);
        DeliveryView::new(delivery, app.platform(), tenant.map_or("", |tenant| &tenant.name))
    });
    let installations = site.marketplace.installations(app.id).await?;
    let installed = tenants
        .iter()
        .filter(|tenant| installations.iter().any(|installation| installation.tenant == tenant.id));
    let mut counts: Vec<(String, usize)> = Vec::new();
    for tenant in installed {
        let view = TenantView::new(site, app, tenant.clone(), &installations);
        match counts.iter_mut().find(|(status, _)| status == view.status()) {
            Some((_, count)) => *count += 1,
            None => counts.push((view.status().to_owned(), 1)),
        }
    }
    counts.sort_unstable();
    let counts: Vec<String> = counts.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let addresses = app.addresses();
    Ok(json!({
        "app": app, "platform": app.platform().title(), "last": last, "counts": counts.join(" · "),
        "address": addresses.first(), "more": addresses.len().saturating_sub(1),
    }))
}

#[derive(Deserialize)]
pub(super) struct NewTenant {
    platform: Platform,
    name: String,
    /// The app whose page the form is on.
    app: i64,
}

/// `POST /tenants`.
pub(super) async fn add_tenant(
    State(site): State<Site>,
    Posted(new, fields): Posted<NewTenant>,
) -> Result<Response, Refusal> {
    match site.marketplace.add_tenant(new.platform, &new.name).await {
        Ok(_) => Ok(go(&format!("/apps/{}?done=tenant#tenants", new.app))),
        Err(problem) => Err(again(&site, new.app, None, "new-tenant", &fields, &problem).await),
    }
}

/// `POST /tenants/{tenant}/remove`.
pub(super) async fn remove_tenant(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(Nothing {}, _): Posted<Nothing>,
) -> Result<Response, Refusal> {
    site.marketplace.remove_tenant(number(&id)).await.or_refuse(&site)?;
    Ok(go("/"))
}

/// `GET /api`: what scripts can do.
pub(super) async fn api(State(site): State<Site>) -> Response {
    render(&site, "api.html", json!({}), &[])
}
