//! `lifecycle explain` names the right cause. The cases of `explain.json` were signed with Python's own `hmac`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lifecycle_core::discord;
use lifecycle_testing::{Sender, SigningKeys};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::program::{Ran, SECRET, lifecycle, lifecycle_with};

/// The seed of RFC 8032, section 7.1, test 1.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

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

#[test]
fn a_public_key_comes_from_a_file_or_the_platforms_variable_and_the_platform_from_the_request() {
    let discord = Sender::of(&discord::PLATFORM).unwrap();
    let keys = SigningKeys::parse(&discord::PLATFORM, SEED).unwrap();
    let request = discord.sample("install").unwrap().sign(&keys);
    let lines = request.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let raw = format!("POST /discord HTTP/1.1\r\n{}\r\n", lines.collect::<String>());
    let saved = [raw.as_bytes(), &request.body].concat();
    let public = keys.public_key().unwrap();
    let known = "platform: Discord, known by its header x-signature-ed25519\n";
    let explain =
        |variables: &[(&str, &str)]| lifecycle_with(["explain", "--request", "-"], variables, &saved);
    let ran = explain(&[("DISCORD_PUBLIC_KEY", &public)]);
    assert!(
        ran.code == 0 && ran.out.starts_with("the signature matches") && ran.out.ends_with(known),
        "{ran:?}"
    );
    let ran = explain(&[("DISCORD_PUBLIC_KEY", SEED)]);
    assert!(ran.out.starts_with("found: the private key is given where the public one belongs"), "{ran:?}");
    let ran = explain(&[]);
    assert!(ran.code == 2 && ran.err.contains("no public key to verify Discord with"), "{ran:?}");
    let verify = ["verify", "--request", "-", "--secret", &public];
    assert_eq!(lifecycle_with(verify, &[], &saved).code, 0);
}

#[test]
fn what_a_token_says_is_told_without_a_key_and_in_80_columns() {
    let token = "eyJhbGciOiJub25lIn0.eyJleHAiOjF9.";
    let ran =
        lifecycle(["explain", "--platform", "forge", "--signature", token, "--at", "2026-12-01T08:00:00Z"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let first = "found: the token names no algorithm (`none`): nobody signed it (alg-none)\n";
    assert!(ran.out.starts_with(first), "{ran:?}");
    assert!(
        ran.out.contains("\nand: the token is from another issuer than the platform (`iss`) (issuer)\n"),
        "{ran:?}"
    );
    assert!(ran.out.contains(" it has no `iss`, which has to be `forge/invocation-token`"), "{ran:?}");
    let causes = lifecycle(["explain", "--causes"]);
    for line in ran.out.lines().chain(causes.out.lines()) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn one_of_several_requests_is_picked() {
    let har: Vec<Value> = ["a", "b"]
        .map(|path| {
            let headers = json!({"x-seismic-signature": "0".repeat(64)});
            json!({"request": {"method": "POST", "url": format!("https://app.example/{path}"), "headers": headers, "postData": {"text": path}}})
        })
        .into();
    let har = json!({"log": {"entries": har}}).to_string();
    let explain = |more: &[&str]| {
        let command = ["explain", "--json", "--request", "-", "--secret", SECRET];
        lifecycle_with([&command[..], more].concat(), &[], har.as_bytes())
    };
    let ran = explain(&[]);
    let next = "choose one by --pick N (1: POST https://app.example/a; 2: POST https://app.example/b)";
    assert!(ran.code == 2 && ran.err.contains(next), "{ran:?}");
    assert_eq!(explain(&["--pick", "2"]).json()["found"], false);
    assert_eq!(explain(&["--pick", "3"]).code, 2);
}
