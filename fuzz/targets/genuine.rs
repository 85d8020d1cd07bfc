//! Genuine: what the platform sends is accepted however it is cut, and rejected once a bit of what is proven has changed.
#![no_main]

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use fuzz::{Request, Subject, Verdict, subject};
use libfuzzer_sys::fuzz_target;
use lifecycle_core::{Proof, TokenPlace};
use lifecycle_testing::{Sample, SignedRequest};

/// What was signed by RSA, which takes as long as twenty verifications: each event of a platform with each note of one letter.
static KEPT: LazyLock<Mutex<HashMap<[String; 3], SignedRequest>>> = LazyLock::new(Mutex::default);

fuzz_target!(|data: &[u8]| {
    let [platform, event, chunk, high, low, bits, note @ ..] = data else { return };
    let Ok(note) = std::str::from_utf8(note) else { return };
    let subject = subject(*platform);
    let sample = subject.sample(*event);
    let signed = signed(subject, sample, note);
    let genuine = subject.judge(&Request::of(&signed), 0);
    assert!(!matches!(genuine, Verdict::Rejected(_)), "{sample:?}: {genuine:?}");
    assert_eq!(genuine, subject.judge(&Request::of(&signed), *chunk), "{sample:?}");
    let place = usize::from(u16::from_be_bytes([*high, *low]));
    if let Some(changed) = changed(subject.sender.platform().proof(), &signed, place, *bits) {
        let verdict = subject.judge(&Request::of(&changed), 0);
        assert!(matches!(verdict, Verdict::Rejected(_)), "{sample:?}, {place}, {bits}: {verdict:?}");
    }
});

/// The request of this sample, with a note.
fn signed(subject: &Subject, sample: &Sample, note: &str) -> SignedRequest {
    let path = if sample.claims().is_some() { "claims.note" } else { "note" };
    let platform = subject.sender.platform();
    if !platform.proof().uses_rsa() {
        return sample.clone().set(path, note).sign(&subject.keys);
    }
    let note: String = note.chars().take(1).filter(char::is_ascii).collect();
    let key = [platform.name(), sample.event(), &note].map(str::to_owned);
    let mut kept = KEPT.lock().expect("a panic ends it");
    kept.entry(key).or_insert_with(|| sample.clone().set(path, note).sign(&subject.keys)).clone()
}

/// The request with these bits of a byte of its proof changed; `None` where that means the same.
fn changed(proof: &Proof, signed: &SignedRequest, place: usize, bits: u8) -> Option<SignedRequest> {
    let mut changed = signed.clone();
    let carrier = match proof {
        Proof::Hmac(scheme) => Some(scheme.headers()[0]),
        Proof::PublicKey(scheme) => Some(scheme.headers()[0]),
        Proof::Token(scheme) => match scheme.place() {
            TokenPlace::Header { name, .. } => Some(name),
            TokenPlace::Query(_) => {
                let token = signed.target.find('=')? + 1;
                changed.target = flipped(&signed.target, token, place, bits)?;
                return Some(changed);
            }
            _ => None,
        },
        _ => return None,
    };
    let is_of_the_body = match proof {
        Proof::Token(scheme) => scheme.place() == TokenPlace::Body,
        _ => place.is_multiple_of(2),
    };
    if is_of_the_body {
        let length = changed.body.len();
        *changed.body.get_mut(place / 2 % length.max(1))? ^= bits;
        return (bits != 0).then_some(changed);
    }
    let (_, value) = changed.headers.iter_mut().find(|(name, _)| Some(name.as_str()) == carrier)?;
    *value = flipped(value, 0, place / 2, bits)?;
    Some(changed)
}

/// The same text with bits of a letter changed; `None` where it is no other text, or one in another case only, as hex may be.
fn flipped(text: &str, from: usize, place: usize, bits: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let place = from + place % (bytes.len() - from);
    bytes[place] ^= bits;
    let changed = String::from_utf8(bytes).ok()?;
    (!changed.eq_ignore_ascii_case(text)).then_some(changed)
}
