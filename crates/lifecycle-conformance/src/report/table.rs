//! The table for people: fixtures down, subjects across.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use comfy_table::{Table, presets};

use super::{Case, Report};

pub(super) fn write(report: &Report) -> String {
    let subjects = report.subjects();
    let mut text = String::new();
    let platforms: BTreeSet<&str> = report.cases.iter().map(|case| case.platform.as_str()).collect();
    for platform in platforms {
        let cases: Vec<&Case> = report.cases.iter().filter(|case| case.platform == platform).collect();
        let _ = writeln!(text, "{}\n", matrix(platform, &subjects, &cases)); // a String takes every write
    }
    for case in report.cases.iter().filter(|case| !case.passed()) {
        let _ =
            writeln!(text, "FAILED {} on {} {}\n  why: {}", case.fixture, case.subject, case.route, case.why);
        for difference in &case.differences {
            let _ = writeln!(
                text,
                "  {}: expected {}, got {}",
                difference.what, difference.expected, difference.got
            );
        }
        text.push('\n');
    }
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for skipped in &report.skipped {
        reasons.entry(&skipped.why).or_default().push(&skipped.fixture);
    }
    for (why, fixtures) in reasons {
        let _ =
            writeln!(text, "Not sent, {} for this reason: {why}\n  {}\n", fixtures.len(), fixtures.join(" "));
    }
    if report.unobserved > 0 {
        let _ = writeln!(text, "Not looked at, what the handler saw: {} cases\n", report.unobserved);
    }
    let _ = writeln!(text, "{:.1} s", report.took.as_secs_f64());
    let _ = writeln!(text, "{} passed, {} failed", report.passed(), report.failed());
    text
}

/// One row per fixture; each cell counts the routes of a subject that passed.
fn matrix(platform: &str, subjects: &[&str], cases: &[&Case]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([platform].into_iter().chain(subjects.iter().copied()));
    let mut fixtures: Vec<&str> = Vec::new();
    for case in cases {
        if !fixtures.contains(&case.fixture.as_str()) {
            fixtures.push(&case.fixture);
        }
    }
    for fixture in fixtures {
        let cells = subjects.iter().map(|subject| {
            let (mut all, mut failed) = (0, 0);
            for case in cases.iter().filter(|case| case.fixture == fixture && case.subject == *subject) {
                all += 1;
                failed += usize::from(!case.passed());
            }
            match (all, failed) {
                (0, _) => "-".to_owned(),
                (all, 0) => format!("✓ {all}"),
                (all, failed) => format!("✗ {failed} of {all}"),
            }
        });
        table.add_row([fixture.to_owned()].into_iter().chain(cells));
    }
    table.trim_fmt()
}
