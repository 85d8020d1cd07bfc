//! Installations: one user's installation of an app with a manifest, and the actions it can be used for.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::Site;
use super::apps::number;
use super::page::{OrRefuse, Refusal, go, refreshed, render};
use super::posted::Posted;
use crate::installation::Completeness;
use crate::marketplace::{Invocation, example};
use crate::problem::Problem;
use crate::store::Filter;

/// `GET /installations/{installation}`.
pub(super) async fn show(State(site): State<Site>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let installation = site.marketplace.installation(number(&id)).await.or_refuse(&site)?;
    let app = site.marketplace.app(installation.app).await.or_refuse(&site)?;
    let tenant = site.marketplace.tenant(installation.tenant).await.or_refuse(&site)?;
    let manifest = app.scorecard().map(|registered| registered.manifest.clone()).unwrap_or_default();
    let secrets: Vec<_> = manifest
        .secrets
        .iter()
        .map(|secret| {
            let stored = installation.stored_secrets.contains(&secret.key);
            json!({"key": secret.key, "description": secret.description, "required": secret.value_required, "stored": stored})
        })
        .collect();
    let completeness = installation.completeness(&app);
    let complete = completeness == Completeness::Complete;
    let filter = Filter { tenant: Some(tenant.id), ..Filter::of_app(app.id) };
    let latest = site.marketplace.deliveries(&filter, 1).await.or_refuse(&site)?;
    let banner = site.banner_of(&app, &latest).await.or_refuse(&site)?;
    let is_waiting = site.is_waiting(&filter).await.or_refuse(&site)?;
    let suggested = serde_json::to_string_pretty(&example()).unwrap_or_default();
    let actions = manifest.actions;
    let values = json!({"app": app, "tenant": tenant, "installation": installation, "secrets": secrets, "completeness": completeness, "complete": complete, "banner": banner, "suggested": suggested, "actions": actions});
    Ok(refreshed(render(&site, "installation.html", values, &[]), is_waiting))
}

#[derive(Deserialize)]
pub(super) struct InvocationForm {
    action: String,
    #[serde(default)]
    ask: String,
    body: String,
}

/// `POST /installations/{installation}`.
pub(super) async fn invoke(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(form): Posted<InvocationForm>,
) -> Result<Response, Refusal> {
    let body = serde_json::from_str(&form.body)
        .map_err(|error| Problem::invalid("body", format!("the body is not JSON: {error}")))
        .or_refuse(&site)?;
    let invocation = Invocation { action: form.action, settings: form.ask == "settings", body: Some(body) };
    let started = site.marketplace.invoke(number(&id), invocation).await.or_refuse(&site)?;
    Ok(go(&format!("/deliveries/{}", started.click.unwrap_or_default())))
}
