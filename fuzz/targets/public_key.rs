//! Public key: signatures by a private key, changed or not. Our verdict, which is `ring`'s, is that of another implementation.
#![no_main]

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey as Ed25519Key;
use fuzz::{Request, Subject, Verdict, now, subject};
use libfuzzer_sys::fuzz_target;
use lifecycle_core::{Platform, discord, wix};
use lifecycle_testing::{RSA_TEST_KEY, SignedRequest, registry};
use rsa::PrivateKey;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::signature::Verifier as _;
use sha2::Sha256;

/// The order of Ed25519's group, in little endian: with it added, a signature is another writing of the same one.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The key of the platforms' tests.
static ED25519: LazyLock<Ed25519Key> = LazyLock::new(|| {
    let hex = of(&discord::PLATFORM).keys.public_key().unwrap();
    Ed25519Key::from_bytes(&bytes(&hex).try_into().unwrap()).unwrap()
});
static RS256: LazyLock<VerifyingKey<Sha256>> =
    LazyLock::new(|| VerifyingKey::new(PrivateKey::from_pkcs8_pem(RSA_TEST_KEY).unwrap().to_public_key()));

/// Tokens by their notes. To sign by RSA takes as long as twenty verifications, so there is one for each note of a letter.
static TOKENS: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);

fuzz_target!(|data: &[u8]| {
    let [which, change, high, low, bits, message @ ..] = data else { return };
    let place = usize::from(u16::from_be_bytes([*high, *low]));
    let alter = |signature: &mut Vec<u8>| match change % 5 {
        0 => {
            let length = signature.len();
            signature[place % length] ^= bits;
        }
        1 => signature.truncate(place % 300),
        2 => signature.insert(0, 0),
        3 => signature.push(*bits),
        _ => add_order(signature),
    };
    // RSA is slow, so it has one of eight.
    if which % 8 == 0 { rs256(message, alter) } else { ed25519(message, alter) }
});

fn ed25519(body: &[u8], alter: impl FnOnce(&mut Vec<u8>)) {
    let time = now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().to_string();
    let message = [time.as_bytes(), body].concat();
    let subject = of(&discord::PLATFORM);
    let signatures = subject.keys.signatures(&discord::PLATFORM, &[], body, now());
    let mut signature = bytes(&signatures[0].1);
    alter(&mut signature);
    let theirs = ed25519_dalek::Signature::from_slice(&signature)
        .is_ok_and(|signature| ED25519.verify_strict(&message, &signature).is_ok());
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    let headers = vec![("x-signature-timestamp", time.as_bytes()), ("x-signature-ed25519", hex.as_bytes())];
    let request = Request { method: "POST", target: "/discord", headers, body };
    assert_eq!(is_proven(&subject.judge(&request, 0)), theirs, "{hex}");
}

/// The bytes that hex stands for.
fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|place| u8::from_str_radix(&hex[place..place + 2], 16).unwrap()).collect()
}

fn rs256(note: &[u8], alter: impl FnOnce(&mut Vec<u8>)) {
    let Ok(note) = std::str::from_utf8(note) else { return };
    let note: String = note.chars().take(1).filter(char::is_ascii).collect();
    let subject = of(&wix::PLATFORM);
    let sign = || {
        let claims = serde_json::json!({"exp": 4_102_444_800_u64, "note": note});
        subject.keys.sign_token(r#"{"alg":"RS256"}"#, &claims.to_string())
    };
    let token = TOKENS.lock().expect("a panic ends it").entry(note.clone()).or_insert_with(sign).clone();
    let (message, signature) = token.rsplit_once('.').expect("it is a token");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("it is base64url");
    alter(&mut signature);
    let theirs = Signature::try_from(signature.as_slice())
        .is_ok_and(|signature| RS256.verify(message.as_bytes(), &signature).is_ok());
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature));
    let request = SignedRequest::with_token(&wix::PLATFORM, &token, &[], "", "");
    assert_eq!(is_proven(&subject.judge(&Request::of(&request), 0)), theirs, "{token}");
}

fn of(platform: &Platform) -> &'static Subject {
    let index = registry().iter().position(|sender| sender.platform().name() == platform.name());
    subject(index.and_then(|index| u8::try_from(index).ok()).expect("it is one of them"))
}

fn is_proven(verdict: &Verdict) -> bool {
    !matches!(verdict, Verdict::Rejected("invalid-token" | "signature-mismatch" | "missing-signature"))
}

/// To the second half of an Ed25519 signature.
fn add_order(signature: &mut [u8]) {
    let mut carry = 0;
    for (byte, order) in signature.iter_mut().skip(32).zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
}
