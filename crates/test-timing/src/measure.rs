//! Measure: the time of two classes of inputs, in turns that chance decides, and Welch's t between them.

use std::hint::black_box;
use std::time::Instant;

/// Of the samples, the slowest are what else the machine did. How many of a hundred are kept, each on its own: a difference may show
/// in one of them only.
const KEPT: [usize; 6] = [50, 75, 90, 95, 99, 100];

/// Runs before the first that counts.
const WARM_UP: usize = 10_000;

/// The largest t, up to its sign, after so many runs of both inputs together, which have the same length. Both are copied to the same
/// place before they are timed.
pub(crate) fn worst_t(runs: usize, inputs: [&[u8]; 2], mut run: impl FnMut(&[u8])) -> f64 {
    let mut buffer = inputs[0].to_vec();
    let mut times = [Vec::with_capacity(runs), Vec::with_capacity(runs)];
    for turn in 0..WARM_UP + runs {
        let class = usize::from(fastrand::bool());
        buffer.copy_from_slice(inputs[class]);
        black_box(&mut buffer);
        let start = Instant::now();
        run(&buffer);
        let took = u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX);
        if turn >= WARM_UP {
            times[class].push(took);
        }
    }
    worst_of(&times)
}

fn worst_of(times: &[Vec<u32>; 2]) -> f64 {
    let mut all: Vec<u32> = times.iter().flatten().copied().collect();
    all.sort_unstable();
    let t = KEPT.map(|kept| {
        let last = (all.len() * kept / 100).clamp(1, all.len()) - 1;
        let [one, other] = [&times[0], &times[1]].map(|times| Moments::of(times, all[last]));
        one.t(&other).abs()
    });
    t.into_iter().fold(0.0, f64::max)
}

/// What a t needs of one class.
struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    /// Of those that are not above the cut.
    fn of(times: &[u32], cut: u32) -> Self {
        let kept = || times.iter().filter(|time| **time <= cut).map(|time| f64::from(*time));
        let count = f64::from(u32::try_from(kept().count()).unwrap_or(u32::MAX)).max(1.0);
        let mean = kept().sum::<f64>() / count;
        let squares: f64 = kept().map(|time| (time - mean) * (time - mean)).sum();
        Self { count, mean, variance: squares / (count - 1.0).max(1.0) }
    }

    fn t(&self, other: &Self) -> f64 {
        let error = self.variance / self.count + other.variance / other.count;
        if error > 0.0 { (self.mean - other.mean) / error.sqrt() } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `t` is this, to two digits.
    #[track_caller]
    fn check(one: &[u32], other: &[u32], t: f64) {
        let found = Moments::of(one, u32::MAX).t(&Moments::of(other, u32::MAX));
        assert!((found - t).abs() < 0.005, "{found}");
    }

    #[test]
    fn t_is_as_by_hand() {
        // Means 2 and 4, variances 1 and 4: -2 / sqrt(1/3 + 4/3).
        check(&[1, 2, 3], &[2, 4, 6], -1.55);
        check(&[5, 5], &[5, 5], 0.0);
        check(&[], &[], 0.0);
    }

    #[test]
    fn a_difference_among_the_fast_ones_shows_however_slow_the_others_are() {
        let class = |fast: u32| -> Vec<u32> {
            (0..1000)
                .map(|nth| if nth % 3 == 0 { 1_000_000 + nth * 977 % 500_000 } else { fast + nth % 7 })
                .collect()
        };
        assert!(worst_of(&[class(100), class(100)]) < 1.0);
        assert!(worst_of(&[class(100), class(104)]) > 10.0);
    }
}
