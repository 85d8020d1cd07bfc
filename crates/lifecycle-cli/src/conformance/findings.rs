//! Findings: a report for people, worst first, on one screen of 80 columns.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::Style;
use lifecycle_conformance::{Case, Difference, Finding, Level, Report, Symptom};
use serde_json::{Value, json};

use super::record::Changes;
use crate::shown::{BAD, DIM, GOOD, HEADING, WIDTH};

/// How many findings there is room for.
const FULL: usize = 6;

/// How many cases of each.
const EXAMPLES: usize = 3;

/// What is shown.
#[derive(Debug)]
pub(super) struct Shown<'r> {
    pub(super) report: &'r Report,
    pub(super) findings: &'r [Finding<'r>],
    pub(super) changes: &'r Changes,
    pub(super) level: Level,
    /// Each finding, with all that is known of each case.
    pub(super) all: bool,
    /// Each case that was not asked for, with the reason.
    pub(super) skipped: bool,
}

impl Shown<'_> {
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let count = if self.all { self.findings.len() } else { FULL };
        for (place, finding) in self.findings.iter().take(count).enumerate() {
            self.finding(&mut text, place + 1, finding);
        }
        let rest = self.findings.get(count..).unwrap_or_default();
        if !rest.is_empty() {
            let cases: usize = rest.iter().map(|finding| finding.cases.len()).sum();
            let names: Vec<&str> = rest.iter().map(|finding| finding.group.name.as_str()).collect();
            let names = within(WIDTH - 32, "", &names);
            line(&mut text, &format!("and {} more, {cases} cases: {names}; --all", rest.len()));
        }
        if !self.findings.is_empty() {
            text.push('\n');
        }
        self.changes(&mut text);
        self.unasked(&mut text);
        line(&mut text, &self.sum());
        text
    }

    /// Title, cases and remedy: three lines, and with `all` those of each case.
    fn finding(&self, text: &mut String, number: usize, finding: &Finding<'_>) {
        let group = finding.group;
        let style = style(group.level);
        line(
            text,
            &format!(
                "{number}. {style}{:<6}{style:#} {HEADING}{}{HEADING:#}",
                group.level.name(),
                group.title
            ),
        );
        let mut count = counted(finding.cases.len(), "case");
        if finding.accepted() > 0 && finding.accepted() < finding.cases.len() {
            count = format!("{count}, {} of them accepted", finding.accepted());
        }
        let examples: Vec<String> = finding.cases.iter().take(EXAMPLES).map(|case| example(case)).collect();
        let examples: Vec<&str> = examples.iter().map(String::as_str).collect();
        line(text, &within(WIDTH, &format!("   {count}: "), &examples));
        line(text, &format!("   -> {}", group.remedy));
        if self.all {
            for case in &finding.cases {
                line(text, &format!("   {} on {}: {}", case.fixture, case.route, case.why));
                for Difference { what, expected, got, .. } in &case.differences {
                    line(text, &format!("      {what}: expected {expected}, got {got}"));
                }
            }
        }
    }

    fn changes(&self, text: &mut String) {
        let Changes { fixed, new } = self.changes;
        if fixed.is_empty() && new.is_empty() {
            return;
        }
        let new_names: Vec<&str> = new.iter().map(String::as_str).collect();
        let start = format!("Since the last run: {} fixed, {} new", fixed.len(), new.len());
        let shown = if new.is_empty() { start } else { within(WIDTH, &format!("{start}: "), &new_names) };
        line(text, &shown);
    }

    fn unasked(&self, text: &mut String) {
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for skipped in &self.report.skipped {
            reasons.entry(&skipped.why).or_default().push(&skipped.fixture);
        }
        let previous = reasons.get("needs a previous secret").map_or(0, Vec::len);
        if self.skipped {
            for (why, fixtures) in reasons {
                line(
                    text,
                    &format!("Not sent, {} for this reason: {why}\n  {}", fixtures.len(), fixtures.join(" ")),
                );
            }
            return;
        }
        if previous > 0 {
            line(
                text,
                &format!("Not sent: {} of rotation; --previous-secret-file FILE", counted(previous, "case")),
            );
        }
        let others = self.report.skipped.len() - previous;
        if others > 0 {
            let others = counted(others, "case");
            line(text, &format!("Not sent: {others} about other routes or settings; --skipped lists them"));
        }
    }

    fn sum(&self) -> String {
        let failed = self.report.failed();
        let sum = format!("{} passed, {failed} failed", self.report.passed());
        let style = if self.report.failed_at(self.level) == 0 { GOOD } else { BAD };
        if failed == 0 {
            return format!("{style}{sum}{style:#}");
        }
        let of =
            |level: Level| self.report.cases.iter().filter(move |case| !case.passed() && case.level == level);
        let levels = Level::ALL.map(|level| format!("{} {level}", of(level).count())).join(", ");
        format!("{style}{sum}{style:#} ({levels}); --show CASE has the request")
    }
}

/// The findings for programs.
pub(super) fn json(findings: &[Finding<'_>]) -> Value {
    let one = |finding: &Finding<'_>| {
        let cases: Vec<&str> = finding.cases.iter().map(|case| case.fixture.as_str()).collect();
        let group = finding.group;
        json!({
            "group": group.name,
            "level": group.level,
            "title": group.title,
            "remedy": group.remedy,
            "accepted": finding.accepted(),
            "cases": cases,
        })
    };
    findings.iter().map(one).collect()
}

fn style(level: Level) -> Style {
    match level {
        Level::Must => BAD,
        Level::Should => HEADING,
        Level::Strict => DIM,
    }
}

/// A case with what came back.
fn example(case: &Case) -> String {
    let first = case.differences.iter().find(|difference| difference.symptom != Symptom::Late);
    let shown = match first {
        Some(Difference {
            symptom: Symptom::Accepted | Symptom::Refused | Symptom::OtherSuccess,
            got,
            ..
        }) => got.as_str(),
        Some(Difference { symptom: Symptom::NoAnswer, .. }) => "no answer",
        Some(Difference { symptom: Symptom::LeftOpen, .. }) => "goes on",
        Some(Difference { symptom: Symptom::Private, .. }) => "private",
        Some(_) => "differs",
        None => "late",
    };
    format!("{} {shown}", case.fixture)
}

/// As many of these as a line has room for, and at least one.
fn within(width: usize, start: &str, names: &[&str]) -> String {
    let mut line = start.to_owned();
    for (place, name) in names.iter().enumerate() {
        let more = if place + 1 < names.len() { 3 } else { 0 };
        if place > 0 && line.chars().count() + 2 + name.len() + more > width {
            line.push_str(", …");
            break;
        }
        line.push_str(if place > 0 { ", " } else { "" });
        line.push_str(name);
    }
    line
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn line(text: &mut String, line: &str) {
    let _ = writeln!(text, "{line}"); // a String takes every write
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_as_many_names_as_it_has_room_for() {
        assert_eq!(within(80, "", &["a", "b"]), "a, b");
        assert_eq!(within(12, "12: ", &["long-one", "b"]), "12: long-one, …");
        assert_eq!(within(9, "", &["one", "two", "three"]), "one, …");
    }
}
