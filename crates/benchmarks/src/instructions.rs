//! Instructions: the committed counts, put side by side. CI counts again and compares; see `cargo xtask bench instructions`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::report::{Bound, Cell, Goal, Report, Table};
use crate::{Effort, Failure};

const EXTRACTOR: &str = "Reading all header lines takes 520, where by hand one is looked up; copying what is known so far from one future \
                         to the next 550; three looks at the clock 115. Memory makes this count differ by some 40.";

const LAYER: &str = "It hands the request on. Of that, 950 are memory for two bodies, the extensions and axum's clone of the \
                     route; 770 copy futures and the head from one place to the next; 360 clone the delivery, for the \
                     route and for the log. Tried: events whose clone is one copy took 105 away and made decoding dearer.";

#[derive(Deserialize)]
struct Committed {
    rustc: String,
    instructions: BTreeMap<String, u32>,
}

pub(crate) fn measure(_effort: Effort) -> Result<Report, Failure> {
    let Committed { rustc, instructions } = serde_json::from_str(include_str!("../instructions.json"))?;
    let count = |name: &str| -> Result<f64, Failure> {
        Ok(f64::from(*instructions.get(name).ok_or_else(|| format!("no count of {name} is committed"))?))
    };
    let mut report = Report::new("Instructions");
    report.table(Table {
        title: "By callgrind".to_owned(),
        note: format!(
            "Of one call, the documented callback of 352 bytes, {rustc}. Callgrind's processor has no SHA extensions: \
             a MAC takes 23 800 instructions here and some 1 000 cycles in life. CI warns of a rise by more than 3 %, and fails at 10 %. The route by hand reads the body, compares the MAC and decodes, and no more."
        ),
        headings: ["case", "instructions"].map(str::to_owned).to_vec(),
        rows: instructions
            .iter()
            .map(|(name, count)| vec![Cell::new(name), Cell::Number(f64::from(*count), "")])
            .collect(),
    });
    let mac = count("mac.documented")?;
    let by_hand = count("route.by_hand")?;
    let extractor = count("route.extractor")?;
    for (id, what, most, measured, note) in [
        ("G9", "axum extractor over the route by hand", 1500.0, extractor - by_hand, EXTRACTOR),
        ("G9", "axum layer over the extractor", 2500.0, count("route.layer")? - extractor, LAYER),
        (
            "G10",
            "no signature: refused for this part of a MAC",
            0.5,
            count("receive.no_signature")? / mac,
            "",
        ),
        ("G10", "malformed signature: the same", 0.5, count("receive.malformed_signature")? / mac, ""),
    ] {
        let (bound, what, note) = (Bound::AtMost(most), what.to_owned(), note.to_owned());
        report.goal(Goal { id, what, bound, measured: Some(measured), note });
    }
    Ok(report)
}
