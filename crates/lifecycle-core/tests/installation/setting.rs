//! Setting: what a platform tells, and how long it may try.

use std::time::Duration;

use lifecycle_core::{Activation, Change, EventKind, Status};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) activation: Activation,
    pub(crate) tells_ids: bool,
    pub(crate) horizon: Duration,
}

impl Setting {
    /// Platforms that block after 3 s and such as may try for a day and a half, with each activation, with and without ids.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for horizon in [Duration::from_secs(63), Duration::from_secs(36 * 3_600)] {
            for activation in [Activation::OnEnable, Activation::OnInstall] {
                for tells_ids in [false, true] {
                    all.push(Self { activation, tells_ids, horizon });
                }
            }
        }
        all
    }

    /// The change, as this platform tells it of an installation with this id.
    pub(crate) fn tell(self, mut change: Change, id: usize) -> Change {
        change.horizon = self.horizon;
        change.activates = self.end(&change.kind) == Some(Status::Enabled);
        change.installation = self.tells_ids.then(|| id.to_string());
        change
    }

    /// What this kind makes of an installation.
    pub(crate) fn end(self, kind: &EventKind) -> Option<Status> {
        match kind {
            EventKind::Disable => Some(Status::Disabled),
            EventKind::Enable => Some(Status::Enabled),
            EventKind::Install if self.activation == Activation::OnInstall => Some(Status::Enabled),
            EventKind::Install => Some(Status::Installed),
            EventKind::Uninstall => Some(Status::Uninstalled),
            _ => None,
        }
    }
}
