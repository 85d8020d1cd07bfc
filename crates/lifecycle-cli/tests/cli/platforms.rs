//! Every platform of the library, through every command that sends or proves.

use lifecycle_core::{ExpectedApp, Proof};
use lifecycle_testing::{
    KeysFrom, RSA_OTHER_TEST_KEY, RSA_TEST_KEY, Sender, SigningKeys, registry, variable,
};
use serde_json::json;

use crate::program::{Ran, lifecycle, lifecycle_with};
use crate::servers::{APPS, app_with, publishing, receiver};

/// A key of any sort: a secret, a token, and the private key of RFC 8032, section 7.1, test 1.
pub(crate) const KEY: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

/// Another one.
const OTHER: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";

/// That key, or an RSA key where the platform has one.
pub(crate) fn key(sender: &Sender) -> &'static str {
    SigningKeys::parse(sender.platform(), KEY).map_or(RSA_TEST_KEY, |_| KEY)
}

pub(crate) fn keys(sender: &Sender) -> SigningKeys {
    SigningKeys::parse(sender.platform(), key(sender)).unwrap()
}

/// A server that receives its samples.
pub(crate) fn receiving(sender: &'static Sender) -> String {
    let keys = keys(sender).verifying();
    let (keys, app) = match sender.keys_from() {
        KeysFrom::Url => (keys, app_of(sender).into()), // its keys are those of all apps
        KeysFrom::Tenant { .. } => (keys.with_owner("https://shop.example"), ExpectedApp::Any),
        _ => (keys, ExpectedApp::Any),
    };
    receiver(sender.platform(), keys, app)
}

/// The app of its samples.
pub(crate) fn app_of(sender: &'static Sender) -> String {
    let (_, event) = sender.events().next().unwrap();
    sender.sample(event).unwrap().delivery().event().app().to_owned()
}

/// An option with a key, which may begin with a hyphen.
pub(crate) fn secret(key: &str) -> String {
    format!("--secret={key}")
}

fn by_token(sender: &Sender) -> bool {
    matches!(sender.platform().proof(), Proof::Token(_))
}

fn send(sender: &Sender, event: &str, url: &str, more: &[&str]) -> Ran {
    lifecycle([&["send", sender.platform().name(), event, "--url", url, "--json"], more].concat())
}

/// The platforms that sign.
fn signing() -> impl Iterator<Item = &'static Sender> {
    registry().iter().copied().filter(|sender| !proven_by_url(sender))
}

pub(crate) fn proven_by_url(sender: &Sender) -> bool {
    matches!(sender.platform().proof(), Proof::UnguessableUrl)
}

#[test]
fn every_event_and_handshake_of_every_platform_is_acknowledged() {
    for sender in registry().iter().copied() {
        let url = receiving(sender);
        let hook = if proven_by_url(sender) { format!("/hook/{KEY}") } else { String::new() };
        send_all(sender, &format!("{url}{hook}"), None);
    }
}

#[test]
fn every_event_and_handshake_of_every_platform_is_acknowledged_by_every_app() {
    let told: Vec<_> = registry().iter().map(|sender| (*sender, settings(sender))).collect();
    for name in APPS {
        let app = app_with(name, told.iter().flat_map(|(_, settings)| settings.clone()));
        for (sender, settings) in &told {
            let hook = if proven_by_url(sender) { format!("/hook/{KEY}") } else { String::new() };
            let url = app.url(&format!("/{}{hook}", sender.platform().name()));
            // Where each tenant has keys of its own, the app knows one.
            let of_tenant = matches!(sender.keys_from(), KeysFrom::Tenant { .. });
            send_all(sender, &url, of_tenant.then(|| settings[0].1.as_str()));
        }
    }
}

