//! Sizes: ours against the limit, from a body of 100 bytes to one of a mebibyte.

use std::path::Path;

use crate::Failure;
use crate::measure::{Spread, interleave};
use crate::report::{Bound, Cell, Goal, Report, Table};

use super::callbacks::{self, Callback};
use super::contestant::{Judge, allocations};
use super::{Pace, case, limit, ours};

const NOTE: &str = "\
**HMAC** is that of the same bytes, the key scheduled beforehand, by the faster of two backends: `hmac` with `sha2`, which \
ours is built on, and `ring`. **Instructions** are a chain of as many dependent `SHA256RNDS2` as it needs, the bound of the \
processor. Ours *verifies* by `Scheme::verify` of a signature and a body, and *verifies and decodes* by `Verifier::begin`, \
`Verification::push` and `Verification::finish`, from the head of a request to an owned `Delivery`. Allocations are those of one call.";

pub(super) fn measure(report: &mut Report, pace: Pace) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let headings = [
        "body",
        "bytes",
        "HMAC, ns",
        "hmac + sha2 / instructions",
        "ring / instructions",
        "verify / HMAC",
        "allocations",
        "verify and decode / HMAC",
        "allocations",
    ];
    let mut rows = Vec::new();
    for (name, callbacks) in [
        ("padded", callbacks::padded(100)),
        ("as documented", callbacks::compact()),
        ("in lines", callbacks::pretty()),
        ("padded", callbacks::padded(400)),
        ("padded", callbacks::padded(4 * 1024)),
        ("padded", callbacks::padded(64 * 1024)),
        ("padded", callbacks::padded(1024 * 1024)),
    ] {
        let size = Size::measure(&callbacks, folder.path(), pace)?;
        rows.push(size.row(name));
        match (name, size.bytes) {
            ("in lines", _) => size.goals_of_a_callback(report),
            (_, 400) => size.goal_of_the_backend(report, "400 B", 1.25),
            (_, 65536) => size.goal_of_the_backend(report, "64 KiB", 1.05),
            _ => {}
        }
    }
    report.table(Table {
        title: "Ours against the limit".to_owned(),
        note: NOTE.to_owned(),
        headings: headings.map(str::to_owned).to_vec(),
        rows,
    });
    Ok(())
}

/// What was measured of bodies of one size.
struct Size {
    bytes: usize,
    hmac: Spread,
    verify: Measured,
    decode: Measured,
    /// What the backends take over the chain of instructions; or why there is none.
    backends: Result<[Spread; 2], Failure>,
}

/// In the time of the HMAC, and how often it allocates.
struct Measured(Spread, u64);

impl Size {
    fn measure(callbacks: &[Callback], folder: &Path, pace: Pace) -> Result<Self, Failure> {
        let ours = ours::contestant(callbacks);
        let mut cases = Vec::from(limit::cases(callbacks));
        cases.push(case("verify", &ours.verify));
        cases.push(case("verify and decode", &ours.decode));
        let chain = limit::chain(callbacks, folder).map(|chain| cases.push(chain));
        let rounds = interleave(&mut cases, pace.rounds, pace.slice)?;
        let hmac = limit::faster(&rounds);
        let measured = |index, judge: &Judge| Measured(rounds.ratio(index, hmac), allocations(judge));
        Ok(Self {
            bytes: callbacks::mean(callbacks),
            hmac: rounds.nanos(hmac),
            verify: measured(2, &ours.verify),
            decode: measured(3, &ours.decode),
            backends: chain.map(|()| [rounds.ratio(0, 4), rounds.ratio(1, 4)]),
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of a few digits")]
    fn row(&self, name: &str) -> Vec<Cell> {
        let backend =
            |index: usize| self.backends.as_ref().map_or(Cell::None, |both| Cell::Ratio(both[index]));
        let count = |count| Cell::Number(count as f64, "");
        vec![
            Cell::new(name),
            count(self.bytes as u64),
            Cell::Number(self.hmac.median, ""),
            backend(0),
            backend(1),
            Cell::Ratio(self.verify.0),
            count(self.verify.1),
            Cell::Ratio(self.decode.0),
            count(self.decode.1),
        ]
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of a few digits")]
    fn goals_of_a_callback(&self, report: &mut Report) {
        for (id, what, measured, bound) in
            [("G1", "verify", &self.verify, 1.20), ("G3", "verify and decode", &self.decode, 2.8)]
        {
            let Measured(ratio, allocations) = measured;
            report.goal(Goal {
                id,
                what: format!("{what} a callback, over the HMAC of its body"),
                bound: Bound::AtMost(bound),
                measured: Some(ratio.median),
                note: String::new(),
            });
            report.goal(Goal {
                id,
                what: format!("allocations to {what} a callback"),
                bound: Bound::AtMost(0.0),
                measured: Some(*allocations as f64),
                note: String::new(),
            });
        }
    }

    fn goal_of_the_backend(&self, report: &mut Report, size: &str, bound: f64) {
        report.goal(Goal {
            id: "G2",
            what: format!("the library's HMAC of {size}, over the chain of instructions"),
            bound: Bound::AtMost(bound),
            measured: self.backends.as_ref().ok().map(|both| both[0].median),
            note: self.backends.as_ref().err().map(ToString::to_string).unwrap_or_default(),
        });
    }
}
