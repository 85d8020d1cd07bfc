//! Apps in the API.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::deliveries::Told;
use super::{Answer, Creation, Input, number};
use crate::app::App;
use crate::installation::{Completeness, Installation};
use crate::marketplace::{Mode, Perform, Registered, Rotation, SeismicInput};
use crate::problem::Problem;
use crate::site::Site;

pub(super) async fn list(State(site): State<Site>) -> Answer<Vec<App>> {
    Ok(Json(site.marketplace.apps().await?))
}

pub(super) async fn show(State(site): State<Site>, Path(id): Path<String>) -> Answer<App> {
    Ok(Json(site.marketplace.app(number(&id)).await?))
}

/// An app to register.
#[derive(Deserialize)]
#[serde(tag = "platform")]
pub(super) enum New {
    #[serde(rename = "seismic")]
    Callbacks(Box<Seismic>),
    #[serde(rename = "securityscorecard")]
    Manifest { manifest_url: String },
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Seismic {
    name: String,
    app_id: Option<String>,
    url: Option<String>,
    urls: Urls,
    version: Option<String>,
    signing_secret: Option<Zeroizing<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Urls {
    install: Option<String>,
    enable: Option<String>,
    upgrade: Option<String>,
    disable: Option<String>,
    uninstall: Option<String>,
}

impl From<Seismic> for SeismicInput {
    fn from(new: Seismic) -> Self {
        let Urls { install, enable, upgrade, disable, uninstall } = new.urls;
        Self {
            name: new.name,
            app_id: new.app_id,
            url: new.url,
            urls: [install, enable, upgrade, disable, uninstall],
            version: new.version,
            secret: new.signing_secret,
        }
    }
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
    match new {
        New::Callbacks(new) => {
            let registered = site.marketplace.register_seismic((*new).into()).await?;
            Ok((StatusCode::CREATED, Json(registered.into())))
        }
        New::Manifest { manifest_url } => {
            let app = site.marketplace.register_manifest(&manifest_url).await?;
            Ok((StatusCode::CREATED, Json(Created { app, signing_secret: None })))
        }
    }
}

pub(super) async fn change(
    State(site): State<Site>,
    Path(id): Path<String>,
    Input(change): Input<Seismic>,
) -> Answer<App> {
    if change.app_id.is_some() || change.signing_secret.is_some() {
        return Err(Problem::invalid(
            "fixed",
            "the app id is fixed, and the secret is changed by a rotation",
        ));
    }
    Ok(Json(site.marketplace.change_seismic(number(&id), change.into()).await?))
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
    let performed = site.marketplace.perform(id, tenant, perform).await?;
    let app = site.marketplace.app(id).await?;
    let mut installations = site.marketplace.installations(id).await?.into_iter();
    let installation = installations.find(|installation| installation.tenant == tenant);
    Ok(Json(Done {
        deliveries: site.told(performed.deliveries).await?,
        redirect: performed.redirect,
        installation: installation.map(|installation| Installed::new(&app, installation)),
    }))
}
