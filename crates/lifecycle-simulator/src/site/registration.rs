//! Registration: the forms that a developer fills in, which come back filled where something is wrong.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::Site;
use super::apps::{again, number};
use super::facts::PlatformFacts;
use super::filled::{Fields, Filled};
use super::page::{OrRefuse, Refusal, go, render};
use super::posted::Posted;
use crate::marketplace::{AppInput, Registered, Rotation};
use crate::platform::Platform;
use crate::problem::Problem;

/// Secrets that were made and are to be shown once, by app.
#[derive(Default)]
pub(super) struct Once(Mutex<HashMap<i64, Made>>);

struct Made {
    secret: Zeroizing<String>,
    by_rotation: bool,
}

impl std::fmt::Debug for Once {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Once")
    }
}

#[derive(Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    platform: Option<String>,
}

impl Chosen {
    fn platform(&self) -> Result<Platform, Problem> {
        match &self.platform {
            Some(name) => Platform::from_name(name).ok_or_else(|| Problem::not_found("platform")),
            None => Ok(Platform::of(&lifecycle_core::seismic::PLATFORM)),
        }
    }
}

/// `GET /register?platform=`.
pub(super) async fn form(
    State(site): State<Site>,
    Query(chosen): Query<Chosen>,
) -> Result<Response, Refusal> {
    let platform = chosen.platform().or_refuse(&site)?;
    filled_form(&site, platform, Filled::default()).await.or_refuse(&site)
}

async fn filled_form(site: &Site, platform: Platform, filled: Filled) -> Result<Response, Problem> {
    let first = site.marketplace.apps().await?.is_empty();
    let mut platforms: Vec<_> =
        Platform::all().map(|other| (other.title(), other.name(), other == platform)).collect();
    platforms.sort_unstable_by_key(|(title, ..)| title.to_lowercase());
    let values = json!({
        "first": first, "platforms": platforms, "platform": PlatformFacts::from(platform), "filled": filled
    });
    Ok(render(site, "register.html", values, &[]))
}

/// `POST /register?platform=`.
pub(super) async fn register(
    State(site): State<Site>,
    Query(chosen): Query<Chosen>,
    Posted(fields, _): Posted<Fields>,
) -> Result<Response, Refusal> {
    let platform = chosen.platform().or_refuse(&site)?;
    let registered = if platform.registers_by_manifest() {
        let url = fields.get("manifest_url").map_or("", |url| url.as_str());
        let app = site.marketplace.register_manifest(url).await;
        app.map(|app| Registered { app, generated: None })
    } else {
        site.marketplace.register(platform, input(&fields)).await
    };
    match registered {
        Ok(registered) => Ok(told(&site, registered, false)),
        Err(problem) => {
            let page = filled_form(&site, platform, Filled::again("register", &fields, &problem)).await;
            Err(Refusal::with(&problem, page.or_refuse(&site)?))
        }
    }
}

/// `POST /apps/{app}`.
pub(super) async fn change(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(fields, _): Posted<Fields>,
) -> Result<Response, Refusal> {
    let id = number(&id);
    match site.marketplace.change(id, input(&fields)).await {
        Ok(app) => Ok(go(&format!("/apps/{}?done=saved", app.id))),
        Err(problem) => Err(again(&site, id, None, "change", &fields, &problem).await),
    }
}

#[derive(Deserialize)]
pub(super) struct RotationForm {
    window_minutes: String,
    #[serde(default)]
    signing_secret: Option<Zeroizing<String>>,
}

/// `POST /apps/{app}/rotation`.
pub(super) async fn rotate(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(form, fields): Posted<RotationForm>,
) -> Result<Response, Refusal> {
    let id = number(&id);
    let rotated = match form.window_minutes.parse() {
        Ok(window_minutes) => {
            let rotation = Rotation { window_minutes, signing_secret: form.signing_secret };
            site.marketplace.rotate(id, rotation).await
        }
        Err(_) => Err(Problem::invalid("window", "the window must be a number of minutes")),
    };
    match rotated {
        Ok(registered) => Ok(told(&site, registered, true)),
        Err(problem) => Err(again(&site, id, None, "rotation", &fields, &problem).await),
    }
}

/// `GET /apps/{app}/secret`: the secret that was made, which is shown this once.
pub(super) async fn told_once(State(site): State<Site>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let app = site.marketplace.app(number(&id)).await.or_refuse(&site)?;
    let made = site.once.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&app.id);
    let secret = made.as_ref().map(|made| made.secret.as_str());
    let by_rotation = made.as_ref().is_some_and(|made| made.by_rotation);
    let platform = PlatformFacts::from(app.platform());
    let values = json!({"app": app, "platform": platform, "rotated": by_rotation, "secret": secret});
    Ok(render(&site, "secret.html", values, &[]))
}

/// The page of the app; before it the page with the secret that was made. Neither registers again when it is reloaded.
fn told(site: &Site, registered: Registered, by_rotation: bool) -> Response {
    let id = registered.app.id;
    match registered.generated {
        Some(secret) => {
            let made = Made { secret, by_rotation };
            site.once.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, made);
            go(&format!("/apps/{id}/secret"))
        }
        None => go(&format!("/apps/{id}?done=saved")),
    }
}

fn input(fields: &Fields) -> AppInput {
    let text = |name: &str| fields.get(name).map(|value| value.to_string());
    let urls = fields
        .iter()
        .filter_map(|(name, url)| Some((name.strip_prefix("url:")?.to_owned(), url.to_string())));
    AppInput {
        name: text("name").unwrap_or_default(),
        app_id: text("app_id"),
        url: text("url"),
        urls: urls.collect(),
        version: text("version"),
        secret: fields.get("signing_secret").cloned(),
    }
}
