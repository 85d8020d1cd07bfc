//! Case: a comparison, and two presented texts that differ from the right one at different places.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lifecycle_core::{
    ExpectedApp, Head, HookToken, Proof, Secret, Secrets, TokenPlace, Verifier, monday, seismic,
};

use crate::Failure;

/// Compares what is presented with what is right.
type Compare = Box<dyn FnMut(&[u8])>;

/// The same, and says whether they are equal.
type Verify = Box<dyn FnMut(&[u8]) -> bool>;

/// What is compared, and how.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) inputs: [Vec<u8>; 2],
    pub(crate) run: Compare,
    /// Of the control, which has to be found.
    pub(crate) leaks: bool,
}

const SECRET: &str = "timing-signing-secret-of-nobody";

const BODY: &[u8] = br#"{"type":"upgrade","appId":"timing","tenantId":"timing","requestId":"1"}"#;

/// The two controls first.
pub(crate) fn all() -> Result<Vec<Case>, Failure> {
    let mut cases = vec![leaky(), null()?];
    cases.extend(signatures()?);
    cases.extend(token_macs()?);
    cases.extend(hook_tokens()?);
    cases.extend(secrets()?);
    Ok(cases)
}

/// It stops at the first byte that differs.
fn leaky() -> Case {
    let right = b"timing-secret-header-of-32-bytes".to_vec();
    let inputs = [with_another(&right, 0), with_another(&right, right.len() - 1)];
    let run = move |presented: &[u8]| {
        black_box(presented.iter().zip(&right).all(|(one, other)| black_box(one) == other));
    };
    Case { name: "control: a comparison that stops early".into(), inputs, run: Box::new(run), leaks: true }
}

/// Both inputs are the same.
fn null() -> Result<Case, Failure> {
    let right = signature()?;
    let wrong = with_another(&right, 0);
    let run = verify_signature()?;
    Ok(Case {
        name: "control: the same signature twice".into(),
        inputs: [wrong.clone(), wrong],
        run,
        leaks: false,
    })
}

fn signatures() -> Result<Vec<Case>, Failure> {
    let right = signature()?;
    let last = right.len() - 1;
    let mut cases = Vec::new();
    for place in [0, 1, 31, 32, 62] {
        let inputs = [with_another(&right, place), with_another(&right, last)];
        cases.push(case(&format!("signature: digit {place} against the last"), inputs, verify_signature()?));
    }
    let all_wrong = (0..right.len()).fold(right.clone(), |text, place| with_another(&text, place));
    cases.push(case(
        "signature: all digits against the last",
        [all_wrong, with_another(&right, last)],
        verify_signature()?,
    ));
    Ok(cases)
}

/// In hex. It does not begin with `0`: the reader of hex looks for `0x`, which depends on nothing that is secret and would be found.
fn signature() -> Result<Vec<u8>, Failure> {
    let text = seismic::SCHEME.sign(&Secret::new(SECRET)?, &[], BODY);
    if text.starts_with('0') { Err("choose another body".into()) } else { Ok(text.into_bytes()) }
}

fn verify_signature() -> Result<Compare, Failure> {
    let (secrets, now) = (Secrets::from(Secret::new(SECRET)?), SystemTime::now());
    Ok(Box::new(move |presented| {
        let headers = [(seismic::SIGNATURE, presented)];
        black_box(seismic::SCHEME.verify(&secrets, &headers, BODY, now).is_ok());
    }))
}

/// The whole verification of a request, whose MAC is decoded before it is compared.
fn token_macs() -> Result<Vec<Case>, Failure> {
    let Proof::Token(scheme) = monday::PLATFORM.proof() else { return Err("monday.com has a token".into()) };
    let TokenPlace::Header { name, .. } = scheme.place() else { return Err("it is in a header".into()) };
    let secret = Secret::new(SECRET)?;
    let claims =
        r#"{"dat":{"app_id":1,"account_id":1,"user_id":1,"install_id":1},"iat":1767225600,"exp":1767225900}"#;
    let token = scheme.sign(&secret, claims);
    let (front, mac) = token.rsplit_once('.').ok_or("a token has three parts")?;
    let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| "the MAC is in base64")?;
    let wrong = |place: usize| {
        let mut mac = mac.clone();
        mac[place] ^= 0b100;
        format!("{front}.{}", URL_SAFE_NO_PAD.encode(mac)).into_bytes()
    };
    let verify = move || -> Result<Verify, Failure> {
        let verifier = Verifier::new(&monday::PLATFORM, Secret::new(SECRET)?, ExpectedApp::Any)?;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_601);
        let body = br#"{"type":"install","data":{"app_id":1,"account_id":1,"user_id":1}}"#;
        Ok(Box::new(move |presented| {
            let Ok(mut verification) = verifier.begin(Head::new("POST", "/monday", [(name, presented)]))
            else {
                return false;
            };
            verification.push(body.as_slice().into()).is_ok() && verification.finish(now).is_ok()
        }))
    };
    if !verify()?(token.as_bytes()) || verify()?(&wrong(0)) {
        return Err("the right token has to be taken, and a wrong one refused".into());
    }
    let mut cases = Vec::new();
    for place in [0, 15] {
        let mut verify = verify()?;
        let run = move |presented: &[u8]| {
            black_box(verify(presented));
        };
        let inputs = [wrong(place), wrong(mac.len() - 1)];
        cases.push(case(&format!("MAC of a token: byte {place} against the last"), inputs, Box::new(run)));
    }
    Ok(cases)
}

fn hook_tokens() -> Result<Vec<Case>, Failure> {
    let right = b"b2f0c6f1d5e14f7c9a3b8d2e6f4a1c07".to_vec();
    let mut cases = Vec::new();
    for place in [0, 16] {
        let token = HookToken::new(str::from_utf8(&right)?)?;
        let run = move |presented: &[u8]| {
            black_box(str::from_utf8(presented).is_ok_and(|presented| token.matches(presented)));
        };
        let inputs = [with_another(&right, place), with_another(&right, right.len() - 1)];
        cases.push(case(&format!("hook token: character {place} against the last"), inputs, Box::new(run)));
    }
    Ok(cases)
}

/// What a header with a secret is compared by.
fn secrets() -> Result<Vec<Case>, Failure> {
    let right = SECRET.as_bytes().to_vec();
    let mut cases = Vec::new();
    for place in [0, 16] {
        let secret = Secret::new(SECRET)?;
        let run = move |presented: &[u8]| {
            black_box(secret.matches(presented));
        };
        let inputs = [with_another(&right, place), with_another(&right, right.len() - 1)];
        cases.push(case(&format!("secret header: byte {place} against the last"), inputs, Box::new(run)));
    }
    Ok(cases)
}

fn case(name: &str, inputs: [Vec<u8>; 2], run: Compare) -> Case {
    Case { name: name.to_owned(), inputs, run, leaks: false }
}

/// With another character of the same kind at this place: how letters and digits are read depends on what is presented, and on
/// nothing that is secret. It is not `0`.
fn with_another(text: &[u8], place: usize) -> Vec<u8> {
    let mut text = text.to_vec();
    let (one, other) = if text[place].is_ascii_digit() { (b'8', b'9') } else { (b'e', b'f') };
    text[place] = if text[place] == one { other } else { one };
    text
}
