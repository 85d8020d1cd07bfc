//! JOSE: the header of a token or of a detached signature: the algorithm that it names, the key, and what no receiver may follow.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::cause::{Cause, Finding};
use super::token::{damaged, parts};

const ALG_NONE: Cause = Cause::read(
    "alg-none",
    "the token names no algorithm (`none`): nobody signed it",
    "refuse it, and have the receiver name the one algorithm that it takes; if your test made it, sign it",
);
/// Where a token that a private key should have signed names an algorithm of secrets.
pub(super) const ALG_SECRET: Cause = Cause::read(
    "alg-secret",
    "the token names an HMAC where a private key signs, which lets whoever has the public key forge it",
    "refuse it: have the receiver name RS256 as the only algorithm; if your test made it, sign with the private key",
);
/// Where it names yet another one.
pub(super) const ALG_OTHER: Cause = Cause::read(
    "alg-other",
    "the token names another algorithm than the platform signs by",
    "is it the platform's token for this use? Take no other algorithm than the platform's",
);
/// Where no key has the id that is named.
pub(super) const KID: Cause = Cause::read(
    "kid-unknown",
    "the key that the token names by its `kid` is not in the key set, or it names none",
    "fetch the key set again, as keys are replaced; is it that of this tenant and environment?",
);
const MEMBERS: Cause = Cause::read(
    "token-header",
    "the token's header has a member that lets its sender choose the key, or asks for more than is understood",
    "refuse it; if your test made it, leave such members out of its header",
);
const DETACHED: Cause = Cause::read(
    "jws-not-detached",
    "the signature is no detached one over the raw body, which has `b64` false, `crit` b64, and nothing between its dots",
    "sign the header's base64url, a dot and the raw body (RFC 7797); a shop that signs otherwise is too old, or has a `secretKey` set",
);
/// Where the key signed other parts than these.
pub(super) const CHANGED: Cause = Cause::read(
    "token-changed",
    "the key made this signature, but over another header or other claims",
    "take the token as it came: its parts belong together, and nothing in it can be edited",
);
/// Where the library takes it for malformed.
pub(super) const STRICT: Cause = Cause::read(
    "token-malformed",
    "the signature matches, but the token is malformed: a repeated member, a claim of another type, or more than 8 KiB",
    "this library refuses such a token; if your test made it, write its claims as the platform does",
);

/// The causes that are about the token's header.
pub(super) const CAUSES: &[Cause] =
    &[ALG_NONE, ALG_SECRET, ALG_OTHER, KID, MEMBERS, DETACHED, CHANGED, STRICT];

/// Members that are never followed.
const REFUSED: [&str; 5] = ["jku", "jwk", "x5c", "x5u", "zip"];

/// A token or a detached signature, read. Nothing of it is proven.
pub(super) struct Jose {
    header: Value,
    /// Where it is a token.
    pub(super) claims: Option<Value>,
    /// The header as it is signed.
    pub(super) header_part: String,
    /// What is signed of it: of a token all but the signature.
    pub(super) signed: String,
    pub(super) signature: Vec<u8>,
}

impl Jose {
    /// Reads one; an error says what is damaged.
    pub(super) fn read(text: &str, is_detached: bool) -> Result<Self, Finding> {
        let [header_part, payload, signature] = parts(text)?;
        let decode = |part: &str, what| URL_SAFE_NO_PAD.decode(part).map_err(|_| damaged(what));
        let json = |part: &str, what| -> Result<Value, Finding> {
            serde_json::from_slice(&decode(part, what)?).map_err(|_| damaged(what))
        };
        let header = json(header_part, "header")?;
        // One whose header does not say how it is read may be a token like any other.
        let claims = if is_detached { None } else { Some(json(payload, "middle part")?) };
        let signature = decode(signature, "signature")?;
        let signed = format!("{header_part}.{payload}");
        Ok(Self { header, claims, header_part: header_part.to_owned(), signed, signature })
    }

    /// The key that it names.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header["kid"].as_str()
    }

    /// What is wrong with the algorithm that it names, if that is not this one.
    pub(super) fn check_algorithm(&self, expected: &str) -> Option<Finding> {
        let named = self.header["alg"].as_str().unwrap_or_default();
        if named == expected {
            return None;
        }
        // Not to repeat what a stranger wrote, unless it is short and plain.
        let is_plain =
            named.len() <= 12 && named.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let told = match named {
            "" => "it names none at all".to_owned(),
            named if is_plain => format!("it names {named} in place of {expected}"),
            _ => format!("it names something else than {expected}"),
        };
        Some(match named {
            named if named.eq_ignore_ascii_case("none") => Finding::new(&ALG_NONE),
            named if named.starts_with("HS") && expected.starts_with("RS") => {
                Finding::with(&ALG_SECRET, told)
            }
            _ => Finding::with(&ALG_OTHER, told),
        })
    }

    /// What else is wrong with its header.
    pub(super) fn check_members(&self, is_detached: bool) -> Option<Finding> {
        if let Some(name) = REFUSED.iter().find(|name| self.header.get(**name).is_some()) {
            return Some(Finding::with(&MEMBERS, format!("it has `{name}`")));
        }
        let crit = &self.header["crit"];
        if is_detached {
            let is_raw = self.header["b64"] == false && crit.as_array().is_some_and(|crit| *crit == ["b64"]);
            let detail = if self.signed.ends_with('.') {
                "its header does not say that the body is not encoded"
            } else {
                "it brings a payload of its own"
            };
            let is_well = is_raw && self.signed.ends_with('.');
            return (!is_well).then(|| Finding::with(&DETACHED, detail));
        }
        let other = ["crit", "b64"].into_iter().find(|name| self.header.get(*name).is_some());
        other.map(|name| Finding::with(&MEMBERS, format!("it has `{name}`")))
    }
}
