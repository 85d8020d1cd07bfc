//! `lifecycle conformance`: receivers in other languages, and a receiver that is wrong.

use std::fs;
use std::path::Path;

use crate::program::{Ran, SECRET, lifecycle};
use crate::servers::{PREVIOUS, Server, answering, app, other_language, script};

fn run(url: &str, more: &[&str]) -> Ran {
    let own = ["conformance", "--url", url, "--secret", SECRET, "--previous-secret", PREVIOUS];
    lifecycle([&own[..], more].concat())
}

fn passes(server: &Server) {
    let ran = run(&server.url("/seismic"), &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.trim_end().ends_with(" passed, 0 failed"), "{ran:?}");
}

#[test]
fn the_node_receiver_passes() {
    script("node", &other_language("node/receiver.mjs")).iter().for_each(passes);
}

#[test]
fn the_python_receiver_passes() {
    script("python3", &other_language("python/receiver.py")).iter().for_each(passes);
}

#[test]
fn a_receiver_that_compares_a_reserialised_body_fails() {
    let right = fs::read_to_string(other_language("node/receiver.mjs")).unwrap();
    let wrong = right.replace(".update(body)", ".update(JSON.stringify(JSON.parse(body)))");
    assert_ne!(right, wrong, "the receiver has another form now");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reserialising.mjs");
    fs::write(&file, wrong).unwrap();
    let Some(server) = script("node", &file) else { return };
    let ran = run(&server.url("/seismic"), &["--json"]);
    assert_eq!(ran.code, 1);
    let document = ran.json();
    let failed: Vec<&str> = document["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["passed"] == false)
        .map(|case| case["fixture"].as_str().unwrap())
        .collect();
    for fixture in ["body-pretty-printed", "body-with-final-newline", "tampered-newline-added"] {
        assert!(failed.contains(&fixture), "{failed:?}");
    }
    assert!(!failed.contains(&"install"), "what is compact comes out the same: {failed:?}");
}

#[test]
fn a_server_that_takes_everything_fails_each_refusal() {
    let url = answering("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", std::time::Duration::ZERO);
    let ran = run(&url, &["--filter", "tampered"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("1. must   Verifies other bytes than those that came\n"), "{ran:?}");
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{ran:?}");
    assert!(ran.out.trim_end().contains("0 passed, "), "{ran:?}");
}

#[test]
fn a_case_that_should_pass_fails_the_run_only_where_that_is_asked_for() {
    let url = answering("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", std::time::Duration::ZERO);
    let undecodable = ["--filter", "undecodable-type-missing"];
    assert_eq!(run(&url, &undecodable).code, 0);
    let ran = run(&url, &[&undecodable[..], &["--level", "should", "--all"]].concat());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("request 1: status: expected 4xx or 5xx, got 202"), "{ran:?}");
    assert!(
        ran.out
            .trim_end()
            .ends_with("0 passed, 1 failed (0 must, 1 should, 0 strict); --show CASE has the request"),
        "{ran:?}"
    );
}

#[test]
fn what_is_fixed_and_new_since_the_last_run_is_told() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("last-run.json");
    let _ = fs::remove_file(&file); // of an earlier run
    let results = ["--filter", "tampered-newline-added", "--results", file.to_str().unwrap()];
    let takes = answering("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", std::time::Duration::ZERO);
    let first = run(&takes, &results);
    assert!(!first.out.contains("Since the last run"), "{first:?}");
    let app = app("example-axum");
    let second = run(&app.url("/seismic"), &results);
    assert!(second.out.contains("Since the last run: 1 fixed, 0 new\n"), "{second:?}");
    let third = run(&takes, &results);
    assert!(third.out.contains("Since the last run: 0 fixed, 1 new: tampered-newline-added\n"), "{third:?}");
}

#[test]
fn a_case_is_shown_as_bytes_and_as_a_command() {
    let nobody = "http://127.0.0.1:1/seismic"; // nothing is sent
    let ran = run(nobody, &["--show", "tampered-newline-added"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in [
        "(must, seismic)",
        "\nPOST /seismic HTTP/1.1\\r\n",
        "to be answered 4xx or 5xx",
        "\ncurl -i -X POST ",
    ] {
        assert!(ran.out.contains(part), "{part}: {ran:?}");
    }
    assert!(!ran.out.contains(SECRET), "{ran:?}");
    assert!(run(nobody, &["--show", "forged-slow"]).out.contains("curl cannot send that"));
    assert_eq!(run(nobody, &["--show", "stripe-forged"]).code, 2, "a case of another platform");
}

#[test]
fn what_is_not_sent_is_named_with_its_reason() {
    let app = app("example-axum");
    let url = app.url("/seismic");
    let ran = lifecycle(["conformance", "--url", &url, "--secret", SECRET, "--filter", "rotation", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json();
    let why = |fixture: &str| {
        let skipped = document["skipped"].as_array().unwrap().iter();
        skipped.filter(|one| one["fixture"] == fixture).map(|one| one["why"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(why("rotation-previous-in-old-header"), ["needs a previous secret"]);
    assert!(document["passed"].as_u64().unwrap() > 0);
}

#[test]
fn the_junit_report_has_every_case() {
    let app = app("example-axum");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance.xml");
    let ran = run(&app.url("/seismic"), &["--filter", "tampered", "--junit", file.to_str().unwrap()]);
    assert_eq!(ran.code, 0);
    let report = fs::read_to_string(file).unwrap();
    let count = report.matches("<testcase ").count();
    assert!(count > 5 && ran.out.contains(&format!("{count} passed, 0 failed")), "{count} {ran:?}");
}

#[test]
fn the_list_needs_no_server_and_no_secret() {
    let ran = lifecycle(["conformance", "--list", "--filter", "tampered-newline"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.starts_with("seismic/tampered-newline-added [endpoint, "), "{ran:?}");
    assert!(ran.out.ends_with("\n2 fixtures\n"), "{ran:?}");
}

#[test]
fn a_wrong_path_secret_or_app_is_told_in_one_sentence() {
    let app = app("example-axum");
    let right = app.url("/seismic");
    let other_app = answering(
        "HTTP/1.1 422 Unprocessable Content\r\ncontent-length: 25\r\n\r\n{\"code\":\"unexpected-app\"}",
        std::time::Duration::ZERO,
    );
    let hook = app.url("/securityscorecard/hook/0123456789abcdeg");
    let mut printed = String::new();
    for arguments in [
        ["--url", &app.url(""), "--secret", SECRET],
        ["--url", &app.url("/features"), "--secret", SECRET],
        ["--url", &right, "--secret", "quite another one"],
        ["--url", &other_app, "--secret", SECRET],
        ["--hook-url", &hook, "--secret", SECRET],
    ] {
        let ran = lifecycle([&["conformance"], &arguments[..]].concat());
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.lines().count()),
            (2, "", 1),
            "{arguments:?}: {ran:?}"
        );
        printed.push_str(&ran.err);
    }
    insta::assert_snapshot!(printed);
}

#[test]
fn a_report_that_cannot_be_written_costs_no_run() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let missing = folder.join("no-such-folder/report.xml");
    let nobody = "http://127.0.0.1:1/seismic"; // would fail, too, if it were asked
    let ran = run(nobody, &["--junit", missing.to_str().unwrap()]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: cannot write ") && ran.err.contains("no-such-folder"), "{ran:?}");
    let new = folder.join("of-no-run.xml");
    assert_eq!(run(nobody, &["--junit", new.to_str().unwrap()]).code, 2);
    assert!(!new.exists(), "a run without a report leaves none behind");
}
