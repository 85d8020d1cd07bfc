//! `SignedRequest`: what a platform would send.

use std::fmt;
use std::time::SystemTime;

use lifecycle_core::{AttemptTime, HookToken, Keys, Platform, Proof, PublicKey, Secret};
use ring::signature::{Ed25519KeyPair, KeyPair};

const SECRET: &str = "a signing secret for tests";
const TOKEN: &str = "b2f0c6f1d5e14f7c9a3b8d2e6f4a1c07";

/// The private key of RFC 8032, section 7.1, test 1.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

/// The keys that verify this crate's requests. Everybody knows them: for tests only.
pub fn keys(platform: &Platform) -> Keys {
    match platform.proof() {
        Proof::Hmac(_) => secret().into(),
        Proof::PublicKey(_) => public_key().into(),
        _ => token().into(),
    }
}

/// A genuine request of a platform. `Debug` shows the target's path only.
#[derive(Clone)]
#[non_exhaustive]
pub struct SignedRequest {
    /// The method.
    pub method: &'static str,
    /// The target: below `/hook/` the token of an unguessable URL, where that is the proof.
    pub target: String,
    /// The header lines, those that carry the signature among them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl SignedRequest {
    /// A request with these headers (names in lower case) and this body, sent at this time. The headers of the proof are
    /// added; a time header that the platform signs is, too, unless it is given.
    pub fn new(platform: &Platform, headers: &[(&str, &str)], body: &str, sent: SystemTime) -> Self {
        let mut lines: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let seconds = sent.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
        if let AttemptTime::Header(name) = platform.attempt_time()
            && !lines.iter().any(|(own, _)| own == name)
        {
            lines.push((name.to_owned(), seconds.clone()));
        }
        let time = match platform.attempt_time() {
            AttemptTime::Field(name) => Some((name, seconds.as_bytes())),
            _ => None,
        };
        let mut target = format!("/{}", platform.name());
        match platform.proof() {
            Proof::Hmac(scheme) => {
                let signature = scheme.sign(&secret(), &known(&lines, time), body.as_bytes());
                lines.push((scheme.headers()[0].to_owned(), signature));
            }
            Proof::PublicKey(public) => {
                let sign = |message: &[u8]| key_pair().sign(message).as_ref().to_vec();
                let signature = public.sign_with(&known(&lines, time), body.as_bytes(), sign);
                lines.push((public.scheme().headers()[0].to_owned(), signature));
            }
            _ => target = format!("/hook/{TOKEN}"),
        }
        Self { method: "POST", target, headers: lines, body: body.as_bytes().to_vec() }
    }
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The headers, and the field that is signed with them.
fn known<'l>(lines: &'l [(String, String)], field: Option<(&'l str, &'l [u8])>) -> Vec<(&'l str, &'l [u8])> {
    lines.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).chain(field).collect()
}

fn public_key() -> PublicKey {
    PublicKey::ed25519("testing", &const_hex::encode(key_pair().public_key().as_ref())).expect("it is a key")
}

fn token() -> HookToken {
    HookToken::new(TOKEN).expect("it is a token")
}

fn secret() -> Secret {
    Secret::new(SECRET).expect("it is a secret")
}

fn key_pair() -> Ed25519KeyPair {
    let seed = const_hex::decode(SEED).expect("it is hex");
    Ed25519KeyPair::from_seed_unchecked(&seed).expect("it is a seed")
}
