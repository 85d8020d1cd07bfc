//! Installation: the state of an app in a tenant, as a pure fold of the events about it, with guards for their order.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::event::EventKind;
use crate::mark::{self, Mark};
use crate::status::{Status, Transition};
use crate::telemetry;

/// The state of one app in one tenant.
///
/// It follows the times at which events were sent, as far as they are known and plausible, and otherwise the order in which the
/// events arrived. So a late uninstall cannot end a fresh re-install, an upgrade never goes back in time, and enabling before
/// the install is known is defined. Where the order is in doubt, a disable or uninstall wins.
///
/// | event | status | version |
/// | --- | --- | --- |
/// | install | `Installed`; `Enabled` where the platform [activates](Change::activates) by it | the event's, or none |
/// | enable | `Enabled` | the event's, if it names one |
/// | disable | `Disabled` | the event's, if it names one |
/// | uninstall | `Uninstalled`, kept as a tombstone | the event's, if it names one |
/// | upgrade | as it was (`Installed`, if nothing is known) | the event's, if it names one |
/// | other | as it was | as it was |
///
/// Status and version each remember the event that set them, and an older event does not change them. An event that is folded again changes nothing. A *generation* begins with the first event, and with each install,
/// enable or disable that follows an uninstall, or install that follows an enable or disable (its uninstall was missed).
/// Where the platform names installations by an id, the same id is the same generation, and an install or enable of another
/// id begins the next.
///
/// # Which event is older
///
/// | a time | is taken as |
/// | --- | --- |
/// | absent, unreadable, or without an offset from UTC | unknown |
/// | before the year 2000, such as `0001-01-01T00:00:00Z` | unknown |
/// | further ahead of its receipt than [`CLOCK_SKEW`](Self::CLOCK_SKEW) | unknown |
/// | of an earlier event (of sending or receipt), and ahead of a new receipt by more than that | older than all |
/// | any other | known |
///
/// | two events | which is newer |
/// | --- | --- |
/// | both times are known | the later time; at the same time, the later arrival |
/// | one is known, or none | the later arrival |
///
/// An install or enable counts if it is newer than the event that set the status, and *surely* newer than every disable and
/// uninstall: a time of sending is compared with a time of receipt only with a margin. If the time of the close is unknown,
/// the opening must have been sent after the close was received; if that of the opening is unknown, it must have been received
/// later than the close was sent by more than its [`horizon`](Change::horizon). Otherwise the installation is
/// [kept closed](Transition::KeptClosed).
///
/// A disable or uninstall of what is enabled counts unless it is *surely* older than the event that enabled it: it arrived
/// earlier, or both times are known and more than [`CLOCK_SKEW`](Self::CLOCK_SKEW) apart. Where the installation is not
/// enabled anyway, or it is about another installation, it counts if it is newer.
///
/// An installation is replaced when an install of another id counts whose time is known and later than that of the event that
/// set the status. From then on its events are late, whatever their times are, except an install with a still later time.
/// Eight such ids are remembered. An event of any other id is judged by its time: a platform may lose an install, and its
/// uninstall must count.
///
/// What no rule can decide: of two events without a time that arrive in the wrong order, the second counts. A close whose
/// time is wrong, and early by more than the skew, looks like a late one of an installation before. Events that
/// are sent within the skew and arrive in the wrong order end closed, and so does an enable without a time that follows a
/// dated disable within the horizon.
///
/// ```
/// use lifecycle_core::{Change, EventKind, Installation, Status, Transition};
/// use std::time::{Duration, SystemTime};
///
/// let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let change = |seq, kind, sent| {
///     let mut change = Change::of(kind, noon, seq);
///     change.sent = sent;
///     change
/// };
/// let an_hour_before = Some(noon - Duration::from_secs(3_600));
/// let (fresh, _) = Installation::fold(None, &change(1, EventKind::Enable, Some(noon)));
/// let (same, transition) = Installation::fold(fresh, &change(2, EventKind::Uninstall, an_hour_before));
/// assert_eq!(transition, Transition::Late);
///
/// let year_one = SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(62_135_596_800));
/// let (closed, _) = Installation::fold(same, &change(3, EventKind::Disable, year_one));
/// assert_eq!(closed.map(|installation| installation.status()), Some(Status::Disabled));
/// ```
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Installation {
    status: Status,
    version: Option<String>,
    generation: u64,
    last_actor: Option<String>,
    /// When this status began, in Unix milliseconds.
    since: i64,
    status_by: Mark,
    version_by: Mark,
    actor_by: Mark,
    /// The newest disable or uninstall with a known time, and the newest without. Each blocks an install or enable that is not
    /// surely newer; one mark for both would let either hide the other.
    #[serde(default = "Mark::none")]
    closed_told: Mark,
    #[serde(default = "Mark::none")]
    closed_untold: Mark,
    /// Which installation the status is of, where the platform names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The ids of those that an install was seen to replace, the latest last; [`MAX_REPLACED`] at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<String>,
}

