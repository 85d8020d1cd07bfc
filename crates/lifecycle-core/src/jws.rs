//! JWS: a signature with its header, read strictly. Nothing of it is proven yet.
//!
//! This is as much of JOSE (RFC 7515, 7519 and 7797) as platforms use, and no more: the verifier knows the algorithm and the key,
//! so a header that would choose either is refused.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Error, MapAccess};

use crate::claims::{Claims, Registered};
use crate::json_object::{self, Members, Text};

/// A signature, what it covers, and what its sender says of the key.
pub(crate) struct Jws {
    signed: Box<str>,
    signature: Vec<u8>,
    key_id: Option<Box<str>>,
    /// Where there are no claims that have it.
    issuer: Option<Box<str>>,
    claims: Option<Claims>,
}

impl Jws {
    /// The longest, in bytes.
    pub(crate) const MAX: usize = 8 * 1024;

    /// A token: exactly three parts, the second of which are claims, and acceptable ones. Members with the names of `withheld` are
    /// withheld.
    pub(crate) fn compact(
        text: &str,
        algorithm: &str,
        withheld: &[&str],
        accepts: impl FnOnce(&Registered<'_>) -> bool,
    ) -> Option<Self> {
        let (header, payload, signature) = parts(text)?;
        let mut decoded = Vec::with_capacity(text.len() / 4 * 3); // each part in turn
        let header: Header<'_> = read_header(decode(header, &mut decoded)?)?;
        if header.alg.is_none_or(|Text(own)| own != algorithm)
            || header.crit.is_some()
            || header.b64.is_some()
        {
            return None;
        }
        let key_id = header.kid.map(boxed);
        let claims = std::str::from_utf8(decode(payload, &mut decoded)?).ok()?;
        let claims = Claims::read(claims, withheld, accepts)?;
        let signed = text[..text.len() - signature.len() - 1].into();
        decode(signature, &mut decoded)?;
        Some(Self { signed, signature: decoded, key_id, issuer: None, claims: Some(claims) })
    }

    /// A signature by RS256 over bytes that stand elsewhere and are not encoded: nothing is between its two dots.
    #[cfg(feature = "public-key")]
    pub(crate) fn detached(text: &str) -> Option<Self> {
        let (encoded, "", signature) = parts(text)? else { return None };
        let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
        let DetachedHeader { header, iss } = read_header(decode(encoded, &mut decoded)?)?;
        let is_rs256 = header.alg.is_some_and(|Text(own)| own == "RS256");
        let is_detached =
            header.b64 == Some(false) && matches!(&*header.crit?, [Text(name)] if name == "b64");
        if !is_rs256 || !is_detached {
            return None;
        }
        let (key_id, issuer) = (header.kid.map(boxed), iss.map(boxed));
        decode(signature, &mut decoded)?;
        Some(Self { signed: format!("{encoded}.").into(), signature: decoded, key_id, issuer, claims: None })
    }

    /// What is signed, or what stands in front of the detached bytes.
    pub(crate) fn signed(&self) -> &str {
        &self.signed
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref().or_else(|| self.claims()?.issuer())
    }

    pub(crate) fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }
}

impl fmt::Debug for Jws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jws(redacted)")
    }
}

