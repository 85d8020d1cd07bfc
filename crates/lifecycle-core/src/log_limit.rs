//! `LogLimit`: at most one log line a minute about what strangers can cause.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use crate::telemetry::millis;

/// At most one log line a minute about something that strangers can cause at will, so that they cannot fill a disk.
///
/// It takes 16 bytes and no lock. Suppressed lines are counted, and the next line that is written says how many there were.
/// A metric can count them all.
///
/// ```
/// use lifecycle_core::LogLimit;
/// use std::time::{Duration, SystemTime};
///
/// static REFUSED: LogLimit = LogLimit::new();
///
/// let now = SystemTime::now();
/// assert_eq!(REFUSED.admit(now), Some(0)); // write the line
/// assert_eq!(REFUSED.admit(now), None); // do not
/// assert_eq!(REFUSED.admit(now + LogLimit::INTERVAL), Some(1)); // write it, and that one was suppressed before
/// ```
#[derive(Debug, Default)]
pub struct LogLimit {
    /// When the last line was written, in milliseconds since the Unix epoch, plus 1; 0 before the first line.
    written_at: AtomicU64,
    suppressed: AtomicU64,
}

impl LogLimit {
    /// The time from one line to the next: one minute.
    pub const INTERVAL: Duration = Duration::from_secs(60);

    /// A limit that admits the first line at once.
    pub const fn new() -> Self {
        Self { written_at: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// Whether to write a line now: if so, how many were suppressed since the last one.
    pub fn admit(&self, now: SystemTime) -> Option<u64> {
        let now = millis(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()).saturating_add(1);
        let written_at = self.written_at.load(Relaxed);
        // The difference either way: a clock that is set back must not silence the log until it has caught up.
        let is_due = written_at == 0 || now.abs_diff(written_at) >= millis(Self::INTERVAL);
        // Of several threads that find a line due, one writes it.
        if is_due && self.written_at.compare_exchange(written_at, now, Relaxed, Relaxed).is_ok() {
            return Some(self.suppressed.swap(0, Relaxed));
        }
        self.suppressed.fetch_add(1, Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn one_line_a_minute_is_admitted_and_tells_of_those_before() {
        let limit = LogLimit::new();
        let admitted: Vec<_> =
            (0..300).filter_map(|second| Some((second, limit.admit(at(second))?))).collect();
        assert_eq!(admitted, [(0, 0), (60, 59), (120, 59), (180, 59), (240, 59)]);
    }

    #[test]
    fn what_happens_seldom_is_always_admitted() {
        let limit = LogLimit::new();
        for minute in 0..10 {
            assert_eq!(limit.admit(at(minute * 60)), Some(0));
        }
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_silence_the_log() {
        let limit = LogLimit::new();
        assert_eq!(limit.admit(at(1_000_000)), Some(0));
        assert_eq!(limit.admit(at(999_999)), None);
        assert_eq!(limit.admit(at(900_000)), Some(1));
    }

    #[test]
    fn no_time_makes_it_panic() {
        let limit = LogLimit::new();
        for time in [SystemTime::UNIX_EPOCH - Duration::from_secs(1), at(0), at(1 << 40)] {
            let _ = limit.admit(time);
        }
    }

    #[test]
    fn threads_that_come_at_once_write_one_line_and_count_the_others() {
        let limit = LogLimit::new();
        let admitted = |now| {
            let threads = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|_| scope.spawn(|| (0..1000).filter_map(|_| limit.admit(now)).collect::<Vec<_>>()))
                    .collect();
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            });
            assert_eq!(threads.len(), 1, "{threads:?}");
            threads[0]
        };
        let first = admitted(at(60));
        let second = admitted(at(120));
        let third = limit.admit(at(180)).unwrap();
        assert_eq!(first + second + third, 4000 * 2 - 2, "none is lost");
    }
}
