//! Limit: the HMAC that every judge has to compute, and the instructions that it comes down to.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Failure;
use crate::measure::{Case, Rounds};

use super::callbacks::{Callback, SECRET};
use super::child::Child;

/// The HMAC of each callback and nothing else, with the key scheduled beforehand: by the crates that ours is built on
/// (`hmac` and `sha2`), and by `ring`.
pub(super) fn cases(callbacks: &[Callback]) -> [Case<'static>; 2] {
    let bodies: Vec<Bytes> = callbacks.iter().map(|callback| callback.signed.clone()).collect();
    let keyed = keyed();
    let ours = {
        let bodies = bodies.clone();
        move |call: usize| keyed.clone().chain_update(&bodies[call % bodies.len()]).finalize()
    };
    let key = ring_key();
    let ring = move |call: usize| ring::hmac::sign(&key, &bodies[call % bodies.len()]);
    [Case::new("hmac and sha2", ours), Case::new("ring", ring)]
}

/// Which of the two, when they stand first among the cases.
pub(super) fn faster(rounds: &Rounds) -> usize {
    usize::from(rounds.nanos(1).median < rounds.nanos(0).median)
}

/// The compressions of 64 bytes in an HMAC of this many, when those of the key are done: the padded message, and the
/// outer hash.
pub(super) fn compressions(length: usize) -> usize {
    (length + 9).div_ceil(64) + 1
}

/// As many dependent `SHA256RNDS2` as the HMACs of these callbacks have on average: no single stream can be faster, since
/// each round needs the one before.
///
/// # Errors
/// Says what this machine lacks.
pub(super) fn chain(callbacks: &[Callback], folder: &Path) -> Result<Case<'static>, Failure> {
    if !has_sha_extensions() {
        return Err("the processor has no SHA extensions".into());
    }
    let (source, program) = (folder.join("rnds2.c"), folder.join("rnds2"));
    if !program.exists() {
        std::fs::write(&source, include_str!("rnds2.c"))?;
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-msha", "-msse4.1", "-o"]).args([&program, &source]);
        let compiled = cc.status().map_err(|error| format!("no C compiler: {error}"))?;
        if !compiled.success() {
            return Err("the C compiler failed".into());
        }
    }
    let total: usize = callbacks.iter().map(|callback| 32 * compressions(callback.signed.len())).sum();
    let each = total / callbacks.len();
    Ok(Child::start(Command::new(program).arg(each.to_string()))?.case("SHA256RNDS2"))
}

fn keyed() -> Hmac<Sha256> {
    Hmac::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length")
}

fn ring_key() -> ring::hmac::Key {
    ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes())
}

#[cfg(target_arch = "x86_64")]
fn has_sha_extensions() -> bool {
    std::is_x86_feature_detected!("sha")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_sha_extensions() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_backends_compute_the_documented_signature() {
        let body = &super::super::callbacks::compact()[0].signed;
        let documented = "ddc467d518c7d51be83da1172eb212ba946663873c47844159a666f26cb8588e";
        assert_eq!(const_hex::encode(keyed().chain_update(body).finalize().into_bytes()), documented);
        assert_eq!(const_hex::encode(ring::hmac::sign(&ring_key(), body)), documented);
    }

    #[test]
    fn the_padding_needs_nine_bytes() {
        for (length, expected) in [(0, 2), (55, 2), (56, 3), (400, 8), (439, 8), (440, 9), (65536, 1026)] {
            assert_eq!(compressions(length), expected, "{length}");
        }
    }
}