/// The token with these claims, for tests and tools.
pub(crate) fn sign_compact(
    algorithm: &str,
    key_id: Option<&str>,
    claims: &str,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> String {
    let header = match key_id {
        None => format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#),
        Some(id) => format!(r#"{{"alg":"{algorithm}","kid":{}}}"#, serde_json::Value::from(id)),
    };
    sign_with_header(&header, claims, sign)
}

/// The same with a header of one's own.
pub(crate) fn sign_with_header(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// The detached signature of these bytes by RS256, for tests and tools.
#[cfg(feature = "public-key")]
pub(crate) fn sign_detached(
    key_id: Option<&str>,
    body: &[u8],
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> String {
    let kid = key_id.map_or_else(String::new, |id| format!(r#""kid":{},"#, serde_json::Value::from(id)));
    let header = format!(r#"{{"alg":"RS256","b64":false,"crit":["b64"],{kid}"typ":"JWT"}}"#);
    let header = URL_SAFE_NO_PAD.encode(header);
    let signature = sign(&[header.as_bytes(), b".", body].concat());
    format!("{header}..{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What a header says of the signature.
#[derive(Default)]
struct Header<'j> {
    alg: Option<Text<'j>>,
    b64: Option<bool>,
    crit: Option<Vec<Text<'j>>>,
    kid: Option<Text<'j>>,
}

impl<'j> Members<'j> for Header<'j> {
    fn take<A: MapAccess<'j>>(&mut self, name: &str, value: &mut A) -> Result<bool, A::Error> {
        match name {
            "alg" => self.alg = Some(value.next_value()?),
            "b64" => self.b64 = Some(value.next_value()?),
            "crit" => self.crit = Some(value.next_value()?),
            "kid" => self.kid = value.next_value()?,
            // These are never followed: they would let the sender choose the key, or what else is to be understood.
            "jku" | "jwk" | "x5c" | "x5u" | "zip" => return Err(A::Error::custom("not to be followed")),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The same of one whose payload is detached, which may say who signed.
#[cfg(feature = "public-key")]
#[derive(Default)]
struct DetachedHeader<'j> {
    header: Header<'j>,
    iss: Option<Text<'j>>,
}

#[cfg(feature = "public-key")]
impl<'j> Members<'j> for DetachedHeader<'j> {
    fn take<A: MapAccess<'j>>(&mut self, name: &str, value: &mut A) -> Result<bool, A::Error> {
        if name == "iss" {
            self.iss = value.next_value()?;
            return Ok(true);
        }
        self.header.take(name, value)
    }
}

fn parts(text: &str) -> Option<(&str, &str, &str)> {
    if text.len() > Jws::MAX {
        return None;
    }
    let (header, rest) = text.split_once('.')?;
    let (payload, signature) = rest.rsplit_once('.')?;
    Some((header, payload, signature)) // a dot more is no base64url
}

/// A header, unless it would choose a key.
fn read_header<'j, H: Members<'j> + Default>(json: &'j [u8]) -> Option<H> {
    let mut header = H::default();
    json_object::read(std::str::from_utf8(json).ok()?, &[], &mut header)?;
    Some(header)
}

/// Base64url without padding, in its one canonical form.
fn decode<'b>(part: &str, decoded: &'b mut Vec<u8>) -> Option<&'b [u8]> {
    decoded.clear();
    BASE64URL.decode_vec(part, decoded).ok()?;
    Some(decoded)
}

/// By vector instructions where the processor has them. Without them that is 2 % of the verification of a long token by RS256, and
/// more of one by HS256.
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
static BASE64URL: std::sync::LazyLock<base64::engine::Simd> =
    std::sync::LazyLock::new(|| base64::engine::Simd::url_safe(base64::engine::general_purpose::NO_PAD));

#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
static BASE64URL: base64::engine::GeneralPurpose = URL_SAFE_NO_PAD;

fn boxed(Text(text): Text<'_>) -> Box<str> {
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
    const CLAIMS: &str = r#"{"iss":"bc","exp":1767225900}"#;

    fn token(header: &str, claims: &str) -> String {
        sign_with_header(header, claims, |_| vec![7; 32])
    }

    fn compact(text: &str) -> Option<Jws> {
        Jws::compact(text, "HS256", &[], |_| true)
    }

    fn reads(text: &str) -> bool {
        compact(text).is_some()
    }

    #[test]
    fn a_token_is_read_with_what_it_says_of_its_key() {
        let text = token(r#"{"alg":"HS256","kid":"../1"}"#, CLAIMS);
        let jws = compact(&text).unwrap();
        assert_eq!((jws.key_id(), jws.issuer()), (Some("../1"), Some("bc")));
        assert_eq!(jws.signature(), [7; 32]);
        assert!(text.starts_with(jws.signed()) && jws.signed().len() + 44 == text.len());
        assert_eq!(format!("{jws:?}"), "Jws(redacted)");
    }

    #[test]
    fn a_token_has_exactly_three_parts_in_canonical_base64url() {
        let genuine = token(HEADER, CLAIMS);
        assert!(reads(&genuine));
        let last_flipped = format!("{}{}", &genuine[..genuine.len() - 1], 'd');
        for wrong in [
            "",
            "..",
            "a.b",
            &genuine[..genuine.rfind('.').unwrap()],
            &format!("{genuine}.{genuine}"),
            &format!("{genuine}."),
            &format!(".{genuine}"),
            &format!("{genuine}="),
            &format!(" {genuine}"),
            &format!("{genuine}\n"),
            &genuine.replacen('.', " .", 1),
            &genuine.replacen('.', "=.", 1),
            &format!("{genuine}+/"),
            &last_flipped,
            &format!("{genuine} {genuine}"),
            &genuine[1..],
        ] {
            assert!(!reads(wrong), "{wrong}");
        }
    }

    #[test]
    fn vector_instructions_decode_what_the_plain_ones_do() {
        let genuine = URL_SAFE_NO_PAD.encode((0..=255).rev().collect::<Vec<u8>>());
        for length in (0..100).chain([genuine.len()]) {
            let mut text = genuine[..length].to_owned();
            for place in 0..length {
                for other in ['\0', '+', ',', '-', '.', '/', '=', '@', '[', '^', '_', '`', '{', '\u{7f}', 'A']
                {
                    text.replace_range(place..=place, other.encode_utf8(&mut [0; 4]));
                    let expected = URL_SAFE_NO_PAD.decode(&text).ok();
                    assert_eq!(decode(&text, &mut Vec::new()), expected.as_deref(), "{text}");
                }
                text.replace_range(place..=place, &genuine[place..=place]);
            }
        }
    }

    #[test]
    fn a_token_is_bounded() {
        let of = |length: usize| token(HEADER, &format!(r#"{{"exp":1,"x":"{}"}}"#, "a".repeat(length)));
        let fits = (6000..6200).rev().find(|length| of(*length).len() <= Jws::MAX).unwrap();
        assert!(reads(&of(fits)) && !reads(&of(fits + 3)));
    }

    #[test]
    fn a_header_that_would_choose_algorithm_or_key_is_refused() {
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"typ":"JWT"}"#,
            r#"{"alg":"HS256","alg":"HS256"}"#,
            r#"{"alg":"HS256","kid":5}"#,
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","b64":true}"#,
            r#"{"alg":"HS256","jku":"https://example.com"}"#,
            r#"{"alg":"HS256","\u006aku":"https://example.com"}"#,
            r#"{"alg":"HS256","x5u":null}"#,
            r#"{"alg":"HS256","jwk":{}}"#,
            r#"{"alg":"HS256","x5c":[]}"#,
            r#"{"alg":"HS256","zip":"DEF"}"#,
            r#"["HS256"]"#,
            "",
        ] {
            assert!(!reads(&token(header, CLAIMS)), "{header}");
        }
    }

    #[cfg(feature = "public-key")]
    #[test]
    fn a_detached_signature_says_that_its_payload_is_not_encoded() {
        let written = |header: &str| format!("{}..{}", URL_SAFE_NO_PAD.encode(header), "BwcH");
        let genuine = r#"{"alg":"RS256","b64":false,"crit":["b64"],"iss":"i","kid":"k","typ":"JWT"}"#;
        let jws = Jws::detached(&written(genuine)).unwrap();
        assert_eq!((jws.key_id(), jws.issuer(), jws.signature()), (Some("k"), Some("i"), &[7, 7, 7][..]));
        let signed = sign_detached(Some("k"), b"body", <[u8]>::to_vec);
        let jws = Jws::detached(&signed).unwrap();
        assert_eq!(
            (jws.key_id(), jws.signature()),
            (Some("k"), &[jws.signed().as_bytes(), b"body"].concat()[..])
        );
        for wrong in [
            r#"{"alg":"RS256","b64":false,"kid":"k"}"#,
            r#"{"alg":"RS256","crit":["b64"],"kid":"k"}"#,
            r#"{"alg":"RS256","b64":true,"crit":["b64"]}"#,
            r#"{"alg":"RS256","b64":false,"crit":["b64","x"]}"#,
            r#"{"alg":"RS256","b64":false,"crit":["x"]}"#,
            r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#,
            r#"{"alg":"none","b64":false,"crit":["b64"]}"#,
            r#"{"alg":"RS256","b64":false,"crit":["b64"],"iss":5}"#,
            r#"{"alg":"RS256","b64":false,"crit":["b64"],"iss":"i","iss":"i"}"#,
            r#"{"alg":"RS256","b64":false,"crit":["b64"],"jku":"x"}"#,
        ] {
            assert!(Jws::detached(&written(wrong)).is_none(), "{wrong}");
        }
        let attached = written(genuine).replace("..", ".e30.");
        assert!(Jws::detached(&attached).is_none());
        assert!(Jws::compact(&written(genuine), "RS256", &[], |_| true).is_none());
    }
}
