//! Tenants: what their cards show, and what their administrators can do now.

use lifecycle_core::{EventKind, Status};
use serde::Serialize;

use super::Site;
use crate::app::App;
use crate::headline::{Tone, event};
use crate::installation::{Completeness, Installation, words};
use crate::tenant::Tenant;
use crate::version::Version;

/// A tenant with what its administrator can do now.
#[derive(Debug, Serialize)]
pub(super) struct TenantView {
    tenant: Tenant,
    /// The platform's id of it.
    tenant_id: String,
    status: String,
    tone: Tone,
    version: Option<String>,
    /// The actions with a button; an upgrade to a version has a field of its own.
    actions: Vec<Action>,
    /// The version that an upgrade is likely to go to, if there can be one.
    upgrade_to: Option<String>,
    /// Of an app with a manifest.
    installation: Option<i64>,
    note: Option<String>,
    /// Whether an action waits for its answer: the platform takes one at a time.
    waiting: bool,
}

/// A button.
#[derive(Debug, Serialize)]
struct Action {
    name: String,
    title: String,
    class: &'static str,
    /// Whether the platform tells the app of it.
    told: bool,
}

impl TenantView {
    pub(super) fn new(site: &Site, app: &App, tenant: Tenant, installations: &[Installation]) -> Self {
        let installation = installations.iter().find(|installation| installation.tenant == tenant.id);
        if app.callbacks().is_some() {
            Self::with_callbacks(site, app, tenant, installation)
        } else {
            Self::with_manifest(site, app, tenant, installation)
        }
    }

    /// In a word or two, for the card of the app.
    pub(super) fn status(&self) -> &str {
        &self.status
    }

    fn with_callbacks(site: &Site, app: &App, tenant: Tenant, installation: Option<&Installation>) -> Self {
        let platform = app.platform();
        let status = installation.map(|installation| installation.status);
        let version = installation.and_then(|installation| installation.version.clone());
        let has_versions = platform.vendor().has_versions;
        let registered = app.callbacks().and_then(|registered| Version::parse(&registered.version));
        let events = platform.events();
        let upgrades = has_versions && events.contains(&"upgrade");
        let upgrade_to = (upgrades && platform.allows(status, &EventKind::Upgrade)).then(|| {
            let next = version.as_deref().and_then(Version::parse).map(Version::next);
            registered.max(next).map(|version| version.to_string()).unwrap_or_default()
        });
        // Every platform can install and uninstall, whether or not it tells of it.
        let silent = ["install", "uninstall"].into_iter().filter(|name| !events.contains(name));
        let mut names: Vec<&str> = events.iter().copied().chain(silent).collect();
        names.retain(|name| !(upgrades && *name == "upgrade"));
        let actions = names.into_iter().filter_map(|name| {
            let kind = platform.kind(name).filter(|kind| platform.allows(status, kind))?;
            let class = match kind {
                EventKind::Install | EventKind::Enable => "primary",
                EventKind::Uninstall => "danger",
                _ => "",
            };
            Some(Action { name: name.to_owned(), title: event(name), class, told: events.contains(&name) })
        });
        Self {
            status: words(status).to_owned(),
            tone: tone(status),
            version: version.filter(|_| has_versions && status != Some(Status::Uninstalled)),
            actions: actions.collect(),
            upgrade_to,
            installation: None,
            note: None,
            waiting: site.marketplace.waiting(app.id, tenant.id).is_some(),
            tenant_id: site.marketplace.tenant_id(&tenant),
            tenant,
        }
    }

    fn with_manifest(site: &Site, app: &App, tenant: Tenant, installation: Option<&Installation>) -> Self {
        let installed = installation.filter(|installation| installation.status != Status::Uninstalled);
        let button = |name: &str, title: &str, class| Action {
            name: name.to_owned(),
            title: title.to_owned(),
            class,
            told: name == "install",
        };
        let (status, tone, note) = match installed.map(|installation| installation.completeness(app)) {
            None => (words(installation.map(|installation| installation.status)), Tone::Idle, None),
            Some(Completeness::Complete) => ("complete", Tone::Good, None),
            Some(Completeness::ReinstallRequired { missing }) => {
                ("re-install required", Tone::Bad, Some(missing))
            }
            Some(Completeness::Waiting { missing }) => {
                ("waiting for the app's page", Tone::Idle, Some(missing))
            }
        };
        let mut actions = Vec::new();
        let reopened =
            installed.filter(|installation| note.is_some() && site.marketplace.can_reopen(installation.id));
        if reopened.is_some() {
            actions.push(button("reopen", "Open the app's installation page again", "primary"));
        }
        let install = if installed.is_some() { "Install again" } else { "Install" };
        actions.push(button("install", install, if installed.is_some() { "" } else { "primary" }));
        if installed.is_some() {
            actions.push(button("uninstall", "Uninstall", "danger"));
        }
        Self {
            status: status.to_owned(),
            tone,
            version: None,
            actions,
            upgrade_to: None,
            installation: installed.map(|installation| installation.id),
            note: note.map(|missing| format!("Missing: {}", missing.join(", "))),
            waiting: site.marketplace.waiting(app.id, tenant.id).is_some(),
            tenant_id: tenant.tenant_id.clone(),
            tenant,
        }
    }
}

fn tone(status: Option<Status>) -> Tone {
    match status {
        Some(Status::Enabled) => Tone::Good,
        _ => Tone::Idle,
    }
}
