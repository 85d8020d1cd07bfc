//! Request: any request, on every platform. How its body is cut does not change what becomes of it.
#![no_main]

use fuzz::{Request, subject};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [platform, chunk, text @ ..] = data else { return };
    let Some(request) = Request::read(text) else { return };
    let subject = subject(*platform);
    assert_eq!(subject.judge(&request, 0), subject.judge(&request, *chunk));
});
