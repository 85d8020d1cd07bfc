//! Status and Transition: what an app is in a tenant, and what an event did to that.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an app is in a tenant.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// Switched off: no feature of the app may act for the tenant.
    Disabled,
    /// Switched on.
    Enabled,
    /// Installed and not switched on yet.
    Installed,
    /// Removed.
    Uninstalled,
}

impl Status {
    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Installed => "installed",
            Self::Uninstalled => "uninstalled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a change did to an installation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Transition {
    /// The status or the version is another one now, or a new generation began.
    Applied,
    /// An install or enable that may have been sent before a disable or uninstall: nothing changed but the time. It is
    /// logged, see [`telemetry`](crate::telemetry).
    KeptClosed,
    /// Older than what is known: nothing changed.
    Late,
    /// All was so already, or the kind is not known: nothing changed but the time.
    Unchanged,
}
