//! Apps in the API.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::deliveries::Told;
use super::{Answer, Creation, Input, number};
use crate::app::App;
use crate::forgery::Forgery;
use crate::installation::{Completeness, Installation};
use crate::marketplace::{AppInput, Mode, Perform, Registered, Rotation};
use crate::platform::Platform;
use crate::problem::Problem;
use crate::site::Site;

pub(super) async fn list(State(site): State<Site>) -> Answer<Vec<App>> {
    Ok(Json(site.marketplace.apps().await?))
}

pub(super) async fn show(State(site): State<Site>, Path(id): Path<String>) -> Answer<App> {
    Ok(Json(site.marketplace.app(number(&id)).await?))
}

/// An app to register: its callback URLs, or its manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    platform: Platform,
    #[serde(default)]
    manifest_url: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    app_id: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    urls: BTreeMap<String, String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    signing_secret: Option<Zeroizing<String>>,
}

/// What can be changed of an app.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Change {
    name: String,
    url: Option<String>,
    urls: BTreeMap<String, String>,
    version: Option<String>,
}

/// An app, and the secret that was made for it: the one time it is told.
#[derive(Serialize)]
pub(super) struct Created {
    #[serde(flatten)]
    app: App,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<Zeroizing<String>>,
}

impl From<Registered> for Created {
    fn from(registered: Registered) -> Self {
        Self { app: registered.app, signing_secret: registered.generated }
    }
}

pub(super) async fn register(State(site): State<Site>, Input(new): Input<New>) -> Creation<Created> {
    if new.platform.registers_by_manifest() {
        let app = site.marketplace.register_manifest(&new.manifest_url.unwrap_or_default()).await?;
        return Ok((StatusCode::CREATED, Json(Created { app, signing_secret: None })));
    }
    let New { platform, name, app_id, url, urls, version, signing_secret: secret, .. } = new;
    let input = AppInput { name, app_id, url, urls, version, secret };
    let registered = site.marketplace.register(platform, input).await?;
    Ok((StatusCode::CREATED, Json(registered.into())))
}

pub(super) async fn change(
    State(site): State<Site>,
    Path(id): Path<String>,
    Input(Change { name, url, urls, version }): Input<Change>,
) -> Answer<App> {
    let input = AppInput { name, url, urls, version, ..AppInput::default() };
    Ok(Json(site.marketplace.change(number(&id), input).await?))
}

/// What is sent to an app to fool it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attempt {
    tenant: i64,
    forgery: Forgery,
}

pub(super) async fn forge(
    State(site): State<Site>,
    Path(id): Path<String>,
    Input(attempt): Input<Attempt>,
) -> Answer<Vec<Told>> {
    let started = site.marketplace.forge(number(&id), attempt.tenant, attempt.forgery).await?;
    Ok(Json(site.told(started.finished().await?).await?))
}

pub(super) async fn handshake(State(site): State<Site>, Path(id): Path<String>) -> Answer<Vec<Told>> {
    let started = site.marketplace.handshake(number(&id)).await?;
    Ok(Json(site.told(started.finished().await?).await?))
}

pub(super) async fn remove(State(site): State<Site>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    site.marketplace.remove(number(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn refresh_manifest(State(site): State<Site>, Path(id): Path<String>) -> Answer<App> {
    Ok(Json(site.marketplace.refresh_manifest(number(&id)).await?))
}

pub(super) async fn rotate(
    State(site): State<Site>,
    Path(id): Path<String>,
    Input(rotation): Input<Rotation>,
) -> Answer<Created> {
    Ok(Json(site.marketplace.rotate(number(&id), rotation).await?.into()))
}

pub(super) async fn end_rotation(State(site): State<Site>, Path(id): Path<String>) -> Answer<App> {
    site.marketplace.end_rotation(number(&id)).await?;
    Ok(Json(site.marketplace.app(number(&id)).await?))
}

/// An installation, and whether its configuration is complete.
#[derive(Serialize)]
pub(super) struct Installed {
    #[serde(flatten)]
    installation: Installation,
    #[serde(flatten)]
    completeness: Completeness,
}

impl Installed {
    pub(super) fn new(app: &App, installation: Installation) -> Self {
        Self { completeness: installation.completeness(app), installation }
    }
}

pub(super) async fn installations(
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Answer<Vec<Installed>> {
    let app = site.marketplace.app(number(&id)).await?;
    let installations = site.marketplace.installations(app.id).await?;
    Ok(Json(installations.into_iter().map(|installation| Installed::new(&app, installation)).collect()))
}

/// What an administrator does.
#[expect(clippy::struct_field_names, reason = "the field is named as on the page")]
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    tenant: i64,
    action: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    delivery: Mode,
}

/// What came of it.
#[derive(Serialize)]
pub(super) struct Done {
    deliveries: Vec<Told>,
    /// Where the browser is sent next.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    installation: Option<Installed>,
}

pub(super) async fn perform(
    State(site): State<Site>,
    Path(id): Path<String>,
    Input(action): Input<Action>,
) -> Answer<Done> {
    let (id, tenant) = (number(&id), action.tenant);
    let perform = Perform { action: action.action, version: action.version, delivery: action.delivery };
    let started = site.marketplace.perform(id, tenant, perform).await?;
    let redirect = started.redirect.clone();
    let deliveries = started.finished().await?;
    let app = site.marketplace.app(id).await?;
    let mut installations = site.marketplace.installations(id).await?.into_iter();
    let installation = installations.find(|installation| installation.tenant == tenant);
    Ok(Json(Done {
        deliveries: site.told(deliveries).await?,
        redirect,
        installation: installation.map(|installation| Installed::new(&app, installation)),
    }))
}
