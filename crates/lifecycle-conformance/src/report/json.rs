//! The report for programs.

use serde_json::{Value, json};

use super::Report;

pub(super) fn write(report: &Report) -> String {
    let cases = report.cases.iter().map(|case| {
        json!({
            "fixture": case.fixture,
            "platform": case.platform,
            "subject": case.subject,
            "route": case.route,
            "group": case.group,
            "level": case.level,
            "passed": case.passed(),
            "took_ms": millis(case.took),
            "why": case.why,
            "differences": case.differences,
        })
    });
    let skipped =
        report.skipped.iter().map(|skipped| json!({"fixture": skipped.fixture, "why": skipped.why}));
    let document = json!({
        "passed": report.passed(),
        "failed": report.failed(),
        "took_ms": millis(report.took),
        "cases": cases.collect::<Vec<Value>>(),
        "unobserved": report.unobserved,
        "skipped": skipped.collect::<Vec<Value>>(),
    });
    format!("{document:#}\n")
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
