//! `lifecycle send`: what it prints, and when it says that somebody would have been blocked.

use std::fmt::Write as _;
use std::time::Duration;

use crate::program::{MADE_ANEW, Ran, SECRET, lifecycle, lifecycle_with, redacted};
use crate::servers::{TOKEN, answering, app};

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

fn send(url: &str, more: &[&str]) -> Ran {
    lifecycle([&["send", "seismic", "install", "--url", url, "--secret", SECRET], more].concat())
}

/// The last line, or what it was before it was broken.
fn verdict(ran: &Ran) -> String {
    let lines: Vec<&str> = ran.out.lines().collect();
    let start = lines.iter().rposition(|line| !line.starts_with("  ")).unwrap();
    redacted(&lines[start..].iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "))
}

#[test]
fn an_accepted_callback_and_each_way_to_be_refused() {
    let app = app("example-axum");
    let url = app.url("/seismic");
    let mut printed = String::new();
    for (more, code) in [
        (&[][..], 0),
        (&["--tamper"], 0),
        (&["--tamper", "--expect", "blocked"], 0),
        (&["--tamper", "--expect", "acknowledged"], 1),
        (&["--unsigned"], 0),
        (&["--set", "tenant=refuse-me"], 1),
        (&["--unset", "tenantId"], 1),
        (&["--previous-secret", "any", "--chunked"], 0),
        (&["--slow-body", "300"], 0),
        (&["--repeat", "3", "--concurrency", "3"], 0),
        (&["--repeat", "40", "--concurrency", "8", "--fresh"], 0),
    ] {
        let ran = send(&url, more);
        assert_eq!(ran.code, code, "{more:?}: {ran:?}");
        let _ = write!(printed, "$ lifecycle send seismic install {}\n{}\n", more.join(" "), ran.out);
    }
    let wide = printed.lines().find(|line| line.chars().count() > 80 && !line.starts_with(['$', '{']));
    assert_eq!(wide, None);
    insta::with_settings!({filters => MADE_ANEW}, {
        insta::assert_snapshot!(redacted(&printed));
    });
}

#[test]
fn a_wrong_secret_blocks() {
    let app = app("example-axum");
    let ran = lifecycle([
        "send",
        "seismic",
        "install",
        "--url",
        &app.url("/seismic"),
        "--secret",
        "quite another one",
    ]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        verdict(&ran),
        "the administrator would have been blocked: 401 signature-mismatch, after [n] ms"
    );
}

#[test]
fn whatever_the_platform_would_not_take_blocks() {
    let late = Duration::from_millis(3200);
    for (answer, after, expected) in [
        (ACCEPTED, late, "202 came after [n] ms, later than 3000 ms"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Duration::ZERO, "200 instead of 202, after [n] ms"),
        (
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
            Duration::ZERO,
            "307, a redirect, which the platform does not follow, after [n] ms",
        ),
        ("", Duration::ZERO, "the connection was closed without an answer, after [n] ms"),
        ("HTTP/1.1 500 no", Duration::ZERO, "the connection was closed without an answer, after [n] ms"),
    ] {
        let ran = send(&answering(answer, after), &[]);
        assert_eq!(ran.code, 1, "{ran:?}");
        let verdict = verdict(&ran).replace("later than [n] ms", "later than 3000 ms");
        assert_eq!(verdict, format!("the administrator would have been blocked: {expected}"));
    }
}

#[test]
fn no_answer_blocks_after_the_deadline_and_says_nothing_before_it() {
    let url = answering(ACCEPTED, Duration::from_secs(60));
    for (timeout, code, expected) in [
        (
            "200",
            2,
            "gave up after [n] ms, before the platform would, which waits 3000 ms: give --timeout 3000 or more",
        ),
        ("3001", 1, "the administrator would have been blocked: no answer within [n] ms"),
    ] {
        let ran = send(&url, &["--timeout", timeout]);
        assert_eq!(ran.code, code, "{ran:?}");
        assert_eq!(verdict(&ran), expected);
    }
}

#[test]
fn an_answer_within_a_short_timeout_has_its_verdict() {
    assert_eq!(send(&answering(ACCEPTED, Duration::ZERO), &["--timeout", "2900"]).code, 0);
}

#[test]
fn a_forgery_that_is_accepted_is_never_well() {
    let url = answering(ACCEPTED, Duration::ZERO);
    for more in [&["--unsigned"][..], &["--tamper"], &["--tamper", "--expect", "blocked"]] {
        let ran = send(&url, more);
        assert_eq!(ran.code, 1, "{more:?}");
        assert!(ran.out.contains("A FORGED CALLBACK WAS ACCEPTED: 202"), "{ran:?}");
    }
}

#[test]
fn sends_exactly_the_bytes_it_is_given() {
    let app = app("example-axum");
    let body = b"{ \"type\":\"install\",\r\n \"appId\":\"a\", \"tenantId\":\"t\" }\n";
    let url = app.url("/middleware/seismic");
    let arguments =
        ["send", "seismic", "install", "--url", &url, "--secret", SECRET, "--body", "-", "--json"];
    let ran = lifecycle_with(arguments, &[], body);
    let answer = ran.json()["deliveries"][0]["body"].as_str().unwrap().to_owned();
    assert!(answer.contains(&format!(r#""length":{}"#, body.len())), "{answer}");
}

#[test]
fn a_repetition_is_a_duplicate_unless_it_is_fresh() {
    let app = app("example-axum");
    let count = || {
        while !get(&app.address, "/inbox").contains(r#""pending":0"#)
            || !get(&app.address, "/inbox").contains(r#""leased":0"#)
        {
            std::thread::sleep(Duration::from_millis(20));
        }
        let deliveries = get(&app.address, "/deliveries");
        deliveries.matches("\"request_id\"").count()
    };
    let url = app.url("/seismic");
    assert_eq!(send(&url, &["--repeat", "5"]).code, 0);
    assert_eq!(count(), 1, "five of one callback are handled once");
    assert_eq!(send(&url, &["--repeat", "5", "--fresh"]).code, 0);
    assert_eq!(count(), 6);
}

#[test]
fn the_json_tells_what_the_text_tells() {
    let app = app("example-axum");
    let mut document = send(&app.url("/seismic"), &["--tamper", "--json"]).json();
    document["url"] = "[url]".into();
    insta::with_settings!({filters => MADE_ANEW}, {
        insta::assert_snapshot!(redacted_json(&document));
    });
}

#[test]
fn a_hook_and_an_action_are_sent_as_securityscorecard_does() {
    let app = app("example-axum");
    let hook = app.url(&format!("/securityscorecard/hook/{TOKEN}"));
    let action = app.url("/securityscorecard/actions/notify_channel");
    let send = |arguments: &[&str]| {
        let ran = lifecycle_with(
            [&["send", "securityscorecard"], arguments].concat(),
            &[("CHAT", "s3cr3t-of-chat")],
            b"",
        );
        assert!(!ran.out.contains(TOKEN) && !ran.err.contains(TOKEN), "{ran:?}");
        assert!(!ran.out.contains("s3cr3t") && !ran.err.contains("s3cr3t"), "{ran:?}");
        ran
    };
    let mut printed = String::new();
    for (arguments, code) in [
        (vec!["app.installed", "--url", &hook], 0),
        (vec!["app.installed", "--url", &format!("{hook}x")], 1),
        (vec!["action", "notify_channel", "--url", &action, "--secret-header", "ACCESS_TOKEN=s3cr3t"], 0),
        (vec!["action", "notify_channel", "--url", &action, "--secret-header-env", "ACCESS_TOKEN=CHAT"], 0),
        (vec!["app.installed", "--url", &hook, "--verbose"], 0),
        (vec!["app.installed", "--url", &hook, "--dry-run"], 0),
        (vec!["app.installed", "--url", &hook, "--curl"], 0),
        (
            vec![
                "action",
                "notify_channel",
                "--url",
                &action,
                "-v",
                "--secret-header",
                "ACCESS_TOKEN=s3cr3t",
            ],
            0,
        ),
        (vec!["action", "a", "--url", &action, "--curl", "--secret-header", "ACCESS_TOKEN=s3cr3t\"'"], 0),
        (vec!["action", "notify_channel", "--url", &action], 1),
        (vec!["action", "notify_channel", "--url", &action, "--secret-header", "OTHER=s3cr3t"], 1),
    ] {
        let ran = send(&arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        printed.push_str(&ran.out);
    }
    assert!(!send(&["app.installed", "--url", &hook, "--dry-run", "--json"]).out.is_empty());
    // The order of its members is that of the build, and its time has as many digits as it needs.
    let rule = [
        (r#"\{"(created_at|trigger)".*\}"#, "[rule]"),
        ("content-length: 3[0-9]{2}", "content-length: [rule's]"),
    ];
    let filters = MADE_ANEW.into_iter().chain(rule);
    insta::with_settings!({filters => filters.collect::<Vec<_>>()}, {
        insta::assert_snapshot!(redacted(&printed));
    });
}

#[test]
fn an_answer_that_repeats_a_secret_or_a_signature_is_told_without_it() {
    let leak = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 54\r\n\r\nthe secret is seismic-demo-signing-secret-1, keep it \x1b";
    let ran = send(&answering(leak, Duration::ZERO), &[]);
    assert!(ran.out.contains("the answer repeats a secret or a signature"), "{ran:?}");
    assert!(ran.out.contains("the secret is [secret], keep it \u{fffd}"), "{ran:?}");
    assert!(!ran.out.contains(SECRET));
    let ran = send(&answering(leak, Duration::ZERO), &["--json"]);
    assert!(!ran.out.contains(SECRET), "{ran:?}");
}

#[test]
fn of_a_long_answer_the_beginning_is_printed_and_json_has_it_all() {
    let body = "é".repeat(30_000);
    let answer = format!("HTTP/1.1 500 no\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let url = answering(Box::leak(answer.into_boxed_str()), Duration::ZERO);
    let ran = send(&url, &[]);
    assert!(ran.out.contains("é\n… and 57952 bytes more, which --json has\n"), "{ran:?}");
    assert!(send(&url, &["-v"]).out.len() < 4096);
    assert_eq!(send(&url, &["--json"]).json()["deliveries"][0]["body"], body);
}

#[test]
fn a_name_that_is_nearly_a_known_one_is_sent_only_when_it_is_meant() {
    let url = answering(ACCEPTED, Duration::ZERO);
    let send = |more: &[&str]| {
        lifecycle([&["send", "seismic", "instal", "--url", &url, "--secret", SECRET], more].concat())
    };
    let ran = send(&[]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("did you mean install?"), "{ran:?}");
    assert_eq!(send(&["--unknown"]).code, 0);
}

#[cfg(unix)]
#[test]
fn what_was_answered_before_ctrl_c_is_told() {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifecycle"));
    command.args(["send", "seismic", "install", "--url", &url, "--secret", SECRET, "--repeat", "9"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    for place in 0..3 {
        let mut stream = listener.accept().unwrap().0;
        let _ = stream.read(&mut [0; 16 * 1024]).unwrap();
        if place < 2 {
            stream.write_all(ACCEPTED.as_bytes()).unwrap();
            continue;
        }
        let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(status.success());
        assert_eq!(stream.read(&mut [0; 16]).unwrap_or(0), 0, "it ends before the third is answered");
    }
    let output = child.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{printed}");
    assert!(printed.contains("\n2 sent; ") && printed.contains("stopped: 7 of 9 "), "{printed}");
}

/// Numbers of milliseconds differ from run to run.
fn redacted_json(document: &serde_json::Value) -> String {
    redacted(&format!("{:#}", sorted(document)))
}

/// Members by name: their order is as they were written only where a crate of the same build asks `serde_json` for it.
fn sorted(document: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match document {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(members) => {
            let members: std::collections::BTreeMap<_, _> = members.iter().collect();
            Value::Object(members.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
        }
        other => other.clone(),
    }
}

fn get(address: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
