//! Installation: what the platform knows of an app in a tenant, and which actions that allows.

use lifecycle_core::{EventKind, Status};
use serde::Serialize;

use crate::app::App;
use crate::moment::Moment;

/// The platform's own record of an app in a tenant.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Installation {
    pub(crate) id: i64,
    pub(crate) app: i64,
    pub(crate) tenant: i64,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    pub(crate) since: Moment,
    /// The keys of the secrets that are stored for it.
    pub(crate) stored_secrets: Vec<String>,
    /// When the installation data came last, since the last install.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) completed_at: Option<Moment>,
}

/// Whether an installation has the secrets that the manifest requires.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "configuration", rename_all = "kebab-case")]
pub(crate) enum Completeness {
    /// Every required secret is stored.
    Complete,
    /// Data came, but not all that is required now: the user has to install again.
    ReinstallRequired { missing: Vec<String> },
    /// The user has not finished the app's installation page.
    Waiting { missing: Vec<String> },
}

impl Installation {
    /// By the secrets that the manifest declares as required; an app without any is complete.
    pub(crate) fn completeness(&self, app: &App) -> Completeness {
        let Some(registered) = app.scorecard() else { return Completeness::Complete };
        let lacks = |key: &&str| !self.stored_secrets.iter().any(|stored| stored == key);
        let missing: Vec<String> =
            registered.manifest.required_secrets().filter(lacks).map(str::to_owned).collect();
        match (missing.is_empty(), self.completed_at) {
            (true, _) => Completeness::Complete,
            (false, Some(_)) => Completeness::ReinstallRequired { missing },
            (false, None) => Completeness::Waiting { missing },
        }
    }
}

/// The status after an action that went through; an upgrade leaves it as it is.
pub(crate) fn status_after(kind: &EventKind) -> Option<Status> {
    match kind {
        EventKind::Install => Some(Status::Installed),
        EventKind::Enable => Some(Status::Enabled),
        EventKind::Disable => Some(Status::Disabled),
        EventKind::Uninstall => Some(Status::Uninstalled),
        _ => None,
    }
}

/// The status in words.
pub(crate) fn words(status: Option<Status>) -> &'static str {
    match status {
        None => "not installed",
        Some(status) => status.name(),
    }
}
