//! Installations: one user's installation of an app with a manifest, and the actions it can be used for.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::Site;
use super::apps::number;
use super::filled::Filled;
use super::page::{OrRefuse, Refusal, go, refreshed, render};
use super::posted::Posted;
use crate::installation::Completeness;
use crate::marketplace::{Invocation, example};
use crate::problem::Problem;
use crate::store::Filter;

/// `GET /installations/{installation}`.
pub(super) async fn show(State(site): State<Site>, Path(id): Path<String>) -> Result<Response, Refusal> {
    page(&site, number(&id), &Filled::default()).await.or_refuse(&site)
}

/// The page of an installation, with what is filled in the form of one of its actions.
async fn page(site: &Site, id: i64, filled: &Filled) -> Result<Response, Problem> {
    let installation = site.marketplace.installation(id).await?;
    let app = site.marketplace.app(installation.app).await?;
    let tenant = site.marketplace.tenant(installation.tenant).await?;
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
    let latest = site.marketplace.deliveries(&filter, 1).await?;
    let banner = site.banner_of(&app, &latest).await?;
    let is_waiting = site.marketplace.is_waiting(Some(app.id)).await?;
    let suggested = serde_json::to_string_pretty(&example()).unwrap_or_default();
    let actions = manifest.actions;
    let values = json!({"app": app, "tenant": tenant, "installation": installation, "secrets": secrets, "completeness": completeness, "complete": complete, "banner": banner, "suggested": suggested, "actions": actions, "filled": filled});
    // A form that came back would be lost.
    Ok(refreshed(render(site, "installation.html", values, &[]), is_waiting && filled.is_none()))
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
    Posted(form, fields): Posted<InvocationForm>,
) -> Result<Response, Refusal> {
    let id = number(&id);
    let invoking = async {
        let body = serde_json::from_str(&form.body)
            .map_err(|error| Problem::invalid("body", format!("the body is not JSON: {error}")))?;
        let settings = form.ask == "settings";
        let invocation = Invocation { action: form.action.clone(), settings, body: Some(body) };
        site.marketplace.invoke(id, invocation).await
    };
    match invoking.await {
        Ok(started) => Ok(go(&format!("/deliveries/{}", started.click.unwrap_or_default()))),
        Err(problem) => {
            let page = page(&site, id, &Filled::again(&form.action, &fields, &problem)).await;
            Err(Refusal::with(&problem, page.or_refuse(&site)?))
        }
    }
}
