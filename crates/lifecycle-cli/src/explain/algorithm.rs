//! Algorithm: HMAC-SHA256 over the body, and what is computed in its place by mistake.

use hmac::digest::{CtOutput, Digest, Output, OutputSizeUser};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// What is computed from a key and a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Algorithm {
    /// What Seismic documents.
    HmacSha256,
    HmacSha1,
    HmacSha512,
    /// HMAC of the body's SHA-256, as bytes.
    HmacOfDigest,
    /// HMAC of the body's SHA-256, as text.
    HmacOfHexDigest,
    /// SHA-256 of the HMAC.
    Rehashed,
    /// SHA-256 of body and secret.
    Sha256BodyKey,
    /// SHA-256 of the body alone.
    Sha256Body,
    /// SHA-256 of secret and body.
    Sha256KeyBody,
    /// HMAC with the body as key.
    Swapped,
}

/// What was computed. It can be compared, in constant time, and nothing else.
pub(super) enum Computed {
    Sha1(CtOutput<Sha1>),
    Sha256(CtOutput<Sha256>),
    Sha512(CtOutput<Sha512>),
}

impl Algorithm {
    pub(super) fn compute(self, key: &[u8], body: &[u8]) -> Computed {
        let sha256 = |output: Output<Sha256>| Computed::Sha256(CtOutput::new(output));
        match self {
            Self::HmacSha256 => sha256(hmac(key, body)),
            Self::HmacSha1 => {
                let mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
                Computed::Sha1(CtOutput::new(mac.chain_update(body).finalize().into_bytes()))
            }
            Self::HmacSha512 => {
                let mac = Hmac::<Sha512>::new_from_slice(key).expect("HMAC takes keys of any length");
                Computed::Sha512(CtOutput::new(mac.chain_update(body).finalize().into_bytes()))
            }
            Self::HmacOfDigest => sha256(hmac(key, &Sha256::digest(body))),
            Self::HmacOfHexDigest => sha256(hmac(key, const_hex::encode(Sha256::digest(body)).as_bytes())),
            Self::Rehashed => sha256(Sha256::digest(hmac(key, body))),
            Self::Sha256Body => sha256(Sha256::digest(body)),
            Self::Sha256BodyKey => sha256(Sha256::new().chain_update(body).chain_update(key).finalize()),
            Self::Sha256KeyBody => sha256(Sha256::new().chain_update(key).chain_update(body).finalize()),
            Self::Swapped => sha256(hmac(body, key)),
        }
    }
}

impl Computed {
    /// Whether these bytes are what was computed.
    pub(super) fn is(&self, presented: &[u8]) -> bool {
        match self {
            Self::Sha1(own) => same(own, presented),
            Self::Sha256(own) => same(own, presented),
            Self::Sha512(own) => same(own, presented),
        }
    }
}

fn hmac(key: &[u8], body: &[u8]) -> Output<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(body).finalize().into_bytes()
}

fn same<D: OutputSizeUser>(own: &CtOutput<D>, presented: &[u8]) -> bool {
    Output::<D>::try_from(presented).is_ok_and(|presented| CtOutput::new(presented) == *own)
}
