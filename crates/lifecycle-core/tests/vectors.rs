//! The vectors in `fixtures/vectors`, published ones among them, through the public API and with a fixed clock.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lifecycle_core::{
    Ack, Encoding, EventFields, EventKind, ExpectedApp, Head, Part, Platform, Proof, Rejection, Scheme,
    Secret, Undecodable, VerifiedRequest, Verifier, seismic,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

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
        for (left_out, line) in headers.iter().enumerate() {
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
fn seismic_verifies_its_vectors_and_decodes_those_that_are_callbacks() {
    for (name, vector) in vectors() {
        let Some(platform) = &vector.platform else { continue };
        assert_eq!(platform, "seismic", "{name}");
        assert_eq!(vector.scheme.headers, seismic::SCHEME.headers(), "{name}");
        let is_callback = vector.body.contains(r#""tenantId""#);
        match vector.receive(&seismic::PLATFORM) {
            Ok(()) => assert!(vector.verifies && is_callback, "{name}"),
            Err(Rejection::Undecodable(_)) => assert!(vector.verifies && !is_callback, "{name}"),
            Err(other) => {
                assert!(!vector.verifies && other == Rejection::SignatureMismatch, "{name}: {other}");
            }
        }
    }
}

fn vectors() -> Vec<(String, Vector)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/vectors");
    let mut vectors = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
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

    fn receive(&self, platform: &'static Platform) -> Result<(), Rejection> {
        let verifier = Verifier::new(platform, self.secret(), ExpectedApp::Any).unwrap();
        let mut verification = verifier.begin(Head::new("POST", "/", self.header_lines()))?;
        verification.push(self.body.clone().into())?;
        Ok(verification.finish(SystemTime::UNIX_EPOCH + Duration::from_secs(self.time)).map(drop)?)
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
