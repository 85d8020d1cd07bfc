//! What is shown of a request in place of sending it or beside it, for every platform.

use std::fmt::Write as _;
use std::time::SystemTime;

use lifecycle_core::{ExpectedApp, Head, Inbound, Verifier};
use lifecycle_testing::{KeysFrom, Sender, registry};
use serde_json::Value;

use crate::platforms::{KEY, app_of, key, keys, proven_by_url, receiving, secret};
use crate::program::{MADE_ANEW, Ran, lifecycle};
use crate::servers::{is_missing, recording};

/// The first event of a platform, its handshake if it has one, and an event that it does not send yet if it may.
fn names(sender: &'static Sender) -> Vec<&'static str> {
    let handshake = sender.handshake().map(|handshake| handshake.event());
    let unknown = sender.unknown("key-rotated").map(|_| "key-rotated");
    sender.names().into_iter().take(1).chain(handshake).chain(unknown).collect()
}

/// Sends an event of a platform to this server, or shows it.
fn send(sender: &'static Sender, name: &str, url: &str, more: &[&str]) -> Ran {
    let path = sender.sample(name).map_or("", |sample| sample.path());
    let hook = if proven_by_url(sender) { format!("/hook/{KEY}") } else { String::new() };
    let (url, secret) = (format!("{url}{path}{hook}"), secret(key(sender)));
    let mut arguments = vec!["send", sender.platform().name(), name, "--url", &url];
    if !proven_by_url(sender) {
        arguments.push(&secret);
    }
    let ran = lifecycle([&arguments[..], more].concat());
    assert!(!ran.out.contains(key(sender)), "{arguments:?} {more:?}: {ran:?}");
    ran
}

#[test]
fn a_dry_run_shows_the_request_of_every_platform() {
    let mut printed = String::new();
    for sender in registry() {
        for name in names(sender) {
            let ran = send(sender, name, "http://127.0.0.1:1", &["--dry-run"]);
            assert_eq!(ran.code, 0, "{ran:?}");
            let _ = writeln!(printed, "{}", ran.out);
        }
    }
    insta::with_settings!({filters => MADE_ANEW}, {
        insta::assert_snapshot!(printed);
    });
}

fn header_of<'s>(shown: &'s Value, name: &str) -> &'s str {
    let headers = shown["headers"].as_array().unwrap();
    headers.iter().find(|header| header["name"] == name).unwrap()["value"].as_str().unwrap()
}

/// What a receiver with the right keys makes of a request that is shown as JSON.
fn received(sender: &'static Sender, shown: &Value) -> Inbound {
    let keys = keys(sender).verifying();
    let (keys, app) = match sender.keys_from() {
        KeysFrom::Url => (keys, app_of(sender).into()),
        KeysFrom::Tenant { header } => (keys.with_owner(header_of(shown, header)), ExpectedApp::Any),
        _ => (keys, ExpectedApp::Any),
    };
    let verifier = Verifier::new(sender.platform(), keys, app).unwrap();
    let target = shown["url"].as_str().unwrap().strip_prefix("http://127.0.0.1:1").unwrap();
    let target = target.replace("[secret]", KEY);
    let headers = shown["headers"].as_array().unwrap();
    let headers = headers
        .iter()
        .map(|header| (header["name"].as_str().unwrap(), header["value"].as_str().unwrap().as_bytes()));
    let head = Head::new(shown["method"].as_str().unwrap(), &target, headers);
    let mut verification = verifier.begin(head).unwrap();
    verification.push(shown["body"].as_str().unwrap().to_owned().into()).unwrap();
    verification.finish(SystemTime::now()).unwrap()
}

#[test]
fn the_request_that_is_shown_is_genuine_and_tells_the_tenant_and_the_id_that_are_told() {
    for sender in registry() {
        for name in names(sender) {
            let document = send(sender, name, "http://127.0.0.1:1", &["--dry-run", "--json"]).json();
            let told = |name: &str| document[name].as_str();
            match received(sender, &document["request"]) {
                Inbound::Delivery(delivery) => {
                    let event = delivery.event();
                    assert_eq!(told("tenant").unwrap_or_default(), event.tenant(), "{sender:?} {name}");
                    assert_eq!(told("request_id"), event.request_id(), "{sender:?} {name}");
                }
                Inbound::Handshake(_) => assert_eq!((told("tenant"), told("request_id")), (None, None)),
            }
        }
    }
}

#[test]
fn what_is_shown_beside_the_answer_is_what_was_sent() {
    let (url, requests) = recording();
    for sender in registry() {
        for (name, more) in names(sender).into_iter().zip([&[][..], &["--chunked"], &["--slow-body", "5"]]) {
            let ran = send(sender, name, &url, &[&["--verbose", "--header", "x-own: é"], more].concat());
            let (head, body) = requests.recv().unwrap();
            let shown = ran.out.lines().filter(|line| line.starts_with('>'));
            let mut shown = shown.map(|line| line.trim_start_matches(['>', ' ']));
            let mut lines: Vec<&str> = shown.by_ref().take_while(|line| !line.is_empty()).collect();
            let mut sent: Vec<String> =
                head.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
            if proven_by_url(sender) {
                sent[0] = sent[0].replace(KEY, "[secret]");
            }
            assert_eq!(lines.remove(0), sent.remove(0), "{sender:?} {name}");
            lines.sort_unstable();
            sent.sort_unstable();
            assert_eq!(lines, sent, "{sender:?} {name}");
            assert_eq!(
                shown.collect::<Vec<_>>().join("\n"),
                String::from_utf8(body).unwrap(),
                "{sender:?} {name}"
            );
            assert!(ran.out.contains("\n< HTTP/1.1 202 Accepted\n< content-length: 0\n<\n"), "{ran:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_command_for_curl_sends_what_the_receiver_of_every_platform_takes() {
    if is_missing("curl") {
        return;
    }
    for sender in registry() {
        let url = receiving(sender);
        for name in names(sender) {
            let command = send(sender, name, &url, &["--curl"]).out;
            let asked = command.starts_with("# put the secret in the place of [secret]\n");
            assert_eq!(asked, proven_by_url(sender), "{command}");
            let command = command.replace("[secret]", KEY);
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &command]).env_remove("http_proxy").env_remove("all_proxy");
            let output = shell.output().unwrap();
            let answer = String::from_utf8_lossy(&output.stdout);
            let status = answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
            assert!(status.is_some_and(|status| (200..300).contains(&status)), "{command}\n{answer}");
        }
    }
}
