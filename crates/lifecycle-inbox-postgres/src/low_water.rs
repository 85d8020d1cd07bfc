//! `LowWater`: where a claim begins to look for heads.
//!
//! The index of heads keeps an entry for each delivery that was handled until PostgreSQL has cleaned it up, and it cannot do so
//! while an old snapshot is held open. So a claim begins at the lowest head that the last one met. A lower one may turn up all
//! the same, where another process drew an id early and committed late; to find it, a claim begins from the start now and then:
//! as often as makes no difference to the others.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A claim from the start is made when the last one is so many times its own duration ago.
const REST: u32 = 50;

#[derive(Default)]
pub(crate) struct LowWater(Mutex<Mark>);

#[derive(Default)]
struct Mark {
    lowest: i64,
    /// Whose heads these are.
    platforms: Vec<String>,
    /// When a claim begins from the start.
    from_start_at: Option<Instant>,
}

impl LowWater {
    /// The head at which a claim for these platforms begins.
    pub(crate) fn from(&self, platforms: &[&str]) -> i64 {
        let mark = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of_these = mark.platforms.iter().eq(platforms);
        if is_of_these && mark.from_start_at.is_some_and(|at| Instant::now() < at) {
            mark.lowest
        } else {
            i64::MIN
        }
    }

    /// A claim that began there took so long, and met this head first, if it found any delivery.
    pub(crate) fn claimed(&self, platforms: &[&str], from: i64, lowest: Option<i64>, took: Duration) {
        let mut mark = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if from == i64::MIN {
            mark.from_start_at = Some(Instant::now() + took * REST);
        }
        let Some(lowest) = lowest else { return };
        mark.lowest = lowest;
        if !mark.platforms.iter().eq(platforms) {
            mark.platforms = platforms.iter().map(|&name| name.to_owned()).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_claim_begins_where_the_last_one_for_the_same_platforms_met_a_head() {
        let low_water = LowWater::default();
        assert_eq!(low_water.from(&["a"]), i64::MIN);
        low_water.claimed(&["a"], i64::MIN, Some(7), HOUR);
        assert_eq!((low_water.from(&["a"]), low_water.from(&["a", "b"])), (7, i64::MIN));
        low_water.claimed(&["a"], 7, None, HOUR);
        assert_eq!(low_water.from(&["a"]), 7);
        low_water.claimed(&["a", "b"], 7, Some(5), HOUR);
        assert_eq!((low_water.from(&["a"]), low_water.from(&["a", "b"])), (i64::MIN, 5));
    }

    #[test]
    fn a_claim_begins_from_the_start_when_that_makes_no_difference_any_more() {
        let low_water = LowWater::default();
        low_water.claimed(&["a"], i64::MIN, Some(7), Duration::ZERO);
        assert_eq!(low_water.from(&["a"]), i64::MIN);
        low_water.claimed(&["a"], i64::MIN, Some(8), HOUR);
        low_water.claimed(&["a"], 8, Some(9), Duration::ZERO);
        assert_eq!(low_water.from(&["a"]), 9);
    }
}
