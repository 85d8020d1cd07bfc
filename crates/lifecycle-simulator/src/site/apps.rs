//! Apps: the page of one app, and what administrators click on it.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::Site;
use super::facts::{PlatformFacts, settings};
use super::filled::{Fields, Filled};
use super::history::Asked;
use super::page::{OrRefuse, Refusal, go, refreshed, render};
use super::posted::Posted;
use super::tenants::TenantView;
use crate::app::App;
use crate::forgery::Forgery;
use crate::marketplace::{Mode, Perform, Started};
use crate::problem::Problem;

/// `GET /apps/{app}`.
pub(super) async fn show(
    State(site): State<Site>,
    Path(id): Path<String>,
    asked: Query<Asked>,
) -> Result<Response, Refusal> {
    let app = site.marketplace.app(number(&id)).await.or_refuse(&site)?;
    if let Some(click) = &asked.click {
        site.wait_briefly(number(click)).await.or_refuse(&site)?;
    }
    page(&site, &app, &asked, &Filled::default()).await.or_refuse(&site)
}

/// The page of an app again, with a form of it that could not be taken, and with the click that the form is about.
pub(super) async fn again(
    site: &Site,
    app: i64,
    click: Option<i64>,
    form: &str,
    fields: &Fields,
    problem: &Problem,
) -> Refusal {
    let shown = async {
        let app = site.marketplace.app(app).await?;
        page(site, &app, &Query(Asked::of_click(click)), &Filled::again(form, fields, problem)).await
    };
    match shown.await {
        Ok(page) => Refusal::with(problem, page),
        Err(other) => Refusal::new(site, &other),
    }
}

/// The page of an app, with what is filled in one of its forms.
async fn page(site: &Site, app: &App, asked: &Query<Asked>, filled: &Filled) -> Result<Response, Problem> {
    let platform = app.platform();
    let known = site.marketplace.tenants(Some(platform)).await?;
    let installations = site.marketplace.installations(app.id).await?;
    let history = site.history(app, &known, asked).await?;
    let click = asked.click.as_deref().map(number);
    let mut banner = site.banner(app, click).await?;
    if let Some(banner) = &mut banner {
        banner.focused &= filled.is_none();
    }
    let incomplete = banner.as_ref().and_then(|banner| banner.incomplete(app, &installations));
    let is_waiting = site.marketplace.is_waiting(Some(app.id)).await?;
    let first = known.first().map(|tenant| site.marketplace.tenant_id(tenant));
    let address = site.marketplace.address().to_string();
    let keys = site.marketplace.verifying(app).await?;
    let settings = settings(app, &keys, &address, first.as_deref());
    let tenants: Vec<TenantView> =
        known.into_iter().map(|tenant| TenantView::new(site, app, tenant, &installations)).collect();
    let forgeries: Vec<_> = Forgery::on(platform)
        .map(|forgery| json!({"name": forgery, "title": forgery.title(), "hint": forgery.hint()}))
        .collect();
    let (template, leads_to) = match app.scorecard() {
        None => ("app.html", Vec::new()),
        Some(registered) => {
            // The install button leads to the app's own page, which the policy would stop otherwise.
            let page =
                registered.manifest.install_url.as_deref().and_then(|url| reqwest::Url::parse(url).ok());
            ("scorecard.html", page.iter().map(|url| url.origin().ascii_serialization()).collect())
        }
    };
    let values = json!({
        "app": app, "platform": PlatformFacts::from(platform), "addresses": app.addresses(), "tenants": tenants,
        "history": history, "title": banner.as_ref().map(super::view::Banner::title), "banner": banner, "incomplete": incomplete,
        "settings": settings, "forgeries": forgeries, "filled": filled, "registered": Filled::of(app), "done": asked.done.as_deref().and_then(done),
        "opened_for_click": click.is_some(),
    });
    // A form that came back would be lost.
    Ok(refreshed(render(site, template, values, &leads_to), is_waiting && filled.is_none()))
}

/// A form with nothing but its button.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /apps/{app}/manifest`.
pub(super) async fn refresh_manifest(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(Nothing {}, _): Posted<Nothing>,
) -> Result<Response, Refusal> {
    let app = site.marketplace.refresh_manifest(number(&id)).await.or_refuse(&site)?;
    Ok(go(&format!("/apps/{}?done=manifest", app.id)))
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
    Posted(removal, fields): Posted<Removal>,
) -> Result<Response, Refusal> {
    let id = number(&id);
    if removal.sure.is_none() {
        let problem = Problem::invalid("not-sure", "tick the box to remove the app with all its deliveries");
        return Err(again(&site, id, None, "remove", &fields, &problem).await);
    }
    site.marketplace.remove(id).await.or_refuse(&site)?;
    Ok(go("/"))
}

/// `POST /apps/{app}/rotation/end`.
pub(super) async fn end_rotation(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(Nothing {}, _): Posted<Nothing>,
) -> Result<Response, Refusal> {
    site.marketplace.end_rotation(number(&id)).await.or_refuse(&site)?;
    Ok(go(&format!("/apps/{}?done=rotation-ended", number(&id))))
}

