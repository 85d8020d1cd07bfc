//! `lifecycle scenario`: built-in ones, files, and what it says when somebody would have been blocked.

use std::time::Duration;

use crate::program::{MADE_ANEW, SECRET, lifecycle, lifecycle_with, redacted};
use crate::servers::{PREVIOUS, answering, app, recording};

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
    let printed = format!("{}\n{}", right.out, wrong.out);
    assert_eq!(printed.lines().find(|line| line.chars().count() > 80), None);
    insta::with_settings!({filters => MADE_ANEW}, {
        insta::assert_snapshot!(redacted(&printed));
    });
}

#[test]
fn a_scenario_tells_its_tenant_the_ids_of_its_requests_and_what_is_not_seen() {
    let (url, requests) = recording();
    let arguments = ["scenario", "re-install", "--url", &url, "--secret", SECRET];
    let document = lifecycle([&arguments[..], &["--json", "-v"]].concat()).json();
    for step in document["steps"].as_array().unwrap() {
        let body: serde_json::Value = serde_json::from_slice(&requests.recv().unwrap().1).unwrap();
        assert_eq!((&document["tenant"], &step["request_id"]), (&body["tenantId"], &body["requestId"]));
        let shown: serde_json::Value =
            serde_json::from_str(step["request"]["body"].as_str().unwrap()).unwrap();
        assert_eq!(shown, body);
    }
    let ran = lifecycle([&arguments[..], &["--tenant", "acme"]].concat());
    assert!(
        ran.out.contains("\ntenant acme\n") && ran.out.matches("\n      request ").count() == 7,
        "{ran:?}"
    );
    assert!(ran.out.contains("\nnot seen from here: whether the tenant is still installed"), "{ran:?}");
}

#[test]
fn a_dry_run_of_a_scenario_shows_each_request_and_sends_none() {
    for name in
        ["install-to-uninstall", "rotation-day", "duplicates", "out-of-order", "slow-network", "re-install"]
    {
        let secrets = ["--secret", SECRET, "--previous-secret", PREVIOUS];
        let ran = lifecycle(
            [&["scenario", name, "--url", "http://127.0.0.1:1/x", "--dry-run"], &secrets[..]].concat(),
        );
        assert_eq!(ran.code, 0, "{ran:?}");
        let steps = lifecycle(["scenario", "--print", name]).json()["steps"].as_array().unwrap().len();
        assert_eq!(ran.out.matches("\n> POST /x HTTP/1.1\n").count(), steps, "{ran:?}");
        assert!(ran.out.ends_with("\nnothing was sent\n") && !ran.out.contains(SECRET), "{ran:?}");
    }
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
