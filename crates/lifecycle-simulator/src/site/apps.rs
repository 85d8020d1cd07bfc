//! Apps: the page of one app, its registration, its secret, and what administrators click on it.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::Site;
use super::page::{OrRefuse, Refusal, go, render};
use super::posted::Posted;
use super::view::TenantView;
use crate::app::Registration;
use crate::marketplace::{Perform, Registered, Rotation, SeismicInput};
use crate::problem::Problem;

/// `GET /apps/{app}`.
pub(super) async fn show(State(site): State<Site>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let app = site.marketplace.app(number(&id)).await.or_refuse(&site)?;
    let platform = app.registration.platform();
    let tenants = site.marketplace.tenants(Some(platform)).await.or_refuse(&site)?;
    let installations = site.marketplace.installations(app.id).await.or_refuse(&site)?;
    let deliveries = site.delivery_views(&app, &tenants).await.or_refuse(&site)?;
    let banner = site.last_banner(Some(app.id)).await.or_refuse(&site)?;
    let (template, leads_to) = match &app.registration {
        Registration::Callbacks(_) => ("seismic.html", Vec::new()),
        Registration::Manifest(registered) => {
            // The install button leads to the app's own page, which the policy would stop otherwise.
            let page =
                registered.manifest.install_url.as_deref().and_then(|url| reqwest::Url::parse(url).ok());
            ("scorecard.html", page.iter().map(|url| url.origin().ascii_serialization()).collect())
        }
    };
    let view = match &app.registration {
        Registration::Callbacks(_) => TenantView::seismic,
        Registration::Manifest(_) => TenantView::scorecard,
    };
    let tenants: Vec<TenantView> =
        tenants.into_iter().map(|tenant| view(&app, tenant, &installations)).collect();
    let suggested = crate::marketplace::example().to_string();
    Ok(render(
        &site,
        template,
        json!({"app": app, "tenants": tenants, "deliveries": deliveries, "banner": banner, "suggested": suggested}),
        &leads_to,
    ))
}

/// The fields of an app of Seismic.
#[derive(Deserialize)]
pub(super) struct SeismicForm {
    name: String,
    #[serde(default)]
    app_id: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    install: Option<String>,
    #[serde(default)]
    enable: Option<String>,
    #[serde(default)]
    upgrade: Option<String>,
    #[serde(default)]
    disable: Option<String>,
    #[serde(default)]
    uninstall: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    signing_secret: Option<Zeroizing<String>>,
}

impl From<SeismicForm> for SeismicInput {
    fn from(form: SeismicForm) -> Self {
        Self {
            name: form.name,
            app_id: form.app_id,
            url: form.url,
            urls: [form.install, form.enable, form.upgrade, form.disable, form.uninstall],
            version: form.version,
            secret: form.signing_secret,
        }
    }
}

/// `POST /apps/seismic`.
pub(super) async fn register_seismic(
    State(site): State<Site>,
    Posted(form): Posted<SeismicForm>,
) -> Result<Response, Refusal> {
    let registered = site.marketplace.register_seismic(form.into()).await.or_refuse(&site)?;
    Ok(told_once(&site, &registered, false))
}

#[derive(Deserialize)]
pub(super) struct ManifestForm {
    manifest_url: String,
}

/// `POST /apps/securityscorecard`.
pub(super) async fn register_manifest(
    State(site): State<Site>,
    Posted(form): Posted<ManifestForm>,
) -> Result<Response, Refusal> {
    let app = site.marketplace.register_manifest(&form.manifest_url).await.or_refuse(&site)?;
    Ok(go(&format!("/apps/{}", app.id)))
}

/// `POST /apps/{app}`.
pub(super) async fn change(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(form): Posted<SeismicForm>,
) -> Result<Response, Refusal> {
    let app = site.marketplace.change_seismic(number(&id), form.into()).await.or_refuse(&site)?;
    Ok(go(&format!("/apps/{}", app.id)))
}

/// A form with nothing but its button.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /apps/{app}/manifest`.
pub(super) async fn refresh_manifest(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Refusal> {
    let app = site.marketplace.refresh_manifest(number(&id)).await.or_refuse(&site)?;
    Ok(go(&format!("/apps/{}", app.id)))
}

#[derive(Deserialize)]
pub(super) struct Removal {
    /// A checkbox, so that a slip removes nothing.
    #[serde(default)]
    sure: Option<String>,
}

/// `POST /apps/{app}/remove`.
pub(super) async fn remove(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(removal): Posted<Removal>,
) -> Result<Response, Refusal> {
    if removal.sure.is_none() {
        let problem = Problem::invalid("not-sure", "tick the box to remove the app with all its deliveries");
        return Err(Refusal::new(&site, &problem));
    }
    site.marketplace.remove(number(&id)).await.or_refuse(&site)?;
    Ok(go("/"))
}

/// `POST /apps/{app}/rotation`.
pub(super) async fn rotate(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(rotation): Posted<RotationForm>,
) -> Result<Response, Refusal> {
    let rotation =
        Rotation { window_minutes: rotation.window_minutes, signing_secret: rotation.signing_secret };
    let registered = site.marketplace.rotate(number(&id), rotation).await.or_refuse(&site)?;
    Ok(told_once(&site, &registered, true))
}

#[derive(Deserialize)]
pub(super) struct RotationForm {
    window_minutes: u32,
    #[serde(default)]
    signing_secret: Option<Zeroizing<String>>,
}

/// `POST /apps/{app}/rotation/end`.
pub(super) async fn end_rotation(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Refusal> {
    site.marketplace.end_rotation(number(&id)).await.or_refuse(&site)?;
    Ok(go(&format!("/apps/{}#secret", number(&id))))
}

/// The fields of a click on a tenant.
#[derive(Deserialize)]
pub(super) struct PerformForm {
    action: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    delivery: crate::marketplace::Mode,
}

/// `POST /apps/{app}/tenants/{tenant}`.
pub(super) async fn perform(
    State(site): State<Site>,
    Path((app, tenant)): Path<(String, String)>,
    Posted(form): Posted<PerformForm>,
) -> Result<Response, Refusal> {
    // The field of the version is on the page for an upgrade only, and an install takes the app's version.
    let version = form.version.filter(|_| form.action == "upgrade");
    let perform = Perform { action: form.action, version, delivery: form.delivery };
    let performed =
        site.marketplace.perform(number(&app), number(&tenant), perform).await.or_refuse(&site)?;
    let own_page = || format!("/apps/{}", number(&app));
    Ok(go(&performed.redirect.unwrap_or_else(own_page)))
}

/// The id in a path; what is no number names nothing.
pub(super) fn number(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}

/// The page of the app; before it the page with the secret that was made, which is shown this once.
fn told_once(site: &Site, registered: &Registered, rotated: bool) -> Response {
    let app = &registered.app;
    match &registered.generated {
        Some(secret) => render(
            site,
            "secret.html",
            json!({"app": app, "rotated": rotated, "secret": secret.as_str()}),
            &[],
        ),
        None => go(&format!("/apps/{}", app.id)),
    }
}
