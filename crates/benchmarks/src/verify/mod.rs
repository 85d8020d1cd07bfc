//! Verify: what judging one callback costs, against the limit, other libraries and code written by hand.

mod by_hand;
mod callbacks;
mod child;
mod contest;
mod contestant;
mod extractors;
mod limit;
mod ours;
#[cfg(feature = "peers")]
mod peers;
mod platforms;
mod refusals;
mod sizes;

use std::time::Duration;

use crate::measure::Case;
use crate::report::Report;
use crate::{Effort, Failure};

use callbacks::Callback;
use contestant::{Contestant, Judge};

pub(crate) fn measure(effort: Effort) -> Result<Report, Failure> {
    let pace = match effort {
        Effort::Full => Pace { rounds: 41, slice: Duration::from_millis(20) },
        Effort::Quick => Pace { rounds: 3, slice: Duration::from_millis(2) },
    };
    let mut report = Report::new("Verification");
    sizes::measure(&mut report, pace)?;
    contest::measure(&mut report, pace)?;
    platforms::measure(&mut report, pace)?;
    extractors::measure(&mut report, pace)?;
    refusals::measure(&mut report, pace)?;
    Ok(report)
}

/// How often and how long each case has its turn.
#[derive(Clone, Copy)]
struct Pace {
    rounds: usize,
    slice: Duration,
}

/// What a contestant is asked to do.
#[derive(Clone, Copy)]
enum Purpose {
    Verify,
    Decode,
}

fn case<'a>(name: &str, judge: &'a Judge) -> Case<'a> {
    Case::new(name, judge)
}

#[cfg(feature = "peers")]
fn peers(callbacks: &[Callback]) -> Vec<Contestant> {
    peers::all(callbacks)
}

#[cfg(not(feature = "peers"))]
fn peers(_: &[Callback]) -> Vec<Contestant> {
    Vec::new()
}
