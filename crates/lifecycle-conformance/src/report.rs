//! Report: the outcome of a run, and the forms in which it is written.

mod file;
mod json;
mod junit;
mod table;

use std::time::Duration;

use crate::check::Difference;
use crate::group::Level;

pub use file::ReportFile;

/// The outcome of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Each fixture on each route it was sent to, in the fixtures' order.
    pub cases: Vec<Case>,
    /// What was not sent.
    pub skipped: Vec<Skipped>,
    /// In how many cases a handler ran that could not be asked what it saw.
    pub unobserved: usize,
    /// How long the run took.
    pub took: Duration,
}

/// One fixture on one route.
#[derive(Clone, Debug)]
pub struct Case {
    /// The fixture's id.
    pub fixture: String,
    /// The fixture's platform.
    pub platform: String,
    /// The name of the [`Group`](crate::Group) that says why it failed, or else that of its fixture.
    pub group: String,
    /// How much depends on it.
    pub level: Level,
    /// The rule that it guards.
    pub why: String,
    /// The app or server.
    pub subject: String,
    /// The route's path.
    pub route: String,
    /// What went wrong; empty when it passed.
    pub differences: Vec<Difference>,
    /// How long it took.
    pub took: Duration,
}

/// A fixture that was not sent.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// The fixture's id.
    pub fixture: String,
    /// Why not.
    pub why: String,
}

impl Case {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Report {
    /// The number of cases that passed.
    pub fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.passed()).count()
    }

    /// The number of cases that failed.
    pub fn failed(&self) -> usize {
        self.cases.len() - self.passed()
    }

    /// The table of fixtures and subjects, then each failure with its reason, and `N passed, N failed` as last line.
    pub fn table(&self) -> String {
        table::write(self)
    }

    /// One JSON document with every case.
    pub fn json(&self) -> String {
        json::write(self)
    }

    /// A `JUnit` document, one test suite per subject.
    ///
    /// # Errors
    /// When the writer of that format refuses.
    pub fn junit(&self) -> Result<String, impl std::error::Error + Send + Sync + 'static> {
        junit::write(self)
    }

    /// The subjects, in the order of their first case.
    fn subjects(&self) -> Vec<&str> {
        let mut subjects: Vec<&str> = Vec::new();
        for case in &self.cases {
            if !subjects.contains(&case.subject.as_str()) {
                subjects.push(&case.subject);
            }
        }
        subjects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Symptom;

    fn report() -> Report {
        let case = |fixture: &str, subject: &str, differences: Vec<Difference>| Case {
            fixture: fixture.into(),
            platform: "seismic".into(),
            group: "events".into(),
            level: Level::Must,
            why: format!("the rule of {fixture}"),
            subject: subject.into(),
            route: "/seismic".into(),
            differences,
            took: Duration::from_millis(1500),
        };
        let wrong = vec![Difference::new(Symptom::Refused, "request 1: status", "202", "401")];
        Report {
            cases: vec![
                case("install", "axum", vec![]),
                case("install", "warp", wrong),
                case("upgrade", "axum", vec![]),
            ],
            skipped: vec![Skipped { fixture: "stale".into(), why: "needs a setting".into() }],
            unobserved: 3,
            took: Duration::from_secs(2),
        }
    }

    #[test]
    fn the_table_shows_each_cell_each_failure_and_the_sum_last() {
        let table = report().table();
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(rows.contains(&vec!["seismic", "axum", "warp"]), "{table}");
        assert!(rows.contains(&vec!["install", "✓", "1", "✗", "1", "of", "1"]), "{table}");
        assert!(rows.contains(&vec!["upgrade", "✓", "1", "-"]), "{table}");
        for part in [
            "the rule of install",
            "request 1: status: expected 202, got 401",
            "1 for this reason: needs a setting\n  stale",
            "the handler saw: 3 cases",
        ] {
            assert!(table.contains(part), "{table}");
        }
        assert_eq!(table.lines().last(), Some("2 passed, 1 failed"));
    }

    #[test]
    fn the_json_holds_each_case() {
        let json: serde_json::Value = serde_json::from_str(&report().json()).unwrap();
        assert_eq!((&json["passed"], &json["failed"]), (&2.into(), &1.into()));
        assert_eq!(json["cases"][1]["differences"][0]["got"], "401");
        assert_eq!(json["cases"][0]["took_ms"], 1500);
        assert_eq!(json["skipped"][0]["fixture"], "stale");
    }

    #[test]
    fn the_junit_counts_per_subject() {
        let junit = report().junit().unwrap();
        assert!(
            junit.contains(r#"<testsuite name="axum" tests="2" skipped="0" errors="0" failures="0">"#),
            "{junit}"
        );
        assert!(
            junit.contains(r#"<testsuite name="warp" tests="1" skipped="0" errors="0" failures="1">"#),
            "{junit}"
        );
        assert!(junit.contains("expected 202, got 401"), "{junit}");
    }
}
