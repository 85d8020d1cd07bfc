//! The vectors in `fixtures/vectors`, published ones among them, through the public API and with a fixed clock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lifecycle_core::{
    Ack, Delivery, Encoding, EventFields, EventKind, ExpectedApp, Field, Head, Inbound, Part, Platform,
    Proof, Rejection, Scheme, Secret, Undecodable, VerifiedRequest, Verifier, registry,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// From this crate's folder.
const VECTORS: &str = "../../fixtures/vectors";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    why: String,
    source: String,
    url: String,
    /// A platform of this crate, whose own scheme has to agree with `scheme`.
    platform: Option<String>,
    scheme: Written,
    secret: Option<String>,
    secret_base64: Option<String>,
    /// Seconds since the Unix epoch.
    time: u64,
    headers: BTreeMap<String, String>,
    body: String,
    body_length: usize,
    body_sha256: String,
    verifies: bool,
    /// What the platform makes of it, where the body is one of its own.
    expects: Option<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    kind: Option<String>,
    app: Option<String>,
    tenant: Option<String>,
    installation: Option<String>,
    unproven: Option<Vec<String>>,
    /// The text of the answer to a handshake.
    handshake: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    headers: Vec<String>,
    prefix: String,
    separator: Option<char>,
    encoding: String,
    signed: Vec<WrittenPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenPart {
    Body,
    Field(String),
    Header(String),
    Text(String),
}

#[test]
fn each_vector_is_whole_and_says_where_it_is_from() {
    let vectors = vectors();
    assert!(vectors.len() >= 12, "{} vectors", vectors.len());
    for (name, vector) in vectors {
        assert!(!vector.why.is_empty() && !vector.source.is_empty(), "{name}");
        assert!(vector.url.starts_with("https://"), "{name}");
        assert_eq!(vector.body.len(), vector.body_length, "{name}");
        let digest: [u8; 32] = Sha256::digest(&vector.body).into();
        let mut written = [0; 32];
        const_hex::decode_to_slice(&vector.body_sha256, &mut written).unwrap();
        assert_eq!(digest, written, "{name}");
    }
}

#[test]
fn each_scheme_verifies_what_its_platform_published() {
    for (name, vector) in vectors() {
        let platform = leak(Platform::new("vector", Proof::Hmac(vector.scheme.scheme()), Ack::new(200), any));
        let expected = if vector.verifies { Ok(()) } else { Err(Rejection::SignatureMismatch) };
        assert_eq!(vector.receive(platform), expected, "{name}: {}", vector.why);
    }
}

#[test]
fn python_judges_each_vector_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new("python3");
    let Ok(told) = python.arg(folder.join("tests/vectors.py")).arg(folder.join(VECTORS)).output() else {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!is_ci, "python3 is missing");
        eprintln!("skipped: python3 is missing");
        return;
    };
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: BTreeMap<String, bool> = serde_json::from_slice(&told.stdout).unwrap();
    let ours = vectors().into_iter().map(|(name, vector)| (name, vector.verifies));
    assert_eq!(told, ours.collect());
}

#[test]
fn a_scheme_alone_judges_as_its_receiver_does() {
    for (name, vector) in vectors() {
        let scheme = vector.scheme.scheme();
        let platform = leak(Platform::new("vector", Proof::Hmac(scheme), Ack::new(200), any));
        let headers: Vec<(&str, &[u8])> = vector.header_lines().collect();
        let verify = |headers: &[_]| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(vector.time);
            scheme.verify(&vector.secret().into(), headers, vector.body.as_bytes(), now).map(drop)
        };
        assert_eq!(verify(&headers), vector.receive(platform), "{name}");
        let is_relevant = |name| {
            scheme.headers().contains(&name) || scheme.signed().contains(&Part::Header(leak_text(name)))
        };
        for (left_out, line) in headers.iter().enumerate().filter(|(_, line)| is_relevant(line.0)) {
            let mut fewer = headers.clone();
            fewer.remove(left_out);
            let alone = scheme.headers().iter().filter(|own| vector.headers.contains_key(**own)).count() == 1;
            if alone || !scheme.headers().contains(&line.0) {
                assert_eq!(verify(&fewer), Err(Rejection::MissingSignature), "{name} without {}", line.0);
            }
            let twice = [&headers[..], &[(line.0, b"another")]].concat();
            assert!(matches!(verify(&twice), Err(Rejection::InvalidHeader(_))), "{name}, {} twice", line.0);
        }
    }
}

#[test]
fn signing_gives_what_the_platform_published() {
    for name in ["rfc4231-case-2", "github", "slack", "standard-webhooks", "seismic-install"] {
        let (_, vector) = vectors().into_iter().find(|(own, _)| own == name).unwrap();
        let headers: Vec<(&str, &[u8])> = vector.header_lines().collect();
        let signature = vector.scheme.scheme().sign(&vector.secret(), &headers, vector.body.as_bytes());
        assert_eq!(signature, vector.headers[&vector.scheme.headers[0]], "{name}");
    }
}

