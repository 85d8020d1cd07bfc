//! RSA key: a public key for RS256, read out of a PEM or of a JWK.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

/// An RSA public key that RS256 can be verified with: whatever could never verify anything is refused when it is read.
#[derive(Eq, PartialEq)]
pub(crate) struct RsaKey {
    modulus: Box<[u8]>,
    exponent: Box<[u8]>,
}

/// The object identifier 1.2.840.113549.1.1.1, `rsaEncryption`, and its empty parameters (RFC 3279, section 2.3.1).
const RSA_ENCRYPTION: [u8; 13] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

const BIT_STRING: u8 = 3;
const INTEGER: u8 = 2;
const SEQUENCE: u8 = 0x30;

impl RsaKey {
    /// The key in a PEM with the label `PUBLIC KEY` (RFC 7468, section 13), whatever its line ends.
    pub(crate) fn from_pem(pem: &str) -> Option<Self> {
        let (_, rest) = pem.split_once("-----BEGIN PUBLIC KEY-----")?;
        let (base64, _) = rest.split_once("-----END PUBLIC KEY-----")?;
        let base64: String = base64.split_ascii_whitespace().collect();
        let der = STANDARD.decode(base64).ok()?;
        let mut der = der.as_slice();

        let mut info = element(SEQUENCE, &mut der)?;
        let algorithm = element(SEQUENCE, &mut info)?;
        // No bits of the last byte are unused.
        let mut key = element(BIT_STRING, &mut info)?.strip_prefix(&[0])?;
        let mut key_info = element(SEQUENCE, &mut key)?;
        let (modulus, exponent) = (integer(&mut key_info)?, integer(&mut key_info)?);
        let is_whole = [der, info, key, key_info].iter().all(|rest| rest.is_empty());
        (is_whole && algorithm == RSA_ENCRYPTION).then(|| Self::new(modulus, exponent))?
    }

    /// The key of these members of a JWK (RFC 7518, section 6.3.1).
    pub(crate) fn from_jwk(modulus: &str, exponent: &str) -> Option<Self> {
        let number = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        Self::new(&number(modulus)?, &number(exponent)?)
    }

    /// The length of its modulus.
    pub(crate) fn bits(&self) -> usize {
        bits(&self.modulus)
    }

    /// Whether its private key signed this by RSASSA-PKCS1-v1_5 with SHA-256.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = RsaPublicKeyComponents { n: &self.modulus, e: &self.exponent };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
    }

    fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let is_number = |bytes: &[u8]| bytes.first().is_some_and(|first| *first != 0);
        let is_odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last % 2 == 1);
        let fits = (2048..=8192).contains(&bits(modulus)) && (2..=33).contains(&bits(exponent));
        let is_key = [modulus, exponent].into_iter().all(|part| is_number(part) && is_odd(part));
        (fits && is_key).then(|| Self { modulus: modulus.into(), exponent: exponent.into() })
    }
}

fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| 8 * number.len() - first.leading_zeros() as usize)
}

