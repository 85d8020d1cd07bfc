//! Signed: any body, or any claims and a body, that the platform itself has signed: its handshake and its decoding.
#![no_main]

use fuzz::{Request, Verdict, halves, now, subject, told};
use libfuzzer_sys::fuzz_target;
use lifecycle_core::{Delivery, Envelope, Inbound};
use lifecycle_testing::SignedRequest;

fuzz_target!(|data: &[u8]| {
    let [platform, event, chunk, text @ ..] = data else { return };
    let subject = subject(*platform);
    let sample = subject.sample(*event);
    let headers = sample.headers();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let platform = subject.sender.platform();
    let signed = if sample.claims().is_some() {
        let (claims, body) = halves(text);
        let Ok(claims) = std::str::from_utf8(claims) else { return };
        let token = subject.keys.sign_claims(platform, claims);
        SignedRequest::with_token(platform, &token, &headers, sample.path(), body)
    } else {
        SignedRequest::new(platform, &subject.keys, &headers, text, now())
    };
    let request = Request::of(&signed);
    let verdict = subject.judge(&request, 0);
    assert_eq!(verdict, subject.judge(&request, *chunk));
    if sample.claims().is_none() {
        assert!(
            !matches!(verdict, Verdict::Rejected("signature-mismatch" | "missing-signature")),
            "{verdict:?}"
        );
    }
    // What a store keeps gives the same delivery back.
    if let Ok(Inbound::Delivery(delivery)) = subject.verify(&request, 0) {
        let envelope = Envelope::from_json(&delivery.envelope().to_json()).expect("it was written so");
        let restored = Delivery::from_store_unverified(platform, delivery.body().clone(), &envelope);
        let restored = restored.expect("it is the same body");
        assert_eq!(told(&restored), told(&delivery));
    }
});
