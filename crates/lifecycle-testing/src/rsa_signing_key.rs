//! RSA signing key: the private key of a platform that signs by RS256.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lifecycle_core::PublicKey;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use zeroize::Zeroizing;

use crate::keys::SigningKeyError;

/// A private key, and the public one that proves its signatures.
pub(crate) struct RsaSigningKey {
    pair: RsaKeyPair,
    public: PublicKey,
    id: String,
}

/// The object identifier `rsaEncryption` and its empty parameters, as an element of DER (RFC 3279, section 2.3.1).
const RSA_ENCRYPTION: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

impl RsaSigningKey {
    /// The key in a PEM with the label `PRIVATE KEY` (PKCS #8).
    pub(crate) fn from_pem(pem: &str) -> Result<Self, SigningKeyError> {
        let pair =
            decode(pem).and_then(|der| RsaKeyPair::from_pkcs8(&der).ok()).ok_or(SigningKeyError::Rsa)?;
        let public = PublicKey::rsa_pem("current", &public_pem(&pair)).map_err(|_| SigningKeyError::Rsa)?;
        let id = thumbprint(&pair);
        Ok(Self { pair, public, id })
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The id by which its signatures name it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The set that has it alone (RFC 7517).
    pub(crate) fn key_set(&self) -> String {
        let (modulus, exponent) = numbers(&self.pair);
        let id = &self.id;
        format!(
            r#"{{"keys":[{{"kty":"RSA","use":"sig","alg":"RS256","kid":"{id}","e":"{exponent}","n":"{modulus}"}}]}}"#
        )
    }

    pub(crate) fn public_pem(&self) -> String {
        public_pem(&self.pair)
    }

    /// The signature by RSASSA-PKCS1-v1_5 with SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let signed = self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.expect("the system has random numbers");
        signature
    }
}

/// The thumbprint of RFC 7638.
fn thumbprint(pair: &RsaKeyPair) -> String {
    let (modulus, exponent) = numbers(pair);
    let key = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, key.as_bytes()))
}

/// Modulus and exponent in base64url.
fn numbers(pair: &RsaKeyPair) -> (String, String) {
    let numbers: PublicKeyComponents<Vec<u8>> = pair.public().into();
    (URL_SAFE_NO_PAD.encode(numbers.n), URL_SAFE_NO_PAD.encode(numbers.e))
}

fn decode(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (base64, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let base64: Zeroizing<String> = Zeroizing::new(base64.split_ascii_whitespace().collect());
    STANDARD.decode(&*base64).ok().map(Zeroizing::new)
}

/// The public key with the label `PUBLIC KEY` (RFC 7468, section 13), as openssl writes it.
fn public_pem(pair: &RsaKeyPair) -> String {
    let key = element(3, &[&[0], pair.public_key().as_ref()].concat());
    let info = element(0x30, &[&RSA_ENCRYPTION, key.as_slice()].concat());
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    let base64 = STANDARD.encode(info);
    for line in base64.as_bytes().chunks(64) {
        pem.extend([&String::from_utf8_lossy(line), "\n"]);
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    pem
}

/// An element of DER with this tag; of a key it is 128 to 65535 bytes long.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("no key is that long").to_be_bytes();
    [&[tag, 0x82], length.as_slice(), content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lifecycle_core::KeySet;

    #[test]
    fn the_public_key_is_written_as_openssl_writes_it() {
        let key = RsaSigningKey::from_pem(crate::RSA_TEST_KEY).unwrap();
        let written = include_str!("../../lifecycle-core/tests/rsa-test-key.pub.pem");
        assert_eq!(key.public_pem(), written);
        assert!(PublicKey::rsa_pem("current", &key.public_pem()).unwrap() == *key.public());
    }

    #[test]
    fn a_published_key_is_named_by_its_thumbprint() {
        let key = RsaSigningKey::from_pem(crate::RSA_TEST_KEY).unwrap();
        assert_eq!(key.id(), "xmi7sfwHVqhSHVcCITxkyLMYhrlB_-xqiNNPK-VRFDw", "as Python's `hashlib` has it");
        assert!(KeySet::from_jwks(key.key_set().as_bytes()).unwrap().has(key.id()));
    }

    #[test]
    fn what_is_no_private_key_is_refused() {
        let public = include_str!("../../lifecycle-core/tests/rsa-test-key.pub.pem");
        for wrong in
            ["", "a secret", public, &crate::RSA_TEST_KEY[1..], &crate::RSA_TEST_KEY.replace("MIIE", "MIIF")]
        {
            assert!(matches!(RsaSigningKey::from_pem(wrong), Err(SigningKeyError::Rsa)), "{wrong}");
        }
    }
}
