//! Measure: cases timed in turns, so that what disturbs one disturbs all, and compared round by round.

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;
use serde::Serialize;

use crate::Failure;

/// One thing to time: does it so many times and tells how much CPU time that took.
pub(crate) type Run<'a> = Box<dyn FnMut(u32) -> Result<Duration, Failure> + 'a>;

/// A thing to time, under the name that its row gets.
pub(crate) struct Case<'a> {
    pub(crate) name: String,
    pub(crate) run: Run<'a>,
}

impl<'a> Case<'a> {
    /// Times a function of this process by the CPU time of its thread; it gets the number of the call.
    pub(crate) fn new<T>(name: &str, mut once: impl FnMut(usize) -> T + 'a) -> Self {
        let mut call = 0;
        let run = move |times| {
            let mut took = Duration::ZERO;
            // This program's allocator counts, which would take time from those who allocate.
            allocation_counter::opt_out(|| {
                let start = ThreadTime::now();
                for _ in 0..times {
                    black_box(once(call));
                    call += 1;
                }
                took = start.elapsed();
            });
            Ok(took)
        };
        Self { name: name.to_owned(), run: Box::new(run) }
    }
}

/// The nanoseconds that one call of each case took, a list of rounds per case.
pub(crate) struct Rounds(Vec<Vec<f64>>);

/// Times the cases in turns, each long enough for the clock. Every round begins with another case.
pub(crate) fn interleave(cases: &mut [Case<'_>], rounds: usize, slice: Duration) -> Result<Rounds, Failure> {
    let mut times = Vec::new();
    for case in &mut *cases {
        times.push(calibrate(case, slice)?);
    }
    let mut nanos = vec![Vec::with_capacity(rounds); cases.len()];
    for round in 0..rounds {
        for turn in 0..cases.len() {
            let index = (round + turn) % cases.len();
            let took = (cases[index].run)(times[index])?;
            nanos[index].push(took.as_secs_f64() * 1e9 / f64::from(times[index]));
        }
    }
    Ok(Rounds(nanos))
}

/// How often a case is called to fill a slice of time; warms it up on the way.
fn calibrate(case: &mut Case<'_>, slice: Duration) -> Result<u32, Failure> {
    let mut times = 1;
    loop {
        let took = (case.run)(times)?;
        if took >= slice / 4 {
            let scaled = f64::from(times) * slice.as_secs_f64() / took.as_secs_f64();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a positive count, and saturating"
            )]
            return Ok((scaled as u32).max(1));
        }
        times = times.saturating_mul(4);
    }
}

impl Rounds {
    /// One case's time over another's, round by round.
    pub(crate) fn ratio(&self, case: usize, base: usize) -> Spread {
        Spread::of(self.0[case].iter().zip(&self.0[base]).map(|(case, base)| case / base))
    }

    /// The nanoseconds of one call.
    pub(crate) fn nanos(&self, case: usize) -> Spread {
        Spread::of(self.0[case].iter().copied())
    }
}

/// The median of what was measured and the range that holds the middle eight tenths of it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) p10: f64,
    pub(crate) p90: f64,
}

impl Spread {
    /// # Panics
    /// When nothing was measured.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |tenths: usize| values[(values.len() - 1) * tenths / 10];
        Self { median: at(5), p10: at(1), p90: at(9) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let rounds = Rounds(vec![vec![10.0, 100.0, 30.0], vec![5.0, 50.0, 15.0]]);
        let ratio = rounds.ratio(0, 1);
        assert!((ratio.p10 - 2.0).abs() < 1e-9 && (ratio.p90 - 2.0).abs() < 1e-9, "{ratio:?}");
    }

    #[test]
    fn a_spread_is_in_order() {
        let spread = Spread::of((1..=101).rev().map(f64::from));
        assert_eq!((spread.p10, spread.median, spread.p90), (11.0, 51.0, 91.0));
    }
}