/// Takes one element with this tag off DER (X.690), and gives what is in it.
fn element<'d>(tag: u8, der: &mut &'d [u8]) -> Option<&'d [u8]> {
    let (own, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match (*first, rest) {
        (short @ 0..=0x7f, rest) => (usize::from(short), rest),
        (0x81, [long @ 0x80..=0xff, rest @ ..]) => (usize::from(*long), rest),
        (0x82, [high @ 1..=0xff, low, rest @ ..]) => (usize::from(*high) << 8 | usize::from(*low), rest),
        _ => return None, // not the shortest form, or longer than any key
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *der = rest;
    (*own == tag).then_some(content)
}

/// A positive integer, without the zero that keeps its first bit from being a sign.
fn integer<'d>(der: &mut &'d [u8]) -> Option<&'d [u8]> {
    match element(INTEGER, der)? {
        [0, rest @ ..] => rest.first().is_some_and(|first| *first >= 0x80).then_some(rest),
        [0x80..=0xff, ..] => None,
        number => Some(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key for tests, as openssl writes it.
    const PEM: &str = include_str!("../tests/rsa-test-key.pub.pem");
    const N: &str = "0iIrAyjB6h8JwbeYu7lblKZOweHe0jGloWaO6W1dHjnoc5AHyp4sCKMaXrI33hAches9eu9xWp1MtWKUHVxUf6lzq6Erwwa_I5uipMJSrOaMgdsQz1rmAFtBYLdxnfR6GRa94VlGCggjU8_3st2ZtklsSLedd8heEQ5S4Rw2Wp57vX66UiqnbgQUSE1Ti12SMV6H-cKtrhLuUyILZm2Hptsv8dqi3kxPTo5pPAvpYMWrXz6FlWJBCf0NwqH43jmJbOL_Py9SOJJcBkPscwohaS9s_3CD2FU3J6_-F_p5h0XdZc8FhY_9Rwz-kjYtj44B9PnYDCVpMiJyvPOlTVBG5w";

    #[test]
    fn a_pem_and_a_jwk_of_one_key_are_the_same_key() {
        let key = RsaKey::from_pem(PEM).unwrap();
        assert!(key == RsaKey::from_jwk(N, "AQAB").unwrap());
        assert_eq!(key.bits(), 2048);
        assert!(key == RsaKey::from_pem(&PEM.replace('\n', "\r\n")).unwrap(), "whatever its line ends");
        assert!(key == RsaKey::from_pem(&format!("Key of the portal\n\n{PEM}\n")).unwrap());
    }

    #[test]
    fn what_is_cut_or_longer_is_no_key() {
        let base64: String = PEM.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(&base64).unwrap();
        let read = |der: &[u8]| {
            let base64 = STANDARD.encode(der);
            RsaKey::from_pem(&format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----"))
        };
        assert!(read(&der).is_some());
        for length in 0..der.len() {
            assert!(read(&der[..length]).is_none(), "{length}");
        }
        assert!(read(&[&der[..], &[0]].concat()).is_none());
        for place in 0..32 {
            let mut other = der.clone();
            other[place] ^= 0x40;
            assert!(read(&other).is_none(), "a flipped bit in the structure, at {place}");
        }
        for wrong in
            ["", "-----BEGIN PUBLIC KEY-----", &PEM.replace("PUBLIC", "RSA PUBLIC"), &PEM.replace('M', "*")]
        {
            assert!(RsaKey::from_pem(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_key_that_could_verify_nothing_or_anything_is_none() {
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let modulus = |length: usize| {
            let mut bytes = vec![0xff; length];
            bytes[0] = 0x80;
            number(&bytes)
        };
        for (n, e, is_key) in [
            (modulus(256), "AQAB", true),
            (modulus(1024), "Aw", true),
            (modulus(255), "AQAB", false),
            (modulus(1025), "AQAB", false),
            (number(&[&[0], &[0xff; 256][..]].concat()), "AQAB", false),
            (number(&[0xfe; 256]), "AQAB", false),
            (modulus(256), "AQ", false),
            (modulus(256), "AQAA", false),
            (modulus(256), "", false),
            (modulus(256), "AAEAAQ", false),
            (modulus(256), "AQAB=", false),
            (modulus(256), "////////", false),
        ] {
            assert_eq!(RsaKey::from_jwk(&n, e).is_some(), is_key, "{e} {}", n.len());
        }
    }

    /// The vector was signed by Python's `cryptography`, and checked by openssl.
    #[test]
    fn it_verifies_what_its_private_key_signed_and_nothing_else() {
        let token = include_str!("../tests/rs256.jwt").trim_end();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = RsaKey::from_pem(PEM).unwrap();
        assert!(key.verifies(message.as_bytes(), &signature));
        assert!(!key.verifies(&message.as_bytes()[1..], &signature));
        for place in 0..signature.len() {
            let mut other = signature.clone();
            other[place] ^= 1;
            assert!(!key.verifies(message.as_bytes(), &other), "{place}");
        }
    }
}
