//! Keys in the wrong form, Ed25519 and detached signatures: what is made wrong on purpose is named rightly.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lifecycle_core::Proof;
use lifecycle_testing::{RSA_OTHER_TEST_KEY, RSA_TEST_KEY, Sender, SigningKeys, registry};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA384, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};

use super::{Held, SEED, Wrong, all_are_named};
use crate::explain::has_public_key;
use crate::explain::key_file::{self, Sort};

fn with_public_keys() -> impl Iterator<Item = &'static Sender> {
    registry().iter().copied().filter(|sender| has_public_key(sender.platform()))
}

fn is_rsa(held: &Held) -> bool {
    held.sender.platform().proof().uses_rsa()
}

impl Held {
    /// Given this key in place of its own, where the platform has an RSA key.
    fn with_rsa(mut self, key: impl Into<Vec<u8>>) -> Option<Self> {
        self.key = key.into();
        is_rsa(&self).then_some(self)
    }

    /// The same where it has an Ed25519 key.
    fn with_ed25519(mut self, key: impl Into<Vec<u8>>) -> Option<Self> {
        self.key = key.into();
        (!is_rsa(&self)).then_some(self)
    }

    /// Whether its signature covers the body.
    fn signs_body(&self) -> bool {
        matches!(self.sender.platform().proof(), Proof::PublicKey(_))
    }

    /// Discord's, with a signature over other bytes than time and body.
    fn signed_over(mut self, message: impl Fn(&[u8], &[u8]) -> Vec<u8>) -> Option<Self> {
        if is_rsa(&self) {
            return None;
        }
        let time = self.request.header("x-signature-timestamp").unwrap().as_bytes().to_vec();
        let pair = Ed25519KeyPair::from_seed_unchecked(&const_hex::decode(SEED).unwrap()).unwrap();
        let signature = const_hex::encode(pair.sign(&message(&time, &self.request.body)).as_ref());
        self.set("x-signature-ed25519", signature);
        Some(self)
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        let own = self.request.headers.iter_mut().find(|(own, _)| own == name);
        own.unwrap_or_else(|| panic!("there is no {name}")).1 = value;
    }
}

/// The public half of the private key for tests, as a PEM.
fn pem() -> String {
    let wix = &lifecycle_core::wix::PLATFORM;
    SigningKeys::parse(wix, RSA_TEST_KEY).unwrap().public_key().unwrap()
}

