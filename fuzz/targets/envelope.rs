//! Envelope: what a store gives back.
#![no_main]

use fuzz::subject;
use libfuzzer_sys::fuzz_target;
use lifecycle_core::{Delivery, Envelope};

fuzz_target!(|data: &[u8]| {
    let [platform, text @ ..] = data else { return };
    let (text, body) = fuzz::halves(text);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(envelope) = Envelope::from_json(text) else { return };
    let written = Envelope::from_json(&envelope.to_json()).expect("it was written so");
    assert!(written == envelope);
    let _ = Delivery::from_store_unverified(subject(*platform).sender.platform(), body.to_vec(), &envelope);
});