#[test]
fn a_platform_verifies_its_vectors_and_decodes_those_that_are_of_its_own() {
    for (name, vector) in vectors() {
        let Some(platform) = vector.platform() else { continue };
        let Proof::Hmac(scheme) = platform.proof() else { panic!("{name}: vectors are of HMACs") };
        assert_eq!(vector.scheme.headers, scheme.headers(), "{name}");
        if let Some(expected) = &vector.expects {
            expected.check(&name, vector.finish(platform, &vector.headers).unwrap());
            continue;
        }
        let is_callback = vector.body.contains(r#""tenantId""#);
        match vector.receive(platform) {
            Ok(()) => assert!(vector.verifies && is_callback, "{name}"),
            Err(Rejection::Undecodable(_)) => assert!(vector.verifies && !is_callback, "{name}"),
            Err(other) => {
                assert!(!vector.verifies && other == Rejection::SignatureMismatch, "{name}: {other}");
            }
        }
    }
}

#[test]
fn what_changes_with_an_unsigned_header_is_not_proven() {
    let mut changed = BTreeSet::new();
    for (name, vector) in vectors() {
        let Some(platform) = vector.platform().filter(|_| vector.expects.is_some()) else { continue };
        let Ok(Inbound::Delivery(genuine)) = vector.finish(platform, &vector.headers) else { continue };
        for header in vector.headers.keys() {
            let mut headers = vector.headers.clone();
            headers.insert(header.clone(), "another".to_owned());
            let Ok(Inbound::Delivery(other)) = vector.finish(platform, &headers) else { continue };
            for field in Field::ALL {
                let read = |delivery: &Delivery| read(delivery, field);
                if read(&genuine) != read(&other) {
                    assert!(
                        !genuine.proves(field) && !other.proves(field),
                        "{name}: {header} makes {field:?}"
                    );
                    changed.insert(field.name());
                }
            }
        }
    }
    assert_eq!(changed, BTreeSet::from(["kind", "request_id"]), "or nothing was tried");
}

fn read(delivery: &Delivery, field: Field) -> Option<String> {
    let event = delivery.event();
    match field {
        Field::Actor => event.actor().map(str::to_owned),
        Field::App => Some(event.app().to_owned()),
        Field::Installation => event.installation().map(str::to_owned),
        Field::Kind => Some(event.kind().name().to_owned()),
        Field::Occurred => event.occurred().map(|time| format!("{time:?}")),
        Field::RequestId => event.request_id().map(str::to_owned),
        Field::Tenant => Some(event.tenant().to_owned()),
        Field::Version => Some(format!("{:?} {:?}", event.version(), event.prior_version())),
        other => panic!("{other:?} is not read here"),
    }
}

fn vectors() -> Vec<(String, Vector)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(VECTORS);
    let mut vectors = Vec::new();
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in files.filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let vector =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        vectors.push((path.file_stem().unwrap().to_string_lossy().into_owned(), vector));
    }
    vectors
}

impl Vector {
    fn secret(&self) -> Secret {
        match (&self.secret, &self.secret_base64) {
            (Some(text), None) => Secret::new(text.as_str()).unwrap(),
            (None, Some(encoded)) => Secret::new(STANDARD.decode(encoded).unwrap()).unwrap(),
            _ => panic!("one of `secret` and `secret_base64`"),
        }
    }

    fn header_lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    fn platform(&self) -> Option<&'static Platform> {
        let name = self.platform.as_ref()?;
        registry().iter().copied().find(|platform| platform.name() == name)
    }

    fn receive(&self, platform: &'static Platform) -> Result<(), Rejection> {
        self.finish(platform, &self.headers).map(drop)
    }

    fn finish(
        &self,
        platform: &'static Platform,
        headers: &BTreeMap<String, String>,
    ) -> Result<Inbound, Rejection> {
        let verifier = Verifier::new(platform, self.secret(), ExpectedApp::Any).unwrap();
        let lines = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let mut verification = verifier.begin(Head::new("POST", "/", lines))?;
        verification.push(self.body.clone().into())?;
        Ok(verification.finish(SystemTime::UNIX_EPOCH + Duration::from_secs(self.time))?)
    }
}

impl Expected {
    fn check(&self, name: &str, inbound: Inbound) {
        match inbound {
            Inbound::Handshake(reply) => {
                assert_eq!(
                    Some(reply.body().as_ref()),
                    self.handshake.as_ref().map(String::as_bytes),
                    "{name}"
                );
            }
            Inbound::Delivery(delivery) => {
                let event = delivery.event();
                let unproven: Vec<String> = Field::ALL
                    .into_iter()
                    .filter(|field| !delivery.proves(*field))
                    .map(|field| field.name().to_owned())
                    .collect();
                assert_eq!(Some(event.kind().name()), self.kind.as_deref(), "{name}");
                assert_eq!(Some(event.app()), self.app.as_deref(), "{name}");
                assert_eq!(Some(event.tenant()), self.tenant.as_deref(), "{name}");
                assert_eq!(event.installation(), self.installation.as_deref(), "{name}");
                assert_eq!(Some(unproven), self.unproven, "{name}");
            }
        }
    }
}

impl Written {
    fn scheme(&self) -> Scheme {
        let headers: Vec<&'static str> = self.headers.iter().map(|name| leak_text(name)).collect();
        let parts: Vec<Part> = self
            .signed
            .iter()
            .map(|part| match part {
                WrittenPart::Body => Part::Body,
                WrittenPart::Field(name) => Part::Field(leak_text(name)),
                WrittenPart::Header(name) => Part::Header(leak_text(name)),
                WrittenPart::Text(text) => Part::Text(leak_text(text)),
            })
            .collect();
        let encoding = match self.encoding.as_str() {
            "base64" => Encoding::Base64,
            "hex" => Encoding::Hex,
            other => panic!("no encoding {other}"),
        };
        let scheme = Scheme::new(headers.leak()).with_prefix(leak_text(&self.prefix));
        let scheme = scheme.with_encoding(encoding).with_signed(parts.leak());
        match self.separator {
            Some(separator) => scheme.with_separator(u8::try_from(separator).unwrap()),
            None => scheme,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is a platform's decoder")]
fn any<'a>(_: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
    Ok(EventFields::new(EventKind::Other("vector".into())))
}

/// Platforms are constants in a program; a test that reads them from files lets them live as long.
fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn leak_text(text: &str) -> &'static str {
    text.to_owned().leak()
}