fn der() -> Vec<u8> {
    let pem = pem();
    STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

fn jwks() -> serde_json::Value {
    let wix = &lifecycle_core::wix::PLATFORM;
    serde_json::from_str(&SigningKeys::parse(wix, RSA_TEST_KEY).unwrap().key_set().unwrap()).unwrap()
}

fn as_pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn ed25519_public() -> Vec<u8> {
    let discord = &lifecycle_core::discord::PLATFORM;
    const_hex::decode(SigningKeys::parse(discord, SEED).unwrap().public_key().unwrap()).unwrap()
}

/// DER of an Ed25519 public key, and of a private one.
fn ed25519_der(is_private: bool) -> Vec<u8> {
    if is_private {
        let seed = const_hex::decode(SEED).unwrap();
        return [&const_hex::decode("302e020100300506032b657004220420").unwrap()[..], &seed].concat();
    }
    [&const_hex::decode("302a300506032b6570032100").unwrap()[..], &ed25519_public()].concat()
}

fn certificate() -> String {
    let pair = rcgen::KeyPair::from_pem(RSA_TEST_KEY).unwrap();
    rcgen::CertificateParams::new(["app.example".to_owned()]).unwrap().self_signed(&pair).unwrap().pem()
}

pub(super) const KEYS: &[Wrong] = &[
    (&["key-private"], |held| held.with_rsa(RSA_TEST_KEY)),
    (&["key-private"], |held| held.with_ed25519(SEED)),
    (&["key-private"], |held| held.with_ed25519(format!("{SEED}{}", const_hex::encode(ed25519_public())))),
    (&["key-private"], |held| held.with_ed25519(as_pem("PRIVATE KEY", &ed25519_der(true)))),
    (&["key-private"], |held| {
        held.with_rsa("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIF\n-----END ENCRYPTED PRIVATE KEY-----")
    }),
    (&["key-private", "key-lines"], |held| held.with_rsa(RSA_TEST_KEY.replace('\n', "\\n"))),
    (&["key-certificate"], |held| held.with_rsa(certificate())),
    (&["key-pkcs1"], |held| held.with_rsa(as_pem("RSA PUBLIC KEY", &der()[24..]))),
    (&["key-lines"], |held| held.with_rsa(pem().replace('\n', "\\n"))),
    (&["key-lines"], |held| held.with_rsa(STANDARD.encode(der()))),
    (&["key-encoded"], |held| held.with_rsa(STANDARD.encode(pem()))),
    (&["key-encoded"], |held| held.with_rsa(der())),
    (&["key-encoded"], |held| held.with_ed25519(STANDARD.encode(ed25519_public()))),
    (&["key-encoded"], |held| held.with_ed25519(URL_SAFE_NO_PAD.encode(ed25519_public()))),
    (&["key-encoded"], |held| held.with_ed25519(as_pem("PUBLIC KEY", &ed25519_der(false)))),
    (&["key-encoded"], |held| held.with_ed25519(ed25519_der(false))),
    (&["key-encoded"], |held| {
        let jwk = serde_json::json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(ed25519_public())});
        held.with_ed25519(jwk.to_string())
    }),
    (&["key-encoded"], |held| {
        let public = ed25519_public();
        let wire = [&[0, 0, 0, 11][..], b"ssh-ed25519", &[0, 0, 0, 32], &public].concat();
        held.with_ed25519(format!("ssh-ed25519 {} me@host", STANDARD.encode(wire)))
    }),
    (&["key-blanks"], |held| held.with_ed25519(format!("\"{}\"", const_hex::encode(ed25519_public())))),
    (&["key-blanks"], |held| held.with_ed25519(format!("0x{}", const_hex::encode(ed25519_public())))),
    (&["key-blanks"], |held| {
        let pairs: Vec<String> = ed25519_public().iter().map(|byte| format!("{byte:02x}")).collect();
        held.with_ed25519(pairs.join(":"))
    }),
    (&["key-jwk"], |held| held.with_rsa(jwks()["keys"][0].to_string())),
    (&["key-jwk"], |held| held.with_rsa(jwks()["keys"].to_string())),
    (&["key-sort"], |held| held.with_rsa("a signing secret that is no key")),
    (&["key-sort"], |held| held.with_rsa(const_hex::encode(ed25519_public()))),
    (&["key-sort"], |held| held.with_rsa(as_pem("PUBLIC KEY", &ed25519_der(false)))),
    (&["key-sort"], |held| {
        held.with_rsa(r#"{"issuer":"https://a.example","jwks_uri":"https://a.example/jwks"}"#)
    }),
    (&["key-sort"], |held| held.with_ed25519(pem())),
    (&["key-sort"], |held| held.with_ed25519("1234560123453231555")),
    (&["key-sort"], |held| {
        held.with_ed25519("MTIzNDU2MDEyMzQ1MzIzMTU1NQ.GabcdE.0123456789abcdefghijklmnopqrstuvwxyz01")
    }),
    (&["key-other"], |held| {
        let other = SigningKeys::parse(&lifecycle_core::wix::PLATFORM, RSA_OTHER_TEST_KEY).unwrap();
        held.with_rsa(other.public_key().unwrap())
    }),
    (&["key-other", "key-private"], |held| held.with_rsa(RSA_OTHER_TEST_KEY)),
    // Whose key made an Ed25519 signature, nothing tells.
    (&[], |mut held| {
        held.request.body = b"{}".to_vec(); // which has few forms to try
        held.with_ed25519("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    }),
    (&["kid-unknown"], |held| {
        let mut set = jwks();
        set["keys"][0]["kid"] = "another".into();
        held.with_rsa(set.to_string())
    }),
    (&["kid-unknown"], |held| {
        let other = SigningKeys::parse(&lifecycle_core::wix::PLATFORM, RSA_OTHER_TEST_KEY).unwrap();
        held.with_rsa(other.key_set().unwrap())
    }),
    (&["key-other"], |held| {
        let wix = &lifecycle_core::wix::PLATFORM;
        let other = SigningKeys::parse(wix, RSA_OTHER_TEST_KEY).unwrap().key_set().unwrap();
        let mut set: serde_json::Value = serde_json::from_str(&other).unwrap();
        set["keys"][0]["kid"] = jwks()["keys"][0]["kid"].clone();
        held.with_rsa(set.to_string())
    }),
];

/// Signatures over the body, of which Discord makes one by Ed25519 and Saleor one that is detached.
pub(super) const BODIES: &[Wrong] = &[
    (&["body-alone"], |held| held.signed_over(|_, body| body.to_vec())),
    (&["time-unit"], |held| held.signed_over(|time, body| [time, b"000", body].concat())),
    (&["part-order"], |held| held.signed_over(|time, body| [body, time].concat())),
    (&["part-separator"], |held| held.signed_over(|time, body| [time, b".", body].concat())),
    (&["part-separator"], |held| held.signed_over(|time, body| [time, b":", body].concat())),
    (&["hashed-twice"], |held| {
        held.signed_over(|time, body| {
            use sha2::Digest as _;
            sha2::Sha256::digest([time, body].concat()).to_vec()
        })
    }),
    (&["newline-added"], |mut held| {
        held.request.body.push(b'\n');
        held.signs_body().then_some(held)
    }),
    (&["json-reserialised"], |mut held| {
        let text = String::from_utf8(held.request.body).unwrap();
        held.request.body = text.replace("\":", "\": ").replace(",\"", ", \"").into_bytes();
        (matches!(held.sender.platform().proof(), Proof::PublicKey(_))).then_some(held)
    }),
    (&["json-members-sorted"], |mut held| {
        let mut value: serde_json::Value = serde_json::from_slice(&held.request.body).ok()?;
        value.sort_all_objects(); // other crates of the workspace may have asked serde_json to keep the order
        held.request.body = value.to_string().into_bytes();
        held.signs_body().then_some(held)
    }),
    (&["html-escaped"], |mut held| {
        held.request.body = String::from_utf8(held.request.body).unwrap().replace('"', "&quot;").into_bytes();
        held.signs_body().then_some(held)
    }),
    (&["body-base64"], |mut held| {
        held.request.body = STANDARD.encode(&held.request.body).into_bytes();
        held.signs_body().then_some(held)
    }),
    (&["body-cut"], |mut held| {
        let length = held.request.body.len();
        held.request.headers.push(("Content-Length".into(), length.to_string()));
        held.request.body.truncate(length / 2);
        held.signs_body().then_some(held)
    }),
    (&[], |mut held| {
        held.request.body = br#"{"another":"body"}"#.to_vec();
        held.signs_body().then_some(held)
    }),
    (&["upper-case"], |mut held| {
        let signature = held.request.header("x-signature-ed25519")?.to_uppercase();
        held.set("x-signature-ed25519", signature);
        Some(held)
    }),
    (&["base64"], |mut held| {
        let signature = const_hex::decode(held.request.header("x-signature-ed25519")?).unwrap();
        held.set("x-signature-ed25519", STANDARD.encode(signature));
        Some(held)
    }),
    (&["rsa-variant"], |held| detached_by(&RSA_PKCS1_SHA384, held)),
    (&["rsa-variant"], |held| detached_by(&RSA_PSS_SHA256, held)),
    (&["jws-not-detached"], |mut held| {
        let value = held.request.header("saleor-signature")?.to_owned();
        held.set("saleor-signature", value.replacen("..", ".e30.", 1));
        Some(held)
    }),
    (&["newline-added", "token-quotes"], |mut held| {
        let value = format!("\"{}\"", held.request.header("saleor-signature")?);
        held.set("saleor-signature", value);
        held.request.body.push(b'\n');
        Some(held)
    }),
];

/// Signed again by the same key, in another way.
fn detached_by(encoding: &'static dyn RsaEncoding, mut held: Held) -> Option<Held> {
    let value = held.request.header("saleor-signature")?.to_owned();
    let header = value.split('.').next().unwrap().to_owned();
    let der = RSA_TEST_KEY.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
    let message = [header.as_bytes(), b".", &held.request.body].concat();
    let mut signature = vec![0; 256];
    pair.sign(encoding, &SystemRandom::new(), &message, &mut signature).unwrap();
    held.set("saleor-signature", format!("{header}..{}", URL_SAFE_NO_PAD.encode(signature)));
    Some(held)
}

#[test]
fn each_wrong_key_is_named() {
    let count = all_are_named(with_public_keys(), KEYS);
    assert!(count >= 80, "{count} cases");
}

#[test]
fn each_mistake_about_a_body_under_a_public_key_is_named() {
    let count = all_are_named(with_public_keys(), BODIES);
    assert!(count >= 20, "{count} cases");
}

#[test]
fn a_body_that_differs_leaves_the_key_unblamed() {
    let saleor = Sender::of(&lifecycle_core::saleor::PLATFORM).unwrap();
    let mut held = Held::genuine(saleor);
    held.request.body = b"{}".to_vec();
    let found = held.diagnosis();
    assert!(found.findings.causes.is_none());
    assert!(found.notes[0].starts_with("the key is the right one"), "{:?}", found.notes);
}

#[test]
fn a_key_that_is_cut_anywhere_is_refused_and_no_panic() {
    let texts = [pem().into_bytes(), der(), jwks().to_string().into_bytes(), certificate().into_bytes()];
    for text in texts {
        for length in (0..text.len() - 30).step_by(3) {
            for sort in [Sort::Rsa, Sort::Ed25519] {
                assert!(key_file::read(&text[..length], sort).is_err(), "{length}");
            }
        }
    }
}
