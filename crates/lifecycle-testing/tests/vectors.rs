//! The vectors in `fixtures/vectors`: the writing half writes those that are a platform's own events, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lifecycle_core::{ExpectedApp, Head, Inbound, LifecycleEvent, Verifier};
use lifecycle_testing::{Sample, Sender, SigningKeys, registry};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Vector {
    platform: Option<String>,
    secret: Option<String>,
    secret_base64: Option<String>,
    time: u64,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Vector {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.time)
    }

    /// What the reading half makes of it; nothing of what is forged, or of no event.
    fn read(&self, sender: &Sender, keys: &SigningKeys) -> Option<Inbound> {
        let verifier = Verifier::new(sender.platform(), keys.verifying(), ExpectedApp::Any).unwrap();
        let lines = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let mut verification = verifier.begin(Head::new("POST", "/", lines)).ok()?;
        verification.push(self.body.clone().into()).ok()?;
        verification.finish(self.now()).ok()
    }

    /// A sample with what this one tells, its own members last.
    fn rewritten(&self, sample: Sample, event: Option<&LifecycleEvent>) -> Sample {
        let mut sample = sample.at(self.now());
        if let Some(event) = event {
            sample = sample.app(event.app()).tenant(event.tenant());
            sample = event.occurred().into_iter().fold(sample, Sample::at).sent(self.now());
            sample = event.installation().into_iter().fold(sample, Sample::installation);
            sample = event.actor().into_iter().fold(sample, Sample::actor);
            sample = event.request_id().into_iter().fold(sample, Sample::request_id);
        }
        let written: Map<String, Value> = serde_json::from_str(&sample.body()).unwrap();
        let own: Map<String, Value> = serde_json::from_str(&self.body).unwrap();
        own.into_iter()
            .filter(|(name, _)| !written.contains_key(name))
            .fold(sample, |sample, (name, value)| sample.set(name, value))
    }
}

/// What platforms send and core does not read, so that no vector has it.
const UNREAD: [&str; 2] = ["content-type", "x-shopify-api-version"];

fn vectors() -> Vec<(String, Vector)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/vectors");
    let read = |path: &Path| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.is_file());
    paths.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(&path))).collect()
}

#[test]
fn each_vector_of_an_event_is_written_byte_for_byte() {
    let mut same = BTreeSet::new();
    for (name, vector) in vectors() {
        let Some(platform) = &vector.platform else { continue };
        let sender = registry().iter().find(|sender| sender.platform().name() == platform).unwrap();
        let secret = vector.secret.as_ref().or(vector.secret_base64.as_ref()).unwrap();
        let keys = SigningKeys::parse(sender.platform(), secret).unwrap();
        let Some(read) = vector.read(sender, &keys) else { continue };
        let written: Vec<Sample> = match read {
            Inbound::Handshake(_) => vec![vector.rewritten(sender.handshake().unwrap(), None)],
            Inbound::Delivery(delivery) => {
                let of_kind = sender.events().filter(|(kind, _)| *kind == delivery.event().kind().name());
                let samples = of_kind.map(|(_, event)| sender.sample(event).unwrap());
                samples.map(|sample| vector.rewritten(sample, Some(delivery.event()))).collect()
            }
        };
        let Some(sample) = written.iter().find(|sample| sample.body() == vector.body) else { continue };
        let request = sample.sign(&keys);
        assert!(request.headers.len() > vector.headers.len(), "{name}: and a content type");
        for (header, value) in &request.headers {
            // A vector of a rotation has the other secret's signature too.
            let given = vector.headers.get(header).map(|given| given.split(',').collect::<Vec<_>>());
            let is_given = given.is_some_and(|given| value.split(',').all(|part| given.contains(&part)));
            assert!(is_given || UNREAD.contains(&header.as_str()), "{name}: {header}: {value}");
        }
        same.insert(name);
    }
    let events = [
        "github-created",
        "github-deleted",
        "github-new-permissions",
        "github-suspend",
        "github-unsuspend",
        "seismic-install",
        "shopify-scopes-update",
        "shopify-shop-redact",
        "slack-app-uninstalled",
        "slack-team-access-revoked",
        "slack-tokens-revoked",
        "slack-url-verification",
        "stripe-authorized",
        "stripe-deauthorized-new-secret",
        "stripe-deauthorized-old-secret",
        "stripe-install-created",
        "zoom-app-deauthorized",
    ];
    assert_eq!(same, events.map(str::to_owned).into());
}