/// How many replaced installations are remembered. Events of older ones are judged by their times.
const MAX_REPLACED: usize = 8;

/// What became of a change, as far as the status goes.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Verdict {
    Counts,
    KeptClosed,
    Late,
}

impl Installation {
    /// How far the clocks of a platform and of an app's replicas may differ: 60 s.
    pub const CLOCK_SKEW: Duration = mark::CLOCK_SKEW;

    /// The state after a change; `None` as long as only unknown kinds were seen.
    pub fn fold(current: Option<Self>, change: &Change) -> (Option<Self>, Transition) {
        if !change.kind.is_known() {
            return (current, Transition::Unchanged);
        }
        let mark = Mark::of(change);
        let Some(mut state) = current else {
            return (Some(Self::first(change, mark)), Transition::Applied);
        };
        if state.is_of_a_replaced(change, mark) {
            return (Some(state), Transition::Late);
        }
        let before = (state.status, state.version.clone(), state.generation);
        let is_repeated = [state.status_by.seq, state.actor_by.seq].contains(&mark.seq);
        let verdict = state.set_status(change, mark);
        if verdict == Verdict::KeptClosed {
            telemetry::kept_closed(change, state.status);
        }
        let is_newer = state.set_version(change, mark) | state.set_actor(change, mark);
        let transition = if before != (state.status, state.version.clone(), state.generation) {
            Transition::Applied
        } else if verdict == Verdict::KeptClosed {
            Transition::KeptClosed
        } else if is_newer || is_repeated || verdict == Verdict::Counts {
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

    /// How often the app was installed in the tenant, counted from 1, as far as that was seen.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Since when the status holds: when the event was sent, or else received.
    pub fn since(&self) -> SystemTime {
        mark::time(self.since)
    }

    /// The platform's id of the installation that the status is of, where the platform gives each re-install another one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Who caused the latest event that counted. It may be a person's name or address.
    pub fn last_actor(&self) -> Option<&str> {
        self.last_actor.as_deref()
    }

    fn first(change: &Change, mark: Mark) -> Self {
        let status = status_of(change);
        let mut state = Self {
            status: status.unwrap_or(Status::Installed),
            version: change.version.clone(),
            generation: 1,
            last_actor: change.actor.clone(),
            since: mark.time(),
            // An upgrade shows that there is an installation; its status is left to the next event that sets one.
            status_by: if status.is_some() { mark } else { Mark::NONE },
            version_by: if sets_version(change) { mark } else { Mark::NONE },
            actor_by: mark,
            closed_told: Mark::NONE,
            closed_untold: Mark::NONE,
            // Nor does it show which installation that status is of.
            id: change.installation.clone().filter(|_| status.is_some()),
            replaced: Vec::new(),
        };
        if change.kind.closes() {
            state.note_close(mark);
        }
        state
    }

    /// Whether it is about an installation that was replaced: then it is late, whatever the clocks say, unless it
    /// installs that one again. An unknown id is judged by its time, as the platform may have lost its install.
    fn is_of_a_replaced(&self, change: &Change, mark: Mark) -> bool {
        change.installation.as_ref().is_some_and(|id| self.replaced.contains(id))
            && !self.is_replaced_by(change, mark)
    }

    fn set_status(&mut self, change: &Change, mark: Mark) -> Verdict {
        let Some(status) = status_of(change) else { return Verdict::Late };
        let is_same = self.is_same_installation(change);
        let verdict = if change.kind.closes() {
            self.judge_close(mark, is_same)
        } else {
            self.judge_opening(status, mark, change.horizon)
        };
        if verdict != Verdict::Counts {
            return verdict;
        }
        let replaces = self.is_replaced_by(change, mark);
        self.status_by = mark;
        let is_new = match (is_same, self.status) {
            (Some(true), _) => false,
            (Some(false), _) if !change.kind.closes() => true,
            (_, Status::Uninstalled) => status != Status::Uninstalled,
            (_, Status::Disabled | Status::Enabled) => change.kind == EventKind::Install,
            (_, Status::Installed) => false,
        };
        self.set_installation(change, replaces);
        if is_new {
            self.generation += 1;
        }
        if status != self.status || is_new {
            self.status = status;
            self.since = mark.time();
        }
        verdict
    }

    /// Whether it is about the installation that the status is of, where both name one.
    fn is_same_installation(&self, change: &Change) -> Option<bool> {
        Some(self.id.as_ref()? == change.installation.as_ref()?)
    }

    /// Whether it is an install whose time shows that it replaces the one before. Without times that cannot be known, as a
    /// late install looks the same; then a close of either counts by its arrival.
    fn is_replaced_by(&self, change: &Change, mark: Mark) -> bool {
        change.kind == EventKind::Install && mark.is_told_later_than(&self.status_by.seen_from(&mark))
    }

    /// Of an event that counts.
    fn set_installation(&mut self, change: &Change, replaces: bool) {
        let Some(id) = &change.installation else { return };
        let old = self.id.replace(id.clone()).filter(|old| replaces && old != id);
        self.replaced.retain(|replaced| replaced != id);
        self.replaced.extend(old);
        if self.replaced.len() > MAX_REPLACED {
            self.replaced.remove(0);
        }
    }

    /// A close counts unless an opening is surely newer. Where the installation is not enabled, or the close names another
    /// one, the newer event counts.
    fn judge_close(&mut self, mark: Mark, is_same: Option<bool>) -> Verdict {
        self.note_close(mark);
        let by = self.status_by.seen_from(&mark);
        let counts = if self.status == Status::Enabled && is_same != Some(false) {
            !mark.is_surely_older_than(&by)
        } else {
            mark.is_newer_than(&by)
        };
        if counts { Verdict::Counts } else { Verdict::Late }
    }

    /// An opening counts if it is surely newer than all that closed.
    fn judge_opening(&self, status: Status, mark: Mark, horizon: Duration) -> Verdict {
        if !mark.is_newer_than(&self.status_by.seen_from(&mark)) {
            return Verdict::Late;
        }
        let closes = [self.closed_told, self.closed_untold];
        if closes.iter().all(|close| mark.is_surely_newer_than(&close.seen_from(&mark), horizon)) {
            Verdict::Counts
        } else if status == self.status {
            Verdict::Late
        } else {
            Verdict::KeptClosed
        }
    }

    fn note_close(&mut self, mark: Mark) {
        let newest = if mark.told.is_some() { &mut self.closed_told } else { &mut self.closed_untold };
        if mark.is_newer_than(&newest.seen_from(&mark)) {
            *newest = mark;
        }
    }

    fn set_version(&mut self, change: &Change, mark: Mark) -> bool {
        let sets = sets_version(change) && mark.is_newer_than(&self.version_by.seen_from(&mark));
        if sets {
            self.version.clone_from(&change.version);
            self.version_by = mark;
        }
        sets
    }

    fn set_actor(&mut self, change: &Change, mark: Mark) -> bool {
        let sets = mark.is_newer_than(&self.actor_by.seen_from(&mark));
        if sets {
            self.last_actor.clone_from(&change.actor);
            self.actor_by = mark;
        }
        sets
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

fn status_of(change: &Change) -> Option<Status> {
    match change.kind {
        EventKind::Disable => Some(Status::Disabled),
        EventKind::Enable | EventKind::Install if change.activates => Some(Status::Enabled),
        EventKind::Enable | EventKind::Install => Some(Status::Installed),
        EventKind::Uninstall => Some(Status::Uninstalled),
        EventKind::Other(_) | EventKind::Upgrade => None,
    }
}

/// An install starts from nothing, so it also clears the version.
fn sets_version(change: &Change) -> bool {
    change.version.is_some() || change.kind == EventKind::Install
}
