//! Lookups: when a set may be fetched again, and which ids of keys are known to be in none.
//!
//! Strangers order look-ups, as the id of a key is not proven. So it is time that decides how often a set is fetched, not they.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::client::FetchError;

/// From one fetch that an unknown id caused to the next, and from one that failed to the next.
pub(crate) const INTERVAL: Duration = Duration::from_secs(30);

/// How long an id is remembered as unknown.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);

/// How many ids are remembered as unknown; the oldest is forgotten first.
const UNKNOWN_MOST: usize = 256;

/// A fetch that is under way.
pub(crate) type Flight = watch::Receiver<Option<Result<(), FetchError>>>;

/// What is remembered of the fetches of one set.
#[derive(Default)]
pub(crate) struct Lookups {
    flight: Option<Flight>,
    /// No fetch before this, as the last one failed or still runs.
    retry_at: Option<Instant>,
    /// No fetch for a key that is not there before this.
    ask_at: Option<Instant>,
    unknown: Unknown,
}

/// Why a set is to be fetched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cause {
    /// A key is not there.
    Missing,
    /// The set is no longer fresh.
    Stale,
    /// The app starts.
    WarmUp,
}

impl Lookups {
    /// The fetch that is under way. One whose task was dropped with its runtime has ended.
    pub(crate) fn flight(&self) -> Option<Flight> {
        self.flight.clone().filter(|flight| flight.has_changed().is_ok())
    }

    /// Whether a fetch may begin now, where none is under way.
    pub(crate) fn may_fetch(&self, cause: Cause, now: Instant) -> bool {
        let is_due = |at: Option<Instant>| at.is_none_or(|at| now >= at);
        match cause {
            Cause::Missing => is_due(self.retry_at) && is_due(self.ask_at),
            Cause::Stale => is_due(self.retry_at),
            Cause::WarmUp => true,
        }
    }

    /// A fetch begins.
    pub(crate) fn begin(&mut self, flight: Flight, cause: Cause, now: Instant) {
        self.flight = Some(flight);
        self.retry_at = Some(now + INTERVAL);
        if cause == Cause::Missing {
            self.ask_at = Some(now + INTERVAL);
        }
    }

    /// It has ended.
    pub(crate) fn end(&mut self, result: Result<(), FetchError>) {
        self.flight = None;
        if result.is_ok() {
            self.retry_at = None;
        }
    }

    pub(crate) fn is_unknown(&self, id: &str, now: Instant) -> bool {
        self.unknown.until.get(id).is_some_and(|until| now < *until)
    }

    pub(crate) fn remember_unknown(&mut self, id: &str, now: Instant) {
        if !self.is_unknown(id, now) {
            self.unknown.insert(id, now + UNKNOWN_FOR);
        }
    }
}

/// Ids that were in no set, until when.
#[derive(Default)]
struct Unknown {
    until: HashMap<Box<str>, Instant>,
    /// In the order in which they came, which is that in which their time is over.
    oldest: VecDeque<(Box<str>, Instant)>,
}

impl Unknown {
    fn insert(&mut self, id: &str, until: Instant) {
        self.until.insert(id.into(), until);
        self.oldest.push_back((id.into(), until));
        while self.oldest.len() > UNKNOWN_MOST {
            // One that came again has a later time, and another place.
            if let Some((id, until)) = self.oldest.pop_front()
                && self.until.get(&id) == Some(&until)
            {
                self.until.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_unknown_for_a_minute_and_the_oldest_are_forgotten_first() {
        let now = Instant::now();
        let mut lookups = Lookups::default();
        for nth in 0..1000 {
            lookups.remember_unknown(&nth.to_string(), now);
        }
        let remembered = |lookups: &Lookups, now| {
            (0..1000).filter(|nth: &i32| lookups.is_unknown(&nth.to_string(), now)).collect::<Vec<_>>()
        };
        assert_eq!(remembered(&lookups, now), (744..1000).collect::<Vec<_>>());
        assert_eq!(lookups.unknown.until.len(), UNKNOWN_MOST);
        let over = now + UNKNOWN_FOR;
        assert_eq!(remembered(&lookups, over - Duration::from_millis(1)).len(), UNKNOWN_MOST);
        assert_eq!(remembered(&lookups, over), Vec::<i32>::new());
        for _ in 0..1000 {
            lookups.remember_unknown("again", over);
        }
        assert!(lookups.is_unknown("again", over), "the same id over and over takes one place");
        assert_eq!(lookups.unknown.oldest.back(), Some(&("again".into(), over + UNKNOWN_FOR)));
        assert_ne!(lookups.unknown.oldest[UNKNOWN_MOST - 2].0, "again".into());
    }

    #[test]
    fn a_failure_delays_the_next_fetch_and_a_success_only_that_for_a_missing_key() {
        let now = Instant::now();
        let (_sender, flight) = watch::channel(None);
        let mut lookups = Lookups::default();
        lookups.begin(flight.clone(), Cause::Missing, now);
        assert!(lookups.flight().is_some());
        lookups.end(Ok(()));
        assert!(lookups.flight().is_none());
        assert!(lookups.may_fetch(Cause::Stale, now) && !lookups.may_fetch(Cause::Missing, now));
        assert!(lookups.may_fetch(Cause::Missing, now + INTERVAL));

        lookups.begin(flight, Cause::Stale, now + INTERVAL);
        lookups.end(Err(FetchError::Connect));
        for cause in [Cause::Stale, Cause::Missing] {
            assert!(
                !lookups.may_fetch(cause, now + INTERVAL) && lookups.may_fetch(cause, now + 2 * INTERVAL)
            );
        }
        assert!(lookups.may_fetch(Cause::WarmUp, now + INTERVAL), "strangers do not start an app");
    }

    #[test]
    fn a_fetch_whose_task_is_gone_has_ended() {
        let (sender, flight) = watch::channel(None);
        let mut lookups = Lookups::default();
        lookups.begin(flight, Cause::WarmUp, Instant::now());
        drop(sender);
        assert!(lookups.flight().is_none());
    }
}