/// The fields of a click on a tenant.
#[derive(Deserialize)]
pub(super) struct PerformForm {
    action: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    delivery: Mode,
    /// The page that the button was on.
    #[serde(default)]
    page: String,
}

/// `POST /apps/{app}/tenants/{tenant}`.
pub(super) async fn perform(
    State(site): State<Site>,
    Path((app, tenant)): Path<(String, String)>,
    Posted(form, fields): Posted<PerformForm>,
) -> Result<Response, Refusal> {
    let (app, tenant) = (number(&app), number(&tenant));
    let click = format!("{} {app} {tenant} {}", form.page, form.action);
    // The field of the version is on the page for an upgrade only, and an install takes the app's version.
    let version = form.version.filter(|_| form.action == "upgrade");
    let silent =
        format!("/apps/{app}?done={}", if form.action == "install" { "installed" } else { "uninstalled" });
    let perform = Perform { action: form.action, version, delivery: form.delivery };
    let marketplace = site.marketplace.clone();
    let act = async move {
        match marketplace.perform(app, tenant, perform).await {
            Ok(started) => Ok(led_to(app, &started, silent)),
            Err(problem) => match marketplace.waiting(app, tenant).filter(|_| problem.code == "busy") {
                Some(waiting) => Ok(format!("/apps/{app}?click={waiting}&done=busy")),
                None => Err(problem),
            },
        }
    };
    match site.once(click, act).await {
        Ok(response) => Ok(response),
        Err(problem) => Err(again(&site, app, None, &format!("tenant-{tenant}"), &fields, &problem).await),
    }
}

#[derive(Deserialize)]
pub(super) struct ForgeForm {
    forgery: Forgery,
    #[serde(default)]
    page: String,
}

/// `POST /apps/{app}/tenants/{tenant}/forge`.
pub(super) async fn forge(
    State(site): State<Site>,
    Path((app, tenant)): Path<(String, String)>,
    Posted(form, _): Posted<ForgeForm>,
) -> Result<Response, Refusal> {
    let (app, tenant) = (number(&app), number(&tenant));
    let click = format!("{} {app} {tenant} {:?}", form.page, form.forgery);
    let forging = async {
        let started = site.marketplace.forge(app, tenant, form.forgery).await?;
        Ok(led_to(app, &started, format!("/apps/{app}")))
    };
    site.once(click, forging).await.or_refuse(&site)
}

#[derive(Deserialize)]
pub(super) struct HandshakeForm {
    #[serde(default)]
    page: String,
}

/// `POST /apps/{app}/handshake`.
pub(super) async fn handshake(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(form, _): Posted<HandshakeForm>,
) -> Result<Response, Refusal> {
    let app = number(&id);
    let trying = async {
        let started = site.marketplace.handshake(app).await?;
        Ok(led_to(app, &started, format!("/apps/{app}")))
    };
    site.once(format!("{} {app} handshake", form.page), trying).await.or_refuse(&site)
}

#[derive(Deserialize)]
pub(super) struct SecretForm {
    signing_secret: Zeroizing<String>,
    /// The delivery that was refused for it.
    delivery: i64,
    #[serde(default)]
    page: String,
}

/// `POST /apps/{app}/secret`: takes the secret that the app has, and sends again what it refused.
pub(super) async fn take_secret(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted(form, fields): Posted<SecretForm>,
) -> Result<Response, Refusal> {
    let app = number(&id);
    let delivery = form.delivery;
    let taking = async {
        site.marketplace.take_secret(app, form.signing_secret).await?;
        let started = site.marketplace.repeat(delivery, 1).await?;
        Ok(led_to(app, &started, format!("/apps/{app}")))
    };
    match site.once(format!("{} {app} {delivery} secret", form.page), taking).await {
        Ok(response) => Ok(response),
        Err(problem) => Err(again(&site, app, Some(delivery), "secret", &fields, &problem).await),
    }
}

/// The page of a click that has been started.
fn led_to(app: i64, started: &Started, silent: String) -> String {
    match (&started.redirect, started.click) {
        (Some(page), _) => page.clone(),
        (None, Some(click)) => format!("/apps/{app}?click={click}"),
        (None, None) => silent,
    }
}

/// What was done: the verdict, where it is one, and in words.
fn done(what: &str) -> Option<(&'static str, &'static str)> {
    const SILENT: &str = "The platform tells the app nothing of it.";
    const DONE: [(&str, &str, &str); 7] = [
        ("busy", "", "This action still waits for its answer. Nothing else was sent."),
        ("installed", "Installed", SILENT),
        ("manifest", "", "The manifest was read again."),
        ("rotation-ended", "", "The window is over: the previous secret signs no more."),
        ("saved", "", "Saved."),
        ("tenant", "", "Added."),
        ("uninstalled", "Uninstalled", SILENT),
    ];
    DONE.iter().find(|(known, ..)| *known == what).map(|(_, label, words)| (*label, *words))
}

/// The id in a path; what is no number names nothing.
pub(super) fn number(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}
