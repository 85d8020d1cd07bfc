//! Instructions: the committed counts, put side by side. CI counts again and compares; see `cargo xtask bench instructions`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::report::{Bound, Cell, Goal, Report, Table};
use crate::{Effort, Failure};

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
    for (id, what, most, measured) in [
        ("G9", "axum extractor over the route by hand", 1500.0, extractor - by_hand),
        ("G9", "axum layer over the extractor", 2500.0, count("route.layer")? - extractor),
        ("G10", "no signature: refused for this part of a MAC", 0.5, count("receive.no_signature")? / mac),
        ("G10", "malformed signature: the same", 0.5, count("receive.malformed_signature")? / mac),
    ] {
        let (bound, what) = (Bound::AtMost(most), what.to_owned());
        report.goal(Goal { id, what, bound, measured: Some(measured), note: String::new() });
    }
    Ok(report)
}
