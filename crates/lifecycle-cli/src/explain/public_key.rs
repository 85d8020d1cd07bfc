//! Public key: verifies a signature by whatever algorithm, and tells a foreign signature from one over other bytes.

use num_bigint::BigUint;
use ring::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::algorithm::Algorithm;

/// A key that verifies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum VerifyingKey {
    Ed25519([u8; 32]),
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

impl VerifyingKey {
    /// Whether its private key signed this.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let by = match (self, algorithm) {
            (Self::Ed25519(bytes), Algorithm::Ed25519) => {
                return UnparsedPublicKey::new(&ED25519, bytes).verify(message, signature).is_ok();
            }
            (Self::Rsa { .. }, Algorithm::Rs256) => &RSA_PKCS1_2048_8192_SHA256,
            (Self::Rsa { .. }, Algorithm::Rs384) => &RSA_PKCS1_2048_8192_SHA384,
            (Self::Rsa { .. }, Algorithm::Rs512) => &RSA_PKCS1_2048_8192_SHA512,
            (Self::Rsa { .. }, Algorithm::Ps256) => &RSA_PSS_2048_8192_SHA256,
            _ => return false,
        };
        let Self::Rsa { modulus, exponent } = self else { return false };
        RsaPublicKeyComponents { n: modulus, e: exponent }.verify(by, message, signature).is_ok()
    }

    /// Whether its private key made this signature, over whatever bytes: under an RSA key a foreign signature has no padding
    /// (RFC 8017, section 9.2). `None` where the key cannot tell.
    pub(super) fn made(&self, signature: &[u8]) -> Option<bool> {
        let Self::Rsa { modulus, exponent } = self else { return None };
        let is_usual = (1..=1024).contains(&modulus.len()) && exponent.len() <= 8;
        if !is_usual {
            return None;
        }
        if signature.len() != modulus.len() {
            return Some(false);
        }
        let number = BigUint::from_bytes_be;
        let opened = number(signature).modpow(&number(exponent), &number(modulus)).to_bytes_be();
        // The first byte is zero, which a number does not keep.
        let padding = opened.strip_prefix(&[1]).unwrap_or_default();
        let is_padded = opened.len() + 1 == modulus.len()
            && padding.iter().take_while(|byte| **byte == 0xff).count() >= 8
            && padding.iter().find(|byte| **byte != 0xff) == Some(&0);
        Some(is_padded)
    }

    /// How long a signature by it is, in bytes.
    pub(super) fn signature_length(&self) -> usize {
        match self {
            Self::Ed25519(_) => 64,
            Self::Rsa { modulus, .. } => modulus.len(),
        }
    }
}
