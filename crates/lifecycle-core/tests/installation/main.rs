//! The installation's fold: chosen stories, all short stories with all clocks, and random long ones.

mod clock;
mod exhaustive;
mod ids;
mod platforms;
mod random;
mod setting;
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

/// A change without an installation's id, a version or an actor, of a platform that activates by an enable.
fn change(seq: i64, kind: EventKind, sent: Option<SystemTime>, received: SystemTime) -> Change {
    with(Change::of(kind, received, seq), |change| {
        change.sent = sent;
        change.horizon = HOUR;
    })
}

/// The change with other members.
fn with(mut change: Change, set: impl FnOnce(&mut Change)) -> Change {
    set(&mut change);
    change
}

fn fold(changes: &[Change]) -> Option<Installation> {
    changes.iter().fold(None, |state, change| Installation::fold(state, change).0)
}

fn status(changes: &[Change]) -> Option<Status> {
    fold(changes).map(|state| state.status())
}

/// Whether a gate lets the tenant in.
fn is_open(status: Option<Status>) -> bool {
    status == Some(Status::Enabled)
}

fn opens(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Enable | EventKind::Install)
}
