//! Timestamp: an instant in whole milliseconds, which every engine stores without loss.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An instant, in milliseconds since the Unix epoch; negative before it.
///
/// A number, so that every engine stores and compares it alike. Arithmetic stops at the ends of its range.
///
/// ```
/// use lifecycle_inbox::Timestamp;
/// use std::time::Duration;
///
/// let noon = Timestamp::from_millis(1_700_000_000_000);
/// let later = noon + Duration::from_secs(5);
/// assert_eq!(later.since(noon), Duration::from_secs(5));
/// assert_eq!(noon.since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Before every other: what is due at this instant is due whatever the clock says.
    pub const MIN: Self = Self(i64::MIN);

    /// The instant that many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// What the system's clock says.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// How long after the other it is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(millis(time)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(millis(time)))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(millis(after)),
            Err(before) => Self(-millis(before.duration())),
        }
    }
}

impl From<Timestamp> for SystemTime {
    /// An instant that the system cannot express becomes the epoch.
    fn from(time: Timestamp) -> Self {
        let distance = Duration::from_millis(time.0.unsigned_abs());
        let found =
            if time.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
        found.unwrap_or(UNIX_EPOCH)
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_the_ends() {
        assert_eq!(Timestamp::from_millis(5) + Duration::MAX, Timestamp(i64::MAX));
        assert_eq!(Timestamp::MIN - Duration::from_secs(1), Timestamp::MIN);
        assert_eq!(Timestamp(i64::MAX).since(Timestamp::MIN), Duration::from_millis(i64::MAX as u64));
    }

    #[test]
    fn whole_milliseconds_survive_the_way_through_the_system_time() {
        for millis in [-1_500, -1, 0, 1, 1_700_000_000_123] {
            let time = Timestamp::from_millis(millis);
            assert_eq!(Timestamp::from(SystemTime::from(time)), time);
        }
    }
}
