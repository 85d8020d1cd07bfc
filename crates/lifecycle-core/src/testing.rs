//! Deliveries for this crate's own tests, by the only way there is: a request that is signed and verified.

use std::time::{Duration, SystemTime};

use crate::{
    Delivery, ExpectedApp, Head, HookToken, Inbound, Keys, Platform, Proof, Rejection, Secret, TokenPlace,
    Undecodable, Verifier,
};

const TOKEN: &str = "b2f0c6f1d5e14f7c9a3b8d2e6f4a1c07";

/// When the deliveries are received: 2026-01-01T00:00:00Z.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

/// The delivery that a genuine request with this body gives, or what keeps it from being one.
pub(crate) fn delivery(platform: &'static Platform, body: &str) -> Result<Delivery, Undecodable> {
    with_headers(platform, &[], body)
}

/// The delivery of a genuine request with a token that has these claims, at this path.
pub(crate) fn with_token(
    platform: &'static Platform,
    path: &str,
    claims: &str,
    body: &str,
) -> Result<Delivery, Undecodable> {
    let secret = Secret::new("a secret for tests").expect("it is one");
    let Proof::Token(scheme) = platform.proof() else { panic!("it is proven otherwise") };
    let token = scheme.sign(&secret, claims);
    let verifier = Verifier::new(platform, secret, ExpectedApp::Any).expect("the keys fit");
    let (target, lines) = match scheme.place() {
        TokenPlace::Query(name) => (format!("{path}?{name}={token}"), Vec::new()),
        TokenPlace::Header { name, .. } => (path.to_owned(), vec![(name, token.as_bytes())]),
        TokenPlace::Body => panic!("the body is the token"),
    };
    finish(&verifier, Head::new(platform.method().as_str(), &target, lines), body)
}

/// The same with headers that the platform names.
pub(crate) fn with_headers(
    platform: &'static Platform,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Delivery, Undecodable> {
    let secret = Secret::new("a secret for tests").expect("it is one");
    let mut lines: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let signature;
    let keys: Keys = match platform.proof() {
        Proof::Hmac(scheme) => {
            let time = lines.iter().copied().chain([("t", b"1767225600".as_slice())]).collect::<Vec<_>>();
            signature = scheme.sign(&secret, &time, body.as_bytes());
            lines.push((scheme.headers()[0], signature.as_bytes()));
            secret.into()
        }
        Proof::UnguessableUrl => HookToken::new(TOKEN).expect("it is one").into(),
        #[cfg(feature = "public-key")]
        Proof::PublicKey(_) => panic!("tests of public keys use vectors"),
        Proof::Token(_) => panic!("tests of tokens sign their claims"),
    };
    let verifier = Verifier::new(platform, keys, ExpectedApp::Any).expect("the keys fit");
    let target = format!("/hook/{TOKEN}");
    finish(&verifier, Head::new("POST", &target, lines), body)
}

fn finish<'h>(
    verifier: &Verifier,
    head: Head<'h, impl Iterator<Item = (&'h str, &'h [u8])>>,
    body: &str,
) -> Result<Delivery, Undecodable> {
    let mut verification = verifier.begin(head).expect("the head is one of this platform's");
    verification.push(body.to_owned().into()).expect("the body is small");
    match verification.finish(now()) {
        Ok(Inbound::Delivery(delivery)) => Ok(delivery),
        Ok(Inbound::Handshake(_)) => panic!("a handshake"),
        Err(rejected) => match rejected.rejection {
            Rejection::Undecodable(why) => Err(why),
            Rejection::Contradiction(place) => Err(Undecodable::Contradiction(place)),
            other => panic!("{other}"),
        },
    }
}
