//! `lifecycle scenario`: built-in ones, files, and what it says when somebody would have been blocked.

use std::time::Duration;

use crate::program::{SECRET, lifecycle, lifecycle_with, redacted};
use crate::servers::{PREVIOUS, answering, app};

#[test]
fn each_step_has_its_verdict() {
    let app = app("example-axum");
    let url = app.url("/seismic");
    let right = lifecycle([
        "scenario",
        "rotation-day",
        "--url",
        &url,
        "--secret",
        SECRET,
        "--previous-secret",
        PREVIOUS,
    ]);
    assert_eq!(right.code, 0);
    let wrong = lifecycle([
        "scenario",
        "rotation-day",
        "--url",
        &url,
        "--secret",
        SECRET,
        "--previous-secret",
        "x-another",
    ]);
    assert_eq!(wrong.code, 1);
    insta::assert_snapshot!(redacted(&format!("{}\n{}", right.out, wrong.out)));
}

#[test]
fn what_had_to_be_refused_and_was_not_is_told() {
    let url = answering("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", Duration::ZERO);
    let ran = lifecycle([
        "scenario",
        "rotation-day",
        "--url",
        &url,
        "--secret",
        SECRET,
        "--previous-secret",
        PREVIOUS,
    ]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.out.lines().last(), Some("what had to be refused was accepted: step 5"));
}

#[test]
fn a_built_in_scenario_can_be_printed_and_played_as_a_file() {
    let app = app("example-axum");
    let printed = lifecycle(["scenario", "--print", "duplicates"]);
    assert_eq!(printed.code, 0);
    let url = app.url("/seismic");
    let arguments = ["scenario", "-", "--url", &url, "--secret", SECRET, "--json"];
    let ran = lifecycle_with(arguments, &[], printed.out.as_bytes());
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json();
    assert_eq!(document["steps"].as_array().unwrap().len(), 7);
    assert_eq!(document["steps"][2]["sent"], 10);
    assert_eq!(document["not_as_expected"], serde_json::json!([]));
}

#[test]
fn the_list_names_the_six() {
    insta::assert_snapshot!(lifecycle(["scenario", "--list"]).out);
}
