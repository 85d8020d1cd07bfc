//! Black-box mode against servers that are wrong on purpose: the suite has to notice, and to say what it left out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

use lifecycle_conformance::{
    Credentials, Exactness, Filter, Progress, Report, Route, RouteKind, Suite, Target, run_target,
};

const SECRET: &str = "the-secret-of-this-test";

/// A server that gives the same bytes to whatever is sent, and closes.
fn serve(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            thread::spawn(move || {
                let mut buffer = vec![0; 64 * 1024];
                if stream.read(&mut buffer).is_ok() {
                    let _ = stream.write_all(answer.as_bytes());
                }
            });
        }
    });
    address
}

fn run(answer: &'static str, exactness: Exactness, ids: &[&str]) -> Report {
    let suite = suite();
    let mut all = Report::default();
    for id in ids {
        let report = run_target(suite, &target(answer, exactness), &Filter::id(*id), &Progress::silent());
        all.cases.extend(report.cases);
        all.skipped.extend(report.skipped);
        all.unobserved += report.unobserved;
    }
    all
}

/// Read once for all tests.
fn suite() -> &'static Suite {
    static SUITE: OnceLock<Suite> = OnceLock::new();
    SUITE.get_or_init(|| Suite::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")).unwrap())
}

fn target(answer: &'static str, exactness: Exactness) -> Target {
    let credentials = Credentials { app: "a1".into(), current: SECRET.into(), previous: None, tenant: None };
    Target {
        name: "wrong".into(),
        address: serve(answer),
        routes: vec![Route {
            name: "endpoint".into(),
            path: "/seismic".into(),
            platform: "seismic".into(),
            kind: RouteKind::Endpoint,
            event: None,
        }],
        credentials: BTreeMap::from([("seismic".to_owned(), credentials)]),
        exactness,
    }
}

const ACCEPTS: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[test]
fn a_server_that_accepts_everything_fails_each_refusal() {
    let report =
        run(ACCEPTS, Exactness::Verdict, &["install", "unsigned", "forged", "tampered-newline-added"]);
    let failed: BTreeSet<&str> =
        report.cases.iter().filter(|case| !case.passed()).map(|case| case.fixture.as_str()).collect();
    assert_eq!(failed, BTreeSet::from(["forged", "tampered-newline-added", "unsigned"]));
    assert_eq!((report.passed(), report.failed()), (1, 3));
    assert!(report.table().contains("request 1: status: expected 4xx or 5xx, got 202"), "{}", report.table());
}

#[test]
fn a_server_of_another_make_may_word_its_refusals() {
    let refuses = "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!";
    assert_eq!(run(refuses, Exactness::Verdict, &["unsigned"]).failed(), 0);
    let exact = run(refuses, Exactness::Bytes, &["unsigned"]);
    let what: Vec<&str> =
        exact.cases[0].differences.iter().map(|difference| difference.what.as_str()).collect();
    assert_eq!(what, ["request 1: status", "request 1: header content-type", "request 1: body"]);
}

#[test]
fn another_success_than_the_platforms_own_is_a_failure() {
    let fine = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let report = run(fine, Exactness::Verdict, &["install"]);
    assert_eq!(report.cases[0].differences[0].expected, "202");
}

#[test]
fn a_connection_that_is_closed_without_an_answer_is_a_failure() {
    let report = run("", Exactness::Verdict, &["install", "unsigned"]);
    assert_eq!(report.failed(), 2);
    assert!(report.cases.iter().all(|case| case.differences[0].got == "the connection was closed"));
}

#[test]
fn a_secret_in_an_answer_is_noticed_and_not_repeated() {
    let tells =
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 23\r\nConnection: close\r\n\r\nthe-secret-of-this-test";
    for exactness in [Exactness::Verdict, Exactness::Bytes] {
        let report = run(tells, exactness, &["unsigned"]);
        assert!(report.cases[0].differences.iter().any(|difference| difference.what.ends_with("privacy")));
        assert!(!report.table().contains(SECRET) && !report.json().contains(SECRET), "{}", report.table());
        assert!(!report.junit().unwrap().contains(SECRET));
    }
}

#[test]
fn what_cannot_be_asked_of_any_server_is_left_out_with_its_reason() {
    let report =
        run(ACCEPTS, Exactness::Verdict, &["stale", "handler-fails", "rotation-swapped-headers", "hook-get"]);
    assert!(report.cases.is_empty());
    let skipped: Vec<(&str, &str)> =
        report.skipped.iter().map(|skipped| (skipped.fixture.as_str(), skipped.why.as_str())).collect();
    let expected = [
        ("stale", "needs a server with other settings: SEISMIC_MAX_AGE_SECONDS"),
        ("handler-fails", "needs a handler that refuses, fails and sleeps on demand"),
        ("rotation-swapped-headers", "needs a previous secret"),
        ("hook-get", "needs a route of another kind: hook"),
    ];
    assert_eq!(skipped, expected);
    assert_eq!(run(ACCEPTS, Exactness::Verdict, &["install"]).unobserved, 1);
}
