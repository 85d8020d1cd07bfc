//! Lookups: when a set may be fetched again, and which ids of keys are known to be in none.
//!
//! Strangers order look-ups, as the id of a key is not proven. So it is time that decides how often a set is fetched, not they.
//!
//! An id that is in no set is a forgery, or a new key that not every server of the platform publishes yet. Both look alike. To answer a new
//! key 401 is final on some platforms: Azure then rejects a customer's change, and Saleor does not send the event again. To answer a
//! forgery 503 costs nothing. So an id is unknown, 401, only once a set lacks it that was fetched [`SETTLING`] after it was first asked
//! for; until then it is 503, on every platform alike.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::client::FetchError;

/// From one fetch that an unknown id caused to the next, and from one that failed to the next.
pub(crate) const INTERVAL: Duration = Duration::from_secs(30);

/// From the first fetch that failed to the next, while none has succeeded yet. It doubles from one to the next, up to [`INTERVAL`]: an app
/// that starts a moment before its network does is ready a moment after it.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How long after it was first asked for a key may still be on its way into the set.
pub(crate) const SETTLING: Duration = Duration::from_secs(5 * 60);

/// How long an id is unknown before a set is fetched for it again.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);

/// How many ids are remembered that were in no set; the oldest is forgotten first.
const MISSED_MOST: usize = 256;

/// A fetch that is under way.
pub(crate) type Flight = watch::Receiver<Option<Result<(), FetchError>>>;

/// What is remembered of the fetches of one set.
#[derive(Default)]
pub(crate) struct Lookups {
    flight: Option<Flight>,
    /// When the last fetch began.
    began_at: Option<Instant>,
    /// No fetch before this, as the last one failed or still runs.
    retry_at: Option<Instant>,
    /// No fetch for a key that is not there before this.
    ask_at: Option<Instant>,
    start: Start,
    missed: Missed,
}

/// How far an app has come that has just started.
enum Start {
    /// Nothing is fetched yet, after so many attempts.
    Failed(u32),
    Fetched,
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
        self.began_at = Some(now);
        self.retry_at = Some(now + INTERVAL);
        if cause == Cause::Missing {
            self.ask_at = Some(now + INTERVAL);
        }
    }

    /// It has ended.
    pub(crate) fn end(&mut self, result: Result<(), FetchError>, now: Instant) {
        self.flight = None;
        match (result, &mut self.start) {
            (Ok(()), start) => {
                *start = Start::Fetched;
                self.retry_at = None;
            }
            (Err(_), Start::Failed(times)) => {
                let wait = FIRST_WAIT.saturating_mul(1 << (*times).min(5)).min(INTERVAL);
                *times += 1;
                self.retry_at = Some(now + wait);
                self.ask_at = None;
            }
            (Err(_), Start::Fetched) => {}
        }
    }

    /// Whether a fetch began so lately that forgetting it would allow the next one too early.
    pub(crate) fn is_recent(&self, now: Instant) -> bool {
        self.began_at.is_some_and(|began| now < began + INTERVAL)
    }

    /// A key was asked for that is in no set so far.
    pub(crate) fn asked(&mut self, id: &str, now: Instant) {
        self.missed.get(id, now);
    }

    /// A set was fetched, and lacks this key too. Whether it is then unknown.
    pub(crate) fn lacked(&mut self, id: &str, now: Instant) -> bool {
        let miss = self.missed.get(id, now);
        miss.lacked_at = Some(now);
        miss.is_unknown(now)
    }

    pub(crate) fn is_unknown(&self, id: &str, now: Instant) -> bool {
        self.missed.find(id).is_some_and(|miss| miss.is_unknown(now))
    }
}

impl Default for Start {
    fn default() -> Self {
        Self::Failed(0)
    }
}

/// Ids that were in no set. They may be as long as a token, so it is their hashes that are kept: nobody who does not know the hasher's
/// keys can make two alike.
#[derive(Default)]
struct Missed {
    hasher: RandomState,
    ids: HashMap<u64, Miss>,
    oldest: VecDeque<u64>,
}

#[derive(Clone, Copy)]
struct Miss {
    asked_at: Instant,
    lacked_at: Option<Instant>,
}

impl Missed {
    fn find(&self, id: &str) -> Option<&Miss> {
        self.ids.get(&self.hasher.hash_one(id))
    }

