//! Keys: a key as PEM, as a JWK set, as hex, a secret as a platform shows it, the token of a URL.
#![no_main]

use std::collections::HashSet;

use fuzz::subject;
use libfuzzer_sys::fuzz_target;
use lifecycle_core::{HookToken, KeySet, Proof, PublicKey, Secret};
use lifecycle_testing::SigningKeys;

fuzz_target!(|data: &[u8]| {
    let [which, data @ ..] = data else { return };
    if let Ok(set) = KeySet::from_jwks(data) {
        let count = set.iter().count();
        let ids: HashSet<_> = set.iter().map(PublicKey::id).collect();
        assert!((1..=KeySet::MAX_KEYS).contains(&count) && ids.len() == count);
        assert!(set.iter().all(|key| key.id().is_some_and(|id| set.has(id))));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n");
    for text in [text, &pem] {
        if let Ok(key) = PublicKey::rsa_pem("name", text) {
            assert!(key.id().is_none());
        }
    }
    let _ = PublicKey::ed25519("name", text);
    let _ = Secret::new(text);
    let _ = HookToken::new(text).map(|token| assert!(token.matches(text)));
    let platform = subject(*which).sender.platform();
    if let Proof::Hmac(scheme) = platform.proof() {
        let _ = scheme.secret(text);
    }
    let _ = SigningKeys::parse(platform, text);
});
