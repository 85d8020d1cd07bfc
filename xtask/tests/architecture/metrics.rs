//! Metrics: what the code counts, its docs, the guide, the dashboard and the alerts name the same.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::tree;

/// Where metrics are counted and documented.
const TELEMETRY: [&str; 2] =
    ["crates/lifecycle-core/src/telemetry.rs", "crates/lifecycle-inbox/src/telemetry.rs"];
const DASHBOARD: &str = "docs/grafana/lifecycle.json";
const ALERTS: &str = "docs/grafana/alerts.yml";

fn read(path: &str) -> String {
    fs::read_to_string(tree::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_part(letter));
    let is_metric =
        |word: &&str| word.starts_with("lifecycle_callback") || word.starts_with("lifecycle_inbox_");
    words.filter(is_metric).map(str::to_owned).collect()
}

/// The names in queries: of a histogram Prometheus has series by other names.
fn queried(text: &str) -> BTreeSet<String> {
    let metric = |name: String| match name.strip_suffix("_bucket") {
        Some(histogram) => histogram.to_owned(),
        None => name,
    };
    names(text).into_iter().map(metric).collect()
}

/// The lines of a file, which are the docs of its module or not.
fn lines(path: &str, docs: bool) -> String {
    let text = read(path);
    text.lines().filter(|line| line.starts_with("//!") == docs).collect::<Vec<_>>().join("\n")
}

fn counted() -> BTreeSet<String> {
    TELEMETRY.iter().flat_map(|path| names(&lines(path, false))).collect()
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_counted() {
    let counted = counted();
    assert!(counted.len() >= 13, "{counted:?}");
    let documented = TELEMETRY.iter().flat_map(|path| names(&lines(path, true))).collect::<BTreeSet<_>>();
    assert_eq!(documented, counted);
    assert_eq!(names(&read("docs/guide/operating.md")), counted);
}

#[test]
fn the_guide_says_of_every_rejection_what_to_do() {
    let rejections = read("crates/lifecycle-core/src/rejection.rs");
    let codes = rejections.split("pub fn code(").nth(1).unwrap().split("pub fn ").next().unwrap();
    let codes: Vec<&str> = codes.split('"').skip(1).step_by(2).collect();
    assert!(codes.contains(&"signature-mismatch"), "{codes:?}");
    let guide = read("docs/guide/operating.md");
    assert_eq!(codes.iter().find(|code| !guide.contains(&format!("`{code}`"))), None);
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let text = read(DASHBOARD);
    serde_json::from_str::<Value>(&text).unwrap();
    assert_eq!(queried(&text), counted());
}

#[test]
fn the_alerts_ask_for_metrics_and_codes_that_exist() {
    let text = read(ALERTS);
    let (queried, counted) = (queried(&text), counted());
    assert!(queried.is_subset(&counted), "{:?}", queried.difference(&counted));
    let answers = [TELEMETRY[0], "crates/lifecycle-core/src/rejection.rs"].map(read).concat();
    let mut codes = text.split("code=").skip(1).flat_map(|rest| rest.split('"').nth(1).unwrap().split('|'));
    assert!(codes.clone().count() >= 10);
    assert_eq!(codes.find(|code| !answers.contains(&format!("\"{code}\""))), None);
}