/// The tokens were computed by another program.
#[test]
fn each_vector_of_a_token_is_written_with_the_same_claims() {
    let mut same = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/vectors/tokens");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let vector: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let text = |member: &str| vector[member].as_str().unwrap_or_default();
        let sender = registry().iter().find(|sender| sender.platform().name() == text("platform"));
        let Some(sender) = sender.filter(|_| vector["verifies"] == true) else { continue };
        let expected = |member: &str| vector["expects"][member].as_str().unwrap();
        let issued = if text("platform") == "bigcommerce" { 5 } else { 0 }; // after its beginning
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + issued);
        let id = match text("platform") {
            "azure" => "74dfb4db-c193-4891-827d-eb05fbdc64b0",
            _ => "c5f0bcf5-a504-4ae6-8dcc-0e40eaa5a070",
        };
        let sample = sender.sample(expected("kind")).unwrap();
        let sample = sample.app(expected("app")).tenant(expected("tenant")).request_id(id);
        let sample = sample.at(at + subsecond(text("body"))).sent(at);
        let Some(claims) = sample.claims() else { continue };
        let token = match text("secret") {
            "" => {
                // Only the order of its header's members differs from what is written here.
                let header = URL_SAFE_NO_PAD.decode(text("token").split('.').next().unwrap()).unwrap();
                let keys = SigningKeys::parse(sender.platform(), lifecycle_testing::RSA_TEST_KEY).unwrap();
                keys.sign_token(std::str::from_utf8(&header).unwrap(), &claims)
            }
            secret => {
                let keys = SigningKeys::parse(sender.platform(), secret).unwrap();
                keys.sign_claims(sender.platform(), &claims)
            }
        };
        assert_eq!(token, text("token").trim_end(), "{}", path.display());
        if !text("body").is_empty() {
            assert_eq!(sample.body(), text("body"), "{}", path.display());
        }
        same.insert(text("platform").to_owned());
    }
    assert_eq!(same, ["azure", "bigcommerce", "forge", "monday", "wix"].map(str::to_owned).into());
}

/// The fraction of a second in a vector's body, of which Azure writes seven digits.
fn subsecond(body: &str) -> Duration {
    let digits = body.split_once("2026-01-01T00:00:00.").and_then(|(_, rest)| rest.get(..7));
    let digits: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    Duration::from_nanos(digits.unwrap_or_default() * 100)
}

/// The signatures were computed by four other programs, and OpenSSL verifies them each time.
#[test]
fn discord_s_samples_are_signed_as_ed25519_has_it() {
    let sender = registry().iter().find(|sender| sender.platform().name() == "discord").unwrap();
    let at = SystemTime::UNIX_EPOCH + Duration::new(1_767_225_600, 64_834_000);
    let keys = SigningKeys::for_tests(sender.platform());
    for (sample, signature) in [
        (
            sender.handshake(),
            "bdb5f37ba0cc260833b85486aea5b498d8e413f822bf9f15359023761eb151aa84bf9c677a3929397726b3c9395cd5c78cbfb6462bbcdb8274b18c30e9e7c702",
        ),
        (
            sender.sample("install"),
            "396a29a89e77afefc12379fe9ece0f7ae91f238b7afeb76de95c310126679475c0e965096d19482be98ec5a2ebead3504b6cee89cd7e36ee997c8721d1594608",
        ),
        (
            sender.sample("uninstall"),
            "53255ce4b87d4121d10cb36b492e898a6d859479fbb66d51a82b4945fad2534795e0ef217738faea14835abbb46ea4b96ce861610378b79085a30541edfa5209",
        ),
    ] {
        let request = sample.unwrap().at(at).sign(&keys);
        assert!(request.headers.iter().any(|(_, value)| value == signature), "{:?}", request.headers);
        let time = request.headers.iter().find(|(name, _)| name == "x-signature-timestamp").unwrap();
        let signed = [time.1.as_bytes(), &request.body].concat();
        let public_key = const_hex::decode(keys.public_key().unwrap()).unwrap();
        let is_genuine = |signed: &[u8]| openssl_verifies(&public_key, signed, signature);
        let [Some(genuine), Some(changed)] = [is_genuine(&signed), is_genuine(&signed[1..])] else { return };
        assert!(genuine && !changed, "{signature}");
    }
}

/// `None` without the program, which CI has.
fn openssl_verifies(public_key: &[u8], signed: &[u8], signature: &str) -> Option<bool> {
    let is_missing = Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err();
    if is_missing {
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "openssl is missing");
        eprintln!("skipped: openssl is missing");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let der = [&const_hex::decode("302a300506032b6570032100").unwrap(), public_key].concat(); // RFC 8410
    let mut openssl = Command::new("openssl");
    openssl.args(["pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey"]);
    openssl.arg(file("key", &der)).arg("-in").arg(file("signed", signed));
    openssl.arg("-sigfile").arg(file("signature", &const_hex::decode(signature).unwrap()));
    Some(openssl.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success())
}
