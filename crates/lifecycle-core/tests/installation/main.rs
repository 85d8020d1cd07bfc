//! The installation's fold: chosen stories, all short stories with all clocks, and random long ones.

mod clock;
mod exhaustive;
mod random;
mod stories;

use std::time::{Duration, SystemTime};

use lifecycle_core::{Change, EventKind, Installation, Status};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// When all stories begin.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000)
}

/// A change without a version or an actor.
fn change(seq: i64, kind: EventKind, sent: Option<SystemTime>, received: SystemTime) -> Change {
    Change { kind, sent, received, seq, horizon: HOUR, version: None, actor: None }
}

fn fold(changes: &[Change]) -> Option<Installation> {
    changes.iter().fold(None, |state, change| Installation::fold(state, change).0)
}

fn status(changes: &[Change]) -> Option<Status> {
    fold(changes).map(|state| state.status())
}

/// Whether any gate may let the tenant in.
fn is_open(status: Option<Status>) -> bool {
    matches!(status, Some(Status::Enabled | Status::Installed))
}

fn opens(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Enable | EventKind::Install)
}

/// What the kind makes of an installation.
fn made_by(kind: &EventKind) -> Option<Status> {
    status(&[change(1, kind.clone(), None, start())])
}
