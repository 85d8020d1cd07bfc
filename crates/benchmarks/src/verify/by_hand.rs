//! By hand: what an app writes that has no library, with the first that comes to mind.

use std::hint::black_box;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::callbacks::{Callback, SECRET};
use super::contestant::Contestant;

/// Schedules the key for each callback, compares the text, and decodes into a tree. The comparison even tells by its time
/// where two signatures differ.
pub(super) fn naive(callbacks: &[Callback]) -> Contestant {
    let verify = |signature: &String, body: &Bytes| *signature == sign(body);
    let decode = move |signature: &String, body: &Bytes| {
        verify(signature, body) && black_box(serde_json::from_slice::<Value>(body)).is_ok()
    };
    Contestant::new("by hand, naive", callbacks, sign, verify, decode)
}

/// In hexadecimal digits.
pub(super) fn sign(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::contestant::assert_it_judges;
    use super::*;

    #[test]
    fn what_is_written_by_hand_takes_what_is_genuine_and_nothing_else() {
        assert_it_judges("naive", |callbacks| naive(callbacks).verify);
        assert_it_judges("naive with decoding", |callbacks| naive(callbacks).decode);
    }
}