#[test]
fn every_platform_has_its_part_of_the_suite() {
    let told: Vec<_> = registry().iter().map(|sender| (*sender, settings(sender))).collect();
    let app = app_with("example-axum", told.iter().flat_map(|(_, settings)| settings.clone()));
    for (sender, settings) in &told {
        let platform = sender.platform().name();
        let (_, event) = sender.events().next().unwrap();
        let path = sender.sample(event).unwrap().path();
        let hook = if proven_by_url(sender) { format!("/hook/{KEY}") } else { String::new() };
        let url = app.url(&format!("/{platform}{path}{hook}"));
        let secret = secret(key(sender));
        let filter = if proven_by_url(sender) { "hook-wrong-token" } else { "forged" };
        let mut arguments = vec!["conformance", "--platform", platform, "--url", &url, "--filter", filter];
        if !proven_by_url(sender) {
            arguments.push(&secret);
        }
        // The app knows one tenant, and where its keys are published.
        if matches!(sender.keys_from(), KeysFrom::Tenant { .. }) {
            arguments.extend(["--tenant", &settings[0].1]);
        }
        let ran = lifecycle(arguments);
        assert_eq!(ran.code, 0, "{platform}: {ran:?}");
        assert!(ran.out.contains(" passed, 0 failed"), "{platform}: {ran:?}");
    }
}

/// Sends all that a platform sends to this URL, or below it, and expects each to be acknowledged.
fn send_all(sender: &'static Sender, url: &str, tenant: Option<&str>) {
    let handshake = sender.handshake().map(|handshake| handshake.event());
    for event in sender.events().map(|(_, event)| event).chain(handshake) {
        let secret = secret(key(sender));
        let mut more: Vec<&str> = if proven_by_url(sender) { vec![] } else { vec![&secret] };
        more.extend(tenant.iter().flat_map(|tenant| ["--tenant", tenant]));
        let path = sender.sample(event).map_or("", |sample| sample.path());
        let ran = send(sender, event, &format!("{url}{path}"), &more);
        assert_eq!(ran.code, 0, "{sender:?} {event}: {ran:?}");
        assert_eq!(ran.json()["acknowledged"], 1, "{sender:?} {event}: {ran:?}");
        assert!(!ran.out.contains(key(sender)), "{sender:?} {event}");
    }
}

/// What an app has to be told to verify what is sent with the platform's [`key`].
fn settings(sender: &'static Sender) -> Vec<(String, String)> {
    let variable = |setting| variable(sender.platform(), setting);
    let published = || publishing(&keys(sender).key_set().unwrap());
    match sender.keys_from() {
        KeysFrom::Url => vec![(variable("JWKS_URL"), published()), (variable("APP_ID"), app_of(sender))],
        KeysFrom::Tenant { .. } => vec![(variable("API_URL"), published())],
        _ => vec![match keys(sender).public_key() {
            Some(public) => (variable("PUBLIC_KEY"), public),
            None if proven_by_url(sender) => (variable("HOOK_TOKEN"), KEY.to_owned()),
            None => (variable("SIGNING_SECRET"), KEY.to_owned()),
        }],
    }
}

#[test]
fn what_a_receiver_has_to_refuse_is_refused_on_every_platform_that_signs() {
    for sender in signing() {
        let url = receiving(sender);
        let url = format!("{url}{}", sender.sample("uninstall").unwrap().path());
        let (own, other) = (secret(key(sender)), if key(sender) == KEY { OTHER } else { RSA_OTHER_TEST_KEY });
        for more in [&[own.as_str(), "--tamper"][..], &["--unsigned"]] {
            let ran = send(sender, "uninstall", &url, more);
            assert_eq!((ran.code, &ran.json()["refused"]), (0, &json!(1)), "{sender:?} {more:?}: {ran:?}");
        }
        let ran = send(sender, "uninstall", &url, &[&secret(other)]);
        assert_eq!(ran.code, 1, "{sender:?}: {ran:?}");
        let code = if by_token(sender) { "invalid-token" } else { "signature-mismatch" };
        assert_eq!(ran.json()["deliveries"][0]["code"], code, "{sender:?}");
    }
}

