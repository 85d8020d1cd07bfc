//! Backoff: how long a failed delivery waits for its next attempt.

use std::time::Duration;

/// Exponential backoff: the first wait, doubled with every attempt up to a cap, each shortened at random by up to a half,
/// so that deliveries that failed together do not come back together.
///
/// The time of the next attempt is stored, so it survives a restart.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
}

impl Backoff {
    /// Waits that begin with `first` and end with `cap`.
    pub const fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap }
    }

    /// The wait after this attempt, counted from 1.
    pub(crate) fn after(&self, attempt: u32) -> Duration {
        let longest = self.longest_after(attempt);
        longest.mul_f64(1.0 - fastrand::f64() / 2.0)
    }

    fn longest_after(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.cap)
    }
}

impl Default for Backoff {
    /// From one second to ten minutes.
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(600))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));
        let longest: Vec<u64> = (1..=6).map(|attempt| backoff.longest_after(attempt).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.longest_after(u32::MAX), Duration::from_secs(10));
    }

    #[test]
    fn a_wait_is_shortened_by_at_most_a_half_and_differs() {
        let backoff = Backoff::new(Duration::from_secs(8), Duration::from_secs(8));
        let waits: Vec<Duration> = (0..100).map(|_| backoff.after(1)).collect();
        assert!(waits.iter().all(|wait| (4.0..=8.0).contains(&wait.as_secs_f64())), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
