//! Refusals: what it costs to turn a forged request away, and to hold two secrets.

use bytes::Bytes;
use lifecycle_core::{ExpectedApp, Method, Rejection, Secrets, Verifier, seismic};

use crate::Failure;
use crate::measure::{Case, Rounds, interleave};
use crate::report::{Bound, Cell, Goal, Report, Table};

use super::callbacks::{self, Callback};
use super::ours::{self, Lines};
use super::{Pace, case, limit};

const NOTE: &str = "\
Callbacks in lines, of 383 bytes; ratios are to the HMAC of one. What is refused by its head costs no HMAC, and none of its \
body is read.";

/// A request that is refused, made out of a genuine one.
struct Forged {
    name: &'static str,
    method: &'static str,
    forge: fn(&mut Lines),
    secrets: fn() -> Secrets,
    rejection: Rejection,
}

const FORGED: [Forged; 6] = [
    Forged {
        name: "no signature",
        method: "POST",
        forge: |lines| lines.0.truncate(3),
        secrets: ours::secrets,
        rejection: Rejection::MissingSignature,
    },
    Forged {
        name: "malformed signature",
        method: "POST",
        forge: |lines| lines.0[3].1.replace_range(63.., "g"),
        secrets: ours::secrets,
        rejection: Rejection::SignatureMismatch,
    },
    Forged {
        name: "wrong method",
        method: "GET",
        forge: |_| {},
        secrets: ours::secrets,
        rejection: Rejection::MethodNotAllowed(Method::Post),
    },
    Forged {
        name: "declared too large",
        method: "POST",
        forge: |lines| lines.0[2].1 = usize::MAX.to_string(),
        secrets: ours::secrets,
        rejection: Rejection::BodyTooLarge,
    },
    Forged {
        name: "wrong signature",
        method: "POST",
        forge: another_signature,
        secrets: ours::secrets,
        rejection: Rejection::SignatureMismatch,
    },
    Forged {
        name: "wrong signature, two secrets",
        method: "POST",
        forge: another_signature,
        secrets: ours::two_secrets,
        rejection: Rejection::SignatureMismatch,
    },
];

/// Those of [`FORGED`] whose signature is missing or malformed.
const UNSIGNED: usize = 2;

pub(super) fn measure(report: &mut Report, pace: Pace) -> Result<(), Failure> {
    let callbacks = callbacks::pretty();
    let (one, two) = (ours::contestant(&callbacks), ours::with_two_secrets(&callbacks));

    let mut cases = Vec::from(limit::cases(&callbacks));
    let first = cases.len();
    cases.extend(FORGED.iter().map(|forged| Case::new(forged.name, forged.attempt(&callbacks))));
    let genuine = cases.len();
    cases.push(case("genuine", &one.verify));
    cases.push(case("genuine, by the second of two secrets", &two.verify));
    let rounds = interleave(&mut cases, pace.rounds, pace.slice)?;

    let hmac = limit::faster(&rounds);
    let answers =
        FORGED.iter().map(|forged| Cell::new(forged.rejection.code())).chain([Cell::None, Cell::None]);
    let row = |(index, answer): (usize, Cell)| {
        vec![Cell::new(&cases[index].name), answer, Cell::Ratio(rounds.ratio(index, hmac))]
    };
    report.table(Table {
        title: "Refusals".to_owned(),
        note: NOTE.to_owned(),
        headings: ["", "refused as", "/ HMAC"].map(str::to_owned).to_vec(),
        rows: (first..).zip(answers).map(row).collect(),
    });
    report.goal(Goal {
        id: "G10",
        what: "genuine by the second of two secrets, over genuine by the only one".to_owned(),
        bound: Bound::AtMost(2.1),
        measured: Some(rounds.ratio(genuine + 1, genuine).median),
        note: String::new(),
    });
    report.goal(Goal {
        id: "G10",
        what: "signature missing or malformed, over the HMAC that it does not cost".to_owned(),
        bound: Bound::AtMost(0.5),
        measured: slowest(&rounds, first..first + UNSIGNED, hmac),
        note: String::new(),
    });
    Ok(())
}

fn slowest(rounds: &Rounds, cases: std::ops::Range<usize>, base: usize) -> Option<f64> {
    cases.map(|case| rounds.ratio(case, base).median).reduce(f64::max)
}

impl Forged {
    /// Sends the forged form of each callback, one by one.
    fn attempt(&self, callbacks: &[Callback]) -> impl FnMut(usize) -> Rejection + use<> {
        let forged = |callback: &Callback| {
            let mut lines = Lines::signed(&callback.signed);
            (self.forge)(&mut lines);
            (lines, callback.shown.clone())
        };
        let requests: Vec<(Lines, Bytes)> = callbacks.iter().map(forged).collect();
        let verifier = Verifier::new(&seismic::PLATFORM, (self.secrets)(), ExpectedApp::Any).unwrap();
        let method = self.method;
        move |call| {
            let (lines, body) = &requests[call % requests.len()];
            ours::receive(&verifier, lines.head(method), body).expect_err("it is forged").rejection
        }
    }
}

/// Well-formed, and of the right secret, but not of this body.
fn another_signature(lines: &mut Lines) {
    lines.0[3] = Lines::signed(b"another body").0.swap_remove(3);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_forged_request_is_refused_for_its_own_reason() {
        for forged in &FORGED {
            let mut attempt = forged.attempt(&callbacks::pretty());
            assert_eq!(attempt(0), forged.rejection, "{}", forged.name);
        }
        let unsigned = FORGED.iter().position(|forged| forged.name == "wrong method");
        assert_eq!(unsigned, Some(UNSIGNED));
    }
}