    /// What is remembered of an id, from now on.
    fn get(&mut self, id: &str, now: Instant) -> &mut Miss {
        let id = self.hasher.hash_one(id);
        if !self.ids.contains_key(&id) {
            self.oldest.push_back(id);
            if self.oldest.len() > MISSED_MOST {
                self.oldest.pop_front().map(|oldest| self.ids.remove(&oldest));
            }
        }
        self.ids.entry(id).or_insert(Miss { asked_at: now, lacked_at: None })
    }
}

impl Miss {
    fn is_unknown(&self, now: Instant) -> bool {
        self.lacked_at.is_some_and(|lacked| lacked >= self.asked_at + SETTLING && now < lacked + UNKNOWN_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_unknown_for_a_minute_once_it_had_the_time_to_be_published() {
        let asked = Instant::now();
        let mut lookups = Lookups::default();
        lookups.asked("new", asked);
        let late = asked + SETTLING;
        for early in [asked, asked + INTERVAL, late.checked_sub(Duration::from_millis(1)).unwrap()] {
            assert!(!lookups.lacked("new", early) && !lookups.is_unknown("new", early));
        }
        assert!(!lookups.is_unknown("new", late), "no set of that time is known to lack it");
        assert!(lookups.lacked("new", late));
        let over = late + UNKNOWN_FOR;
        assert!(lookups.is_unknown("new", over.checked_sub(Duration::from_millis(1)).unwrap()));
        assert!(!lookups.is_unknown("new", over));
        assert!(!lookups.is_unknown("other", late));
    }

    #[test]
    fn of_ids_that_were_missed_the_oldest_are_forgotten_first() {
        let (asked, late) = (Instant::now(), Instant::now() + 2 * SETTLING);
        let mut lookups = Lookups::default();
        for nth in 0..1000 {
            lookups.asked(&nth.to_string(), asked);
            lookups.asked("again and again", asked);
        }
        assert_eq!((lookups.missed.ids.len(), lookups.missed.oldest.len()), (MISSED_MOST, MISSED_MOST));
        for nth in (0..1000).rev() {
            assert_eq!(lookups.missed.find(&nth.to_string()).is_some(), nth > 1000 - MISSED_MOST, "{nth}");
        }
        assert!(lookups.lacked("999", late) && !lookups.lacked("0", late));
    }

    #[test]
    fn a_failure_delays_the_next_fetch_and_a_success_only_that_for_a_missing_key() {
        let now = Instant::now();
        let (_sender, flight) = watch::channel(None);
        let mut lookups = Lookups::default();
        lookups.begin(flight.clone(), Cause::Missing, now);
        assert!(lookups.flight().is_some());
        lookups.end(Ok(()), now);
        assert!(lookups.flight().is_none());
        assert!(lookups.may_fetch(Cause::Stale, now) && !lookups.may_fetch(Cause::Missing, now));
        assert!(lookups.may_fetch(Cause::Missing, now + INTERVAL));

        lookups.begin(flight, Cause::Stale, now + INTERVAL);
        lookups.end(Err(FetchError::Connect), now + INTERVAL);
        for cause in [Cause::Stale, Cause::Missing] {
            assert!(
                !lookups.may_fetch(cause, now + INTERVAL) && lookups.may_fetch(cause, now + 2 * INTERVAL)
            );
        }
        assert!(lookups.may_fetch(Cause::WarmUp, now + INTERVAL), "strangers do not start an app");
    }

    #[test]
    fn while_nothing_is_fetched_yet_attempts_are_further_and_further_apart() {
        let (_sender, flight) = watch::channel(None);
        let (mut lookups, mut now) = (Lookups::default(), Instant::now());
        for seconds in [1, 2, 4, 8, 16, 30, 30, 30] {
            assert!(lookups.may_fetch(Cause::Missing, now), "{seconds}");
            lookups.begin(flight.clone(), Cause::Missing, now);
            now += Duration::from_millis(900); // a fetch takes its time
            lookups.end(Err(FetchError::TimedOut), now);
            let next = now + Duration::from_secs(seconds);
            assert!(!lookups.may_fetch(Cause::Missing, next.checked_sub(Duration::from_millis(1)).unwrap()));
            now = next;
        }
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