#[test]
fn what_is_told_is_sent_as_the_platform_writes_it() {
    for (platform, event, options, member) in [
        ("github", "install", ["--tenant", "42"], "/installation/account/id"),
        ("slack", "uninstall", ["--tenant", "T42"], "/team_id"),
        ("stripe", "uninstall", ["--request-id", "evt_42"], "/id"),
        ("discord", "install", ["--tenant", "guild:42"], "/event/data/guild/id"),
        ("github", "install", ["--set", "installation.account.login=acme"], "/installation/account/login"),
    ] {
        let (url, requests) = crate::servers::recording();
        let ran =
            lifecycle([&["send", platform, event, "--url", &url, "--secret", KEY], &options[..]].concat());
        let body: serde_json::Value = serde_json::from_slice(&requests.recv().unwrap().1).unwrap();
        let told = options[1].rsplit(['=', ':']).next().unwrap();
        let sent = body.pointer(member).unwrap_or_else(|| panic!("{body}: {ran:?}"));
        assert_eq!(sent.to_string().trim_matches('"'), told, "{platform}: {body}");
    }
}

#[test]
fn a_body_of_ones_own_is_signed_as_the_platform_signs_and_verified_again() {
    for sender in signing().filter(|sender| !by_token(sender)) {
        let name = sender.platform().name();
        let sample = sender.sample("uninstall").unwrap();
        let body = sample.body();
        let own = secret(key(sender));
        let signed =
            lifecycle_with(["sign", "--platform", name, "--body", "-", own.as_str()], &[], body.as_bytes());
        assert_eq!(signed.code, 0, "{signed:?}");
        let own = sample.headers().into_iter().map(|(name, value)| format!("{name}: {value}"));
        let own = own.filter(|line| !signed.out.contains(line.split_inclusive(": ").next().unwrap()));
        let headers: Vec<String> = signed.out.lines().map(str::to_owned).chain(own).collect();
        let headers: Vec<&str> = headers.iter().flat_map(|header| ["-H", header]).collect();
        // The app's side: the public key, where there is one.
        let public = secret(&keys(sender).public_key().unwrap_or(KEY.into()));
        let verify = |body: &str| {
            let command = ["verify", "--platform", name, "--body", "-", public.as_str(), "--json"];
            lifecycle_with([&command[..], &headers].concat(), &[], body.as_bytes())
        };
        let ran = verify(&body);
        assert_eq!((ran.code, &ran.json()["kind"]), (0, &json!("uninstall")), "{name}: {ran:?}");
        let ran = verify(&body.replace('1', "2"));
        assert_eq!((ran.code, &ran.json()["code"]), (1, &json!("signature-mismatch")), "{name}: {ran:?}");
    }
}

#[test]
fn claims_of_ones_own_are_signed_as_the_platform_signs_and_their_token_is_verified_again() {
    for sender in signing().filter(|sender| by_token(sender)) {
        let name = sender.platform().name();
        let sample = sender.sample("uninstall").unwrap();
        let command = ["sign", "--platform", name, "--body", "-", "--value"];
        let secret_option = secret(key(sender));
        let command = command.into_iter().chain([secret_option.as_str()]);
        let signed = lifecycle_with(command, &[], sample.claims().unwrap().as_bytes());
        assert_eq!(signed.code, 0, "{signed:?}");
        let line = signed.out.trim_end();
        let token = line.rsplit(' ').next().unwrap();
        assert_eq!(line.contains(": "), ["azure", "forge", "monday"].contains(&name), "{line}");
        // The app's side: the public key, where there is one.
        let own = secret(&keys(sender).public_key().unwrap_or(KEY.into()));
        let verify = |token: &str| {
            let body = if name == "wix" { token.to_owned() } else { sample.body() };
            let command = ["verify", "--platform", name, "--signature", token, "--body", "-", "--json", &own];
            lifecycle_with(command, &[], body.as_bytes())
        };
        let kind = if name == "bigcommerce" { "saved" } else { "uninstall" }; // its path was not saved
        let ran = verify(token);
        assert_eq!((ran.code, &ran.json()["kind"]), (0, &json!(kind)), "{name}: {ran:?}");
        let ran = verify(&token[1..]);
        assert_eq!((ran.code, &ran.json()["code"]), (1, &json!("invalid-token")), "{name}: {ran:?}");
    }
}

