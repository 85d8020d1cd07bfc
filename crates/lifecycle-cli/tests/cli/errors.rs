//! Errors: one line that says what to do, exit code 2, and never a secret.

use crate::program::{SECRET, lifecycle};

#[test]
fn every_malformed_argument_gets_one_line_and_exit_code_2() {
    let url = "http://127.0.0.1:1/seismic";
    let send = ["send", "seismic", "install", "--secret", SECRET, "--url"];
    let mut printed = String::new();
    for arguments in [
        [&send[..], &[url]].concat(),
        [&send[..], &["no url"]].concat(),
        [&send[..], &["ftp://127.0.0.1/"]].concat(),
        [&send[..], &["127.0.0.1:3000/seismic"]].concat(),
        [&send[..], &[url, "--set", "tenant"]].concat(),
        [&send[..], &[url, "--set", "a={"]].concat(),
        [&send[..], &[url, "--body", "/no/such/file"]].concat(),
        [&send[..], &[url, "-H", "hunter2"]].concat(),
        [&send[..], &[url, "-H", "a b: hunter2"]].concat(),
        [&send[..], &[url, "-H", "X-Seismic-Signature: hunter2"]].concat(),
        [&send[..], &[url, "--unsigned", "-H", "x-seismic-signature-old: hunter2"]].concat(),
        [&send[..], &[url, "-H", "content-length: 1"]].concat(),
        vec!["send", "securityscorecard", "action", "a", "--url", url, "-H", "x-ssc-app-id: hunter2"],
        vec!["send", "seismic", "install", "--url", url],
        vec!["send", "seismic", "install", "--url", url, "--secret", ""],
        vec!["send", "seismic", "install", "--url", url, "--secret", "'hunter2'"],
        vec!["send", "seismic", "install", "--url", url, "--secret", "hunter2\n"],
        vec!["send", "seismic", "install", "--url", url, "--secret-env", "NO_SUCH_VARIABLE"],
        vec!["send", "seismic", "install", "--url", url, "--secret-env", "A=B"],
        vec!["send", "seismic", "install", "--url", url, "--secret-file", "/no/such/file"],
        vec!["send", "securityscorecard", "action", "a", "--url", url, "--secret-header", "hunter2"],
        vec!["send", "seismic", "instal", "--url", url, "--secret", SECRET],
        vec!["scenario", "nope", "--url", url, "--secret", SECRET],
        vec!["scenario", "duplicate", "--url", url, "--secret", SECRET],
        vec!["scenario", "rotation-day", "--url", url, "--secret", SECRET],
        vec!["scenario", "duplicates", "--url", url, "--secret", SECRET],
        vec!["sign", "--body", "/no/such/file", "--secret", SECRET],
        vec!["verify", "--body", "/dev/null", "--headers", "/dev/null", "--secret", SECRET],
        vec!["verify", "--signature", "00", "--secret", SECRET],
        vec!["conformance", "--url", url, "--secret", SECRET],
        vec!["conformance", "--url", "https://127.0.0.1/", "--secret", SECRET],
    ] {
        let ran = lifecycle(&arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert_eq!((ran.out.as_str(), ran.err.lines().count()), ("", 1), "{arguments:?}: {ran:?}");
        assert!(!ran.err.contains("hunter2") && !ran.err.contains(SECRET), "{ran:?}");
        printed.push_str(&ran.err);
    }
    insta::assert_snapshot!(printed);
}

#[test]
fn an_error_is_json_too_where_json_is_asked_for() {
    let ran = lifecycle([
        "send",
        "seismic",
        "install",
        "--secret",
        SECRET,
        "--url",
        "http://127.0.0.1:1/",
        "--json",
    ]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.json()["error"]["message"], "connection refused by 127.0.0.1:1");
    assert_eq!(ran.json()["error"]["next"], "is the app running, and is the port right?");
}

#[test]
fn a_usage_error_shows_no_secret() {
    for arguments in [
        vec!["sign", "--body", "-", "--secret", "hunter2", "--secret-file", "x"],
        vec!["sign", "--body", "-", "--secret", "hunter2", "--no-such-option"],
        vec!["send", "seismic", "install", "--secret", "hunter2"],
        vec!["send", "seismic", "install", "--url", "x", "--secret", "hunter2", "--repeat", "x"],
        vec!["send", "securityscorecard", "action", "--secret-header", "hunter2"],
    ] {
        let ran = lifecycle(&arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!ran.err.contains("hunter2"), "{ran:?}");
    }
}
