//! `lifecycle explain` names the right cause. The cases of `explain.json` were signed with Python's own `hmac`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::program::{Ran, SECRET, lifecycle, lifecycle_with};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// None where there is no cause to be found.
    causes: Option<BTreeSet<String>>,
    #[serde(default)]
    body: String,
    body_base64: Option<String>,
    headers: BTreeMap<String, String>,
    secret: String,
    previous: Option<String>,
}

impl Case {
    fn body(&self) -> Vec<u8> {
        match &self.body_base64 {
            Some(text) => STANDARD.decode(text).unwrap(),
            None => self.body.clone().into_bytes(),
        }
    }

    fn explain(&self) -> Ran {
        let mut arguments = vec!["explain", "--json", "--body", "-", "--secret-env", "CURRENT"]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        arguments.extend(self.headers.iter().map(|(name, value)| format!("--header={name}:{value}")));
        let mut variables = vec![("CURRENT", self.secret.as_str())];
        if let Some(previous) = &self.previous {
            arguments.push("--previous-secret-env=PREVIOUS".into());
            variables.push(("PREVIOUS", previous));
        }
        lifecycle_with(arguments, &variables, &self.body())
    }
}

fn cases() -> Vec<Case> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/explain.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn ids(document: &Value) -> BTreeSet<String> {
    document["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| cause["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn names_the_cause_of_each_case() {
    for case in cases() {
        let ran = case.explain();
        let document = ran.json();
        assert_eq!(document["found"], case.causes.is_some(), "{}: {ran:?}", case.name);
        assert_eq!(ran.code, i32::from(case.causes.is_none()), "{}", case.name);
        let expected = case.causes.clone().unwrap_or_default();
        assert_eq!(ids(&document), expected, "{}", case.name);
        assert_eq!(document["matches"], case.causes.is_some_and(|causes| causes.is_empty()), "{}", case.name);
    }
}

#[test]
fn every_documented_cause_has_a_case_of_its_own() {
    let alone: BTreeSet<String> = cases()
        .into_iter()
        .filter_map(|case| case.causes)
        .filter(|causes| causes.len() == 1)
        .flatten()
        .collect();
    assert_eq!(ids(&lifecycle(["explain", "--causes", "--json"]).json()), alone);
}

#[test]
fn the_manual_lists_every_cause() {
    let manual = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for cause in lifecycle(["explain", "--causes", "--json"]).json()["causes"].as_array().unwrap() {
        let row = format!(
            "| `{}` | {} | {} |",
            cause["id"].as_str().unwrap(),
            cause["what"].as_str().unwrap(),
            cause["change"].as_str().unwrap()
        );
        assert!(manual.contains(&row), "the manual lacks {row}");
    }
}

#[test]
fn never_shows_a_secret_or_an_expected_signature() {
    for case in cases() {
        let ran = case.explain();
        let shown = format!("{}{}", ran.out, ran.err).to_lowercase();
        assert!(!shown.contains(case.secret.trim().to_lowercase().as_str()), "{}: {shown}", case.name);
        let mut runs = shown.split(|letter: char| !letter.is_ascii_hexdigit());
        assert!(runs.all(|run| run.len() < 32), "{}: {shown}", case.name);
    }
}

#[test]
fn a_request_without_a_signature_is_an_error_that_says_so() {
    let ran = lifecycle_with(["explain", "--body", "-", "--secret", SECRET, "-H", "host: x"], &[], b"{}");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.starts_with("error: there is no signature header: give --signature"), "{ran:?}");
}
