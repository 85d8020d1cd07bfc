//! Mark: which event set a member of an installation, and which of two events came first.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::freshness;

/// How wrong a clock may be: the platform's, and those of an app's replicas.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// [`CLOCK_SKEW`] in milliseconds.
const SKEW: i64 = 60_000;

/// When an event was sent and received, in Unix milliseconds, and its place in the order of arrival.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Mark {
    /// A mark that was stored without this number is older than all that have one.
    #[serde(default = "before_all")]
    pub(crate) seq: i64,
    /// When it was sent, where that is known and plausible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) told: Option<i64>,
    #[serde(alias = "at")]
    pub(crate) received: i64,
}

impl Mark {
    /// Older than every event.
    pub(crate) const NONE: Self = Self { seq: i64::MIN, told: None, received: i64::MIN };

    /// For what was stored without one.
    pub(crate) fn none() -> Self {
        Self::NONE
    }

    /// The mark of a change. An implausible time is taken as unknown: one before the year 2000, or further ahead of the receipt
    /// than [`CLOCK_SKEW`].
    pub(crate) fn of(change: &Change) -> Self {
        let received = millis(change.received);
        let told = change.sent.filter(|sent| !freshness::is_before_all_platforms(*sent)).map(millis);
        let told = told.filter(|told| *told <= received.saturating_add(SKEW));
        Self { seq: change.seq, told, received }
    }

    /// When it was sent; where that is unknown, when it was received. In Unix milliseconds.
    pub(crate) fn time(&self) -> i64 {
        self.told.unwrap_or(self.received)
    }

    /// This mark, for a comparison with an event that has just arrived. If that arrived later and this mark's time is still
    /// ahead, a clock was wrong, and the time means nothing.
    pub(crate) fn seen_from(self, event: &Self) -> Self {
        let is_ahead = self.time() > event.received.saturating_add(SKEW);
        if event.seq > self.seq && is_ahead { Self { told: None, received: i64::MIN, ..self } } else { self }
    }

    /// By the times of sending, where both are known; otherwise by the order of arrival.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        match (self.told, other.told) {
            (Some(own), Some(others)) => (own, self.seq) > (others, other.seq),
            _ => self.seq > other.seq,
        }
    }

    /// By the times of sending, where both are known.
    pub(crate) fn is_told_later_than(&self, other: &Self) -> bool {
        matches!((self.told, other.told), (Some(own), Some(others)) if own > others)
    }

    /// Beyond doubt: a time of sending is compared with a time of receipt only with a margin.
    pub(crate) fn is_surely_newer_than(&self, other: &Self, horizon: Duration) -> bool {
        self.is_newer_than(other)
            && match (self.told, other.told) {
                (Some(told), None) => told >= other.received,
                (None, Some(told)) => self.received.saturating_sub(as_millis(horizon)) >= told,
                _ => true,
            }
    }

    /// Beyond doubt.
    pub(crate) fn is_surely_older_than(&self, other: &Self) -> bool {
        if self.seq < other.seq {
            return !self.is_newer_than(other);
        }
        match (self.told, other.told) {
            (Some(own), Some(others)) => own.saturating_add(SKEW) < others,
            _ => false,
        }
    }
}

fn before_all() -> i64 {
    Mark::NONE.seq
}

/// The time that is so many milliseconds after the epoch.
pub(crate) fn time(millis: i64) -> SystemTime {
    let distance = Duration::from_millis(millis.unsigned_abs());
    let time = if millis < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    time.unwrap_or(UNIX_EPOCH)
}

fn millis(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => as_millis(after),
        Err(before) => -as_millis(before.duration()),
    }
}

fn as_millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
