//! Installation: the state of an app in a tenant, as a pure fold of the events about it, with guards for their order.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::delivery::Delivery;
use crate::event::EventKind;
use crate::idempotency::IdempotencyKey;

/// The state of one app in one tenant.
///
/// It follows the time at which events were sent, not the order in which they arrive: for any order, and with any
/// duplicates, it ends as the latest events say. So a late uninstall cannot end a fresh re-install, an upgrade never
/// goes back in time, and enabling before the install is known is defined.
///
/// | event | status | version |
/// | --- | --- | --- |
/// | install | `Installed` | the event's, or none |
/// | enable | `Enabled` | the event's, if it names one |
/// | disable | `Disabled` | the event's, if it names one |
/// | uninstall | `Uninstalled`, kept as a tombstone | the event's, if it names one |
/// | upgrade | as it was (`Installed`, if nothing is known) | the event's, if it names one |
/// | other | as it was | as it was |
///
/// Status and version each keep the time of the event that set them, and an event older than that does not count for
/// it. Events of the same time count in the order of arrival, once each. A *generation* begins with the first event, and
/// with each install, enable or disable that follows an uninstall, or install that follows an enable or disable
/// (its uninstall was missed).
///
/// ```
/// use lifecycle_core::{Change, EventKind, IdempotencyKey, Installation, Status, Transition};
/// use std::time::{Duration, UNIX_EPOCH};
///
/// let change = |kind, second: u8| Change {
///     kind,
///     at: UNIX_EPOCH + Duration::from_secs(second.into()),
///     version: Some("1.0.0".to_owned()),
///     actor: None,
///     key: IdempotencyKey::from_bytes([second; 32]),
/// };
/// let (fresh, _) = Installation::fold(None, &change(EventKind::Install, 30));
/// let (same, transition) = Installation::fold(fresh, &change(EventKind::Uninstall, 20));
/// assert_eq!(transition, Transition::Late);
/// assert_eq!(same.map(|installation| installation.status()), Some(Status::Installed));
/// ```
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Installation {
    status: Status,
    version: Option<String>,
    generation: u64,
    last_actor: Option<String>,
    /// When this status began, in Unix milliseconds.
    since: i64,
    status_by: Latest,
    version_by: Latest,
    actor_by: Latest,
}

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
    /// Older than what is known: nothing changed.
    Late,
    /// All was so already, or the kind is not known: nothing changed but the time.
    Unchanged,
}

/// An event, as far as it can change an installation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What happened.
    pub kind: EventKind,
    /// When it was sent; where the platform does not say, when it was received.
    pub at: SystemTime,
    /// The version that the event names.
    pub version: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// Tells duplicates apart from other events of the same time.
    pub key: IdempotencyKey,
}

impl From<&Delivery> for Change {
    fn from(delivery: &Delivery) -> Self {
        let event = delivery.event();
        Self {
            kind: event.kind().clone(),
            at: event.sent_time().unwrap_or(delivery.received_at()),
            version: event.version().map(str::to_owned),
            actor: event.actor().map(str::to_owned),
            key: delivery.idempotency_key(),
        }
    }
}

impl Installation {
    /// The state after a change; `None` as long as only unknown kinds were seen.
    pub fn fold(current: Option<Self>, change: &Change) -> (Option<Self>, Transition) {
        if !change.kind.is_known() {
            return (current, Transition::Unchanged);
        }
        let at = millis(change.at);
        let Some(mut state) = current else {
            return (Some(Self::first(change, at)), Transition::Applied);
        };
        let before = (state.status, state.version.clone(), state.generation);
        let repeated = state.actor_by.knows(change, at) || state.status_by.knows(change, at);
        let in_time =
            state.set_status(change, at) | state.set_version(change, at) | state.set_actor(change, at);
        let transition = if before != (state.status, state.version.clone(), state.generation) {
            Transition::Applied
        } else if in_time || repeated {
            Transition::Unchanged
        } else {
            Transition::Late
        };
        (Some(state), transition)
    }

    /// What the app is in the tenant.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The version that the latest event named.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// How often the app began anew in the tenant, counted from 1 as far as it was seen.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Since when the status holds.
    pub fn since(&self) -> SystemTime {
        time(self.since)
    }

    /// Who caused the latest event that counted. It may be a person's name or address.
    pub fn last_actor(&self) -> Option<&str> {
        self.last_actor.as_deref()
    }

    fn first(change: &Change, at: i64) -> Self {
        let status = status_of(&change.kind);
        let latest = Latest { at, keys: vec![change.key] };
        Self {
            status: status.unwrap_or(Status::Installed),
            version: change.version.clone(),
            generation: 1,
            last_actor: change.actor.clone(),
            since: at,
            // An upgrade tells that there is an installation, and leaves its status to any event that tells it.
            status_by: if status.is_some() { latest.clone() } else { Latest::NONE },
            version_by: if sets_version(change) { latest.clone() } else { Latest::NONE },
            actor_by: latest,
        }
    }

    fn set_status(&mut self, change: &Change, at: i64) -> bool {
        let Some(status) = status_of(&change.kind) else { return false };
        if !self.status_by.takes(change, at) {
            return false;
        }
        let anew = match self.status {
            Status::Uninstalled => status != Status::Uninstalled,
            Status::Disabled | Status::Enabled => status == Status::Installed,
            Status::Installed => false,
        };
        if anew {
            self.generation += 1;
        }
        if status != self.status || anew {
            self.status = status;
            self.since = at;
        }
        true
    }

    fn set_version(&mut self, change: &Change, at: i64) -> bool {
        let sets = sets_version(change) && self.version_by.takes(change, at);
        if sets {
            self.version.clone_from(&change.version);
        }
        sets
    }

    fn set_actor(&mut self, change: &Change, at: i64) -> bool {
        let sets = self.actor_by.takes(change, at);
        if sets {
            self.last_actor.clone_from(&change.actor);
        }
        sets
    }
}

/// The latest changes that counted for one member: their time, and their keys, to tell a duplicate from another change
/// of the same time.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
struct Latest {
    at: i64,
    keys: Vec<IdempotencyKey>,
}

impl Latest {
    const NONE: Self = Self { at: i64::MIN, keys: Vec::new() };

    fn takes(&mut self, change: &Change, at: i64) -> bool {
        if at < self.at || self.knows(change, at) {
            return false;
        }
        if at > self.at {
            self.at = at;
            self.keys.clear();
        }
        self.keys.push(change.key);
        true
    }

    fn knows(&self, change: &Change, at: i64) -> bool {
        at == self.at && self.keys.contains(&change.key)
    }
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installation")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

fn status_of(kind: &EventKind) -> Option<Status> {
    match kind {
        EventKind::Disable => Some(Status::Disabled),
        EventKind::Enable => Some(Status::Enabled),
        EventKind::Install => Some(Status::Installed),
        EventKind::Uninstall => Some(Status::Uninstalled),
        EventKind::Other(_) | EventKind::Upgrade => None,
    }
}

/// An install begins anew, so it also says that no version is known.
fn sets_version(change: &Change) -> bool {
    change.version.is_some() || change.kind == EventKind::Install
}

fn millis(time: SystemTime) -> i64 {
    let clamp = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => clamp(after),
        Err(before) => -clamp(before.duration()),
    }
}

fn time(millis: i64) -> SystemTime {
    let distance = Duration::from_millis(millis.unsigned_abs());
    let time = if millis < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    time.unwrap_or(UNIX_EPOCH)
}
