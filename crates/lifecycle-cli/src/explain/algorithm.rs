//! Algorithm: what a platform computes over a message or verifies it by, and what is computed in its place by mistake.

use hmac::digest::{CtOutput, Digest, Output, OutputSizeUser};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::cause::Cause;
use super::public_key::VerifyingKey;
use super::secrets::Key;

/// The causes that are about the computation.
pub(super) const CAUSES: &[Cause] = &[
    Cause::algorithm(
        "hash-function",
        &[Algorithm::HmacSha1, Algorithm::HmacSha512, Algorithm::HmacMd5],
        "the signature is made with MD5, SHA-1 or SHA-512",
        "compute HMAC with SHA-256",
    ),
    Cause::algorithm(
        "no-hmac",
        &[Algorithm::Sha256Body, Algorithm::Sha256KeyBody, Algorithm::Sha256BodyKey, Algorithm::Md5Body],
        "the signature is a plain hash, without HMAC",
        "compute HMAC-SHA256 with the secret as its key; a plain hash proves nothing",
    ),
    Cause::algorithm(
        "swapped",
        &[Algorithm::Swapped],
        "the secret was taken as the message, and the body as the key",
        "swap the two arguments: the secret is the key",
    ),
    Cause::algorithm(
        "hashed-twice",
        &[
            Algorithm::HmacOfDigest,
            Algorithm::HmacOfHexDigest,
            Algorithm::Rehashed,
            Algorithm::Ed25519OfDigest,
        ],
        "there is one SHA-256 too many: over the body before the signature, or over its result",
        "give the raw body to the HMAC or to the verification, and take its result as it is",
    ),
    Cause::algorithm(
        "rsa-variant",
        &[Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256],
        "the key signed it by RS384, RS512 or PS256",
        "the platform signs by RS256 (PKCS #1 v1.5 with SHA-256): have both sides use that",
    ),
];

/// What a signature is made with, or verified with.
pub(super) enum KeyMaterial {
    Public(VerifyingKey),
    Secret(Key),
}

/// What is computed from a key and a message, or verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Algorithm {
    /// Ed25519 over the message, as Discord documents it.
    Ed25519,
    /// Ed25519 over the message's SHA-256.
    Ed25519OfDigest,
    HmacMd5,
    /// What most platforms document.
    HmacSha256,
    HmacSha1,
    HmacSha512,
    /// HMAC of the body's SHA-256, as bytes.
    HmacOfDigest,
    /// HMAC of the body's SHA-256, as text.
    HmacOfHexDigest,
    /// MD5 of the body alone.
    Md5Body,
    /// RSA with padding by PSS.
    Ps256,
    /// RSA as every platform that uses it documents it.
    Rs256,
    Rs384,
    Rs512,
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

/// What was computed, or is ready to be verified. It can be compared, in constant time, and nothing else.
pub(super) enum Computed<'k> {
    Md5(CtOutput<Md5>),
    Sha1(CtOutput<Sha1>),
    Sha256(CtOutput<Sha256>),
    Sha512(CtOutput<Sha512>),
    Signed { key: &'k VerifyingKey, algorithm: Algorithm, message: Vec<u8> },
}

impl Algorithm {
    /// Whether it works with a key of this sort.
    pub(super) fn takes(self, key: &KeyMaterial) -> bool {
        match self {
            Self::Ed25519 | Self::Ed25519OfDigest => {
                matches!(key, KeyMaterial::Public(VerifyingKey::Ed25519(_)))
            }
            Self::Ps256 | Self::Rs256 | Self::Rs384 | Self::Rs512 => {
                matches!(key, KeyMaterial::Public(VerifyingKey::Rsa { .. }))
            }
            _ => matches!(key, KeyMaterial::Secret(_)),
        }
    }

    /// `None` where the key is of another sort.
    pub(super) fn compute(self, key: &KeyMaterial, message: Vec<u8>) -> Option<Computed<'_>> {
        match key {
            KeyMaterial::Public(key) => self.prepare(key, message),
            KeyMaterial::Secret(secret) => self.mac(secret, &message),
        }
    }

    fn prepare(self, key: &VerifyingKey, message: Vec<u8>) -> Option<Computed<'_>> {
        Some(match (self, key) {
            (Self::Ed25519OfDigest, VerifyingKey::Ed25519(_)) => {
                let message = Sha256::digest(message).to_vec();
                Computed::Signed { key, algorithm: Self::Ed25519, message }
            }
            (Self::Ed25519, VerifyingKey::Ed25519(_))
            | (Self::Ps256 | Self::Rs256 | Self::Rs384 | Self::Rs512, VerifyingKey::Rsa { .. }) => {
                Computed::Signed { key, algorithm: self, message }
            }
            _ => return None,
        })
    }

    fn mac(self, key: &[u8], body: &[u8]) -> Option<Computed<'static>> {
        let sha256 = |output: Output<Sha256>| Computed::Sha256(CtOutput::new(output));
        Some(match self {
            Self::HmacSha256 => sha256(hmac(key, body)),
            Self::HmacMd5 => {
                let mac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes keys of any length");
                Computed::Md5(CtOutput::new(mac.chain_update(body).finalize().into_bytes()))
            }
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
            Self::Md5Body => Computed::Md5(CtOutput::new(Md5::digest(body))),
            Self::Rehashed => sha256(Sha256::digest(hmac(key, body))),
            Self::Sha256Body => sha256(Sha256::digest(body)),
            Self::Sha256BodyKey => sha256(Sha256::new().chain_update(body).chain_update(key).finalize()),
            Self::Sha256KeyBody => sha256(Sha256::new().chain_update(key).chain_update(body).finalize()),
            Self::Swapped => sha256(hmac(body, key)),
            Self::Ed25519 | Self::Ed25519OfDigest | Self::Ps256 | Self::Rs256 | Self::Rs384 | Self::Rs512 => {
                return None;
            }
        })
    }
}

impl Computed<'_> {
    /// Whether these bytes are what was computed, or a signature that the key proves.
    pub(super) fn is(&self, presented: &[u8]) -> bool {
        match self {
            Self::Md5(own) => same(own, presented),
            Self::Sha1(own) => same(own, presented),
            Self::Sha256(own) => same(own, presented),
            Self::Sha512(own) => same(own, presented),
            Self::Signed { key, algorithm, message } => key.verifies(*algorithm, message, presented),
        }
    }

    /// Whether these bytes, at least half of them, are the first of what was computed.
    pub(super) fn begins_with(&self, presented: &[u8]) -> bool {
        let Self::Sha256(own) = self else { return false };
        if !(16..32).contains(&presented.len()) {
            return false;
        }
        let cut = |bytes: &[u8]| {
            let mut whole = Output::<Sha256>::default();
            whole[..presented.len()].copy_from_slice(&bytes[..presented.len()]);
            CtOutput::<Sha256>::new(whole)
        };
        cut(&own.clone().into_bytes()) == cut(presented)
    }
}

fn hmac(key: &[u8], body: &[u8]) -> Output<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(body).finalize().into_bytes()
}

fn same<D: OutputSizeUser>(own: &CtOutput<D>, presented: &[u8]) -> bool {
    Output::<D>::try_from(presented).is_ok_and(|presented| CtOutput::new(presented) == *own)
}