#[test]
fn a_saved_request_is_verified_at_whatever_age() {
    let slack = registry().iter().find(|sender| sender.platform().name() == "slack").unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_762_776_000);
    let request = slack.sample("uninstall").unwrap().at(long_ago).sign(&keys(slack));
    let headers: Vec<String> =
        request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let command = ["verify", "--platform", "slack", "--body", "-", "--secret", KEY];
    let headers = headers.iter().flat_map(|header| ["-H", header]);
    let ran = lifecycle_with(command.into_iter().chain(headers), &[], &request.body);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_scenario_is_played_on_every_platform() {
    for sender in registry().iter().copied() {
        let url = receiving(sender);
        let (_, first) = sender.events().next().unwrap();
        let forged = json!([{"send": first, "sign": "unknown"}, {"send": first, "sign": "none"}, {"send": first, "tamper": true}]);
        let mut steps = json!([{"send": first, "label": "first"}, {"name": "again", "again": "first"}]);
        let secret = secret(key(sender));
        let mut more = vec![secret.as_str()];
        let url = format!("{url}{}", sender.sample(first).unwrap().path());
        let url = if proven_by_url(sender) {
            more.clear();
            format!("{url}/hook/{KEY}")
        } else {
            steps.as_array_mut().unwrap().extend(forged.as_array().unwrap().iter().cloned());
            url
        };
        let script = json!({"about": "all", "steps": steps}).to_string();
        let name = sender.platform().name();
        let command = ["scenario", "-", "--platform", name, "--url", &url, "--json"];
        let ran = lifecycle_with([&command[..], &more].concat(), &[], script.as_bytes());
        assert_eq!(ran.code, 0, "{name}: {ran:?}");
    }
}

#[test]
fn the_built_in_scenarios_go_through_all_of_github() {
    let github = registry().iter().find(|sender| sender.platform().name() == "github").unwrap();
    let url = receiver(github.platform(), keys(github).verifying(), ExpectedApp::Any);
    for scenario in ["install-to-uninstall", "duplicates", "out-of-order", "re-install"] {
        let ran = lifecycle(["scenario", scenario, "--platform", "github", "--url", &url, "--secret", KEY]);
        assert_eq!(ran.code, 0, "{scenario}: {ran:?}");
    }
}

#[test]
fn what_a_platform_does_not_do_is_told_by_name() {
    let url = "http://127.0.0.1:1/";
    for (arguments, complaint) in [
        (
            &["send", "github", "nope", "--url", url, "--secret", KEY][..],
            "github sends no nope: it sends install",
        ),
        (
            &["send", "securityscorecard", "install", "--url", url, "--unsigned"],
            "securityscorecard signs nothing",
        ),
        (
            &["sign", "--platform", "securityscorecard", "--body", "/dev/null"],
            "securityscorecard signs nothing",
        ),
        (&["verify", "--platform", "securityscorecard"], "securityscorecard signs nothing"),
        (&["sign", "--platform", "discord", "--body", "/dev/null", "--secret", "x"], "64 hex digits"),
        (&["sign", "--platform", "github", "--body", "/dev/null"], "or set GITHUB_SIGNING_SECRET"),
    ] {
        let ran = lifecycle(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(complaint), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn what_are_no_claims_is_not_signed() {
    for wrong in ["", "null", "[]", "{", "text"] {
        let command = ["sign", "--platform", "monday", "--body", "-", "--secret", "s3cr3t"];
        let ran = lifecycle_with(command, &[], wrong.as_bytes());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{wrong}: {ran:?}");
        assert!(ran.err.contains("the claims are no JSON object"), "{wrong}: {ran:?}");
    }
}
