//! Fixture: a file of the conformance suite.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lifecycle_conformance::Fixture;

fuzz_target!(|data: &[u8]| {
    let _ = serde_json::from_slice::<Fixture>(data);
});
