//! Key set: the public keys that a verifier accepts, found by the id that a token names.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::public_key::{KeySort, PublicKey};
use crate::rsa_key::RsaKey;

/// The public keys that a verifier accepts: normally one; two or more during rotation. There is always at least one. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct KeySet(Arc<[PublicKey]>);

impl KeySet {
    /// The longest JWK set that is read, in bytes.
    pub const MAX_JSON: usize = 64 * 1024;

    /// The most keys of a JWK set.
    pub const MAX_KEYS: usize = 32;

    /// The keys of a JWK set (RFC 7517) by which RS256 can be verified: RSA of 2048 to 4096 bits, for signatures, with an id
    /// that none before it has, so that a request is verified with one of them. It skips all others. Whoever fetches it decides where from; which of its keys prove anything is decided here.
    ///
    /// ```
    /// use lifecycle_core::{InvalidKeySet, KeySet};
    ///
    /// let elliptic = br#"{"keys":[{"kty":"EC","crv":"P-256","kid":"1"}]}"#;
    /// assert_eq!(KeySet::from_jwks(elliptic).unwrap_err(), InvalidKeySet::NoUsableKey);
    /// ```
    ///
    /// # Errors
    /// [`InvalidKeySet`], also when none of the keys is usable: such a set is no reason to forget a former one.
    pub fn from_jwks(json: &[u8]) -> Result<Self, InvalidKeySet> {
        if json.len() > Self::MAX_JSON {
            return Err(InvalidKeySet::TooLong);
        }
        let set: JwkSet<'_> = serde_json::from_slice(json).map_err(|_| InvalidKeySet::Json)?;
        if set.keys.len() > Self::MAX_KEYS {
            return Err(InvalidKeySet::TooManyKeys);
        }
        let mut ids = HashSet::new();
        let usable = set.keys.into_iter().filter_map(usable);
        let keys: Arc<[PublicKey]> =
            usable.filter(|key| ids.insert(key.id().unwrap_or_default().to_owned())).collect();
        if keys.is_empty() { Err(InvalidKeySet::NoUsableKey) } else { Ok(Self(keys)) }
    }

    /// Adds a key that is accepted too.
    #[must_use]
    pub fn or(self, key: PublicKey) -> Self {
        Self(self.0.iter().cloned().chain([key]).collect())
    }

    /// Its keys.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }

    /// Whether a set can have a key with this id: it has 1 to 256 bytes, none of them of a control character, as it becomes the name that
    /// logs show. No set need be fetched for any other.
    ///
    /// ```
    /// use lifecycle_core::KeySet;
    ///
    /// assert!(KeySet::may_have("forge/invocation-token/1") && !KeySet::may_have(""));
    /// ```
    pub fn may_have(id: &str) -> bool {
        (1..=256).contains(&id.len()) && !id.chars().any(char::is_control)
    }

    /// Whether one of its keys has this id.
    pub fn has(&self, id: &str) -> bool {
        self.iter().any(|key| key.id() == Some(id))
    }

    /// Whether all of its keys are of this sort.
    pub(crate) fn is_of(&self, sort: KeySort) -> bool {
        self.iter().all(|key| key.sort() == sort)
    }

    /// The key that signed this, on a platform that does not name its keys.
    pub(crate) fn find_any(&self, message: &[u8], signature: &[u8]) -> Option<&PublicKey> {
        self.iter().find(|key| key.verifies(message, signature))
    }

    /// The key that signed this, among those that a token with this key id can mean.
    pub(crate) fn find(&self, id: Option<&str>, message: &[u8], signature: &[u8]) -> Option<&PublicKey> {
        self.iter()
            .filter(|key| key.id().is_none_or(|own| id == Some(own)))
            .find(|key| key.verifies(message, signature))
    }
}

impl From<PublicKey> for KeySet {
    fn from(key: PublicKey) -> Self {
        Self([key].into())
    }
}

/// The bytes are not a JWK set that can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeySet {
    /// It is not JSON with a list `keys`.
    #[error("not a JWK set")]
    Json,
    /// None of its keys verifies RS256.
    #[error("the JWK set has no key for RS256")]
    NoUsableKey,
    /// It is longer than [`KeySet::MAX_JSON`].
    #[error("the JWK set is longer than {} bytes", KeySet::MAX_JSON)]
    TooLong,
    /// It has more than [`KeySet::MAX_KEYS`].
    #[error("the JWK set has more than {} keys", KeySet::MAX_KEYS)]
    TooManyKeys,
}

#[derive(Deserialize)]
struct JwkSet<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Jwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(default, borrow, rename = "use")]
    usage: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    alg: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
    #[serde(borrow)]
    n: Cow<'a, str>,
    #[serde(borrow)]
    e: Cow<'a, str>,
}

/// The key that a JWK is, if RS256 can be verified with it.
fn usable(jwk: &RawValue) -> Option<PublicKey> {
    let jwk: Jwk<'_> = serde_json::from_str(jwk.get()).ok()?;
    let is_for_rs256 = jwk.kty == "RSA"
        && jwk.usage.is_none_or(|usage| usage == "sig")
        && jwk.alg.is_none_or(|algorithm| algorithm == "RS256");
    let key = RsaKey::from_jwk(&jwk.n, &jwk.e).filter(|key| key.bits() <= 4096)?;
    (is_for_rs256 && KeySet::may_have(&jwk.kid)).then(|| PublicKey::rsa(&jwk.kid, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    fn modulus(bytes: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0xff; bytes])
    }

    fn jwk(change: impl FnOnce(&mut Value)) -> Value {
        let mut jwk =
            json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": modulus(256), "e": "AQAB"});
        change(&mut jwk);
        jwk
    }

    fn read(keys: &[Value]) -> Result<Vec<String>, InvalidKeySet> {
        let set = KeySet::from_jwks(json!({"keys": keys, "more": 1}).to_string().as_bytes())?;
        Ok(set.iter().map(|key| key.id().unwrap_or_default().to_owned()).collect())
    }

    #[test]
    fn a_key_that_rs256_can_be_verified_with_is_taken() {
        for change in [
            |_: &mut Value| {},
            |jwk: &mut Value| jwk["use"] = Value::Null,
            |jwk: &mut Value| {
                jwk.as_object_mut().unwrap().remove("alg");
            },
            |jwk: &mut Value| jwk["n"] = modulus(512).into(),
            |jwk: &mut Value| jwk["x5c"] = json!(["MII"]),
        ] {
            assert_eq!(read(&[jwk(change)]).unwrap(), ["k1"]);
        }
        let slashes = jwk(|jwk: &mut Value| jwk["kid"] = "forge/invocation-token/1".into());
        assert_eq!(read(&[slashes]).unwrap(), ["forge/invocation-token/1"]);
    }

    #[test]
    fn any_other_key_is_skipped_and_no_reason_to_refuse_the_rest() {
        for (place, change) in [
            |jwk: &mut Value| jwk["kty"] = "EC".into(),
            |jwk: &mut Value| jwk["use"] = "enc".into(),
            |jwk: &mut Value| jwk["alg"] = "RS512".into(),
            |jwk: &mut Value| jwk["alg"] = "HS256".into(),
            |jwk: &mut Value| jwk["kid"] = Value::Null,
            |jwk: &mut Value| jwk["kid"] = "".into(),
            |jwk: &mut Value| jwk["kid"] = "a\nb".into(),
            |jwk: &mut Value| jwk["kid"] = "k".repeat(257).into(),
            |jwk: &mut Value| jwk["n"] = modulus(128).into(),
            |jwk: &mut Value| jwk["n"] = modulus(513).into(),
            |jwk: &mut Value| jwk["n"] = 5.into(),
            |jwk: &mut Value| jwk["e"] = "AQ".into(),
            |jwk: &mut Value| *jwk = json!([1]),
            |jwk: &mut Value| *jwk = Value::Null,
        ]
        .into_iter()
        .enumerate()
        {
            let (other, usable) = (jwk(change), jwk(|jwk| jwk["kid"] = "k2".into()));
            assert_eq!(read(&[other.clone(), usable]).unwrap(), ["k2"], "{place}");
            assert_eq!(read(&[other]), Err(InvalidKeySet::NoUsableKey), "{place}");
        }
    }

    #[test]
    fn a_set_is_bounded_and_never_empty() {
        let many = |count: usize| -> Vec<Value> {
            (0..count).map(|nth| jwk(|jwk| jwk["kid"] = nth.to_string().into())).collect()
        };
        assert_eq!(read(&many(32)).unwrap().len(), 32);
        assert_eq!(read(&many(33)), Err(InvalidKeySet::TooManyKeys));
        assert_eq!(read(&[]), Err(InvalidKeySet::NoUsableKey));
        let long = format!(r#"{{"keys":[],"x":"{}"}}"#, "a".repeat(KeySet::MAX_JSON));
        assert_eq!(KeySet::from_jwks(long.as_bytes()).unwrap_err(), InvalidKeySet::TooLong);
        for wrong in
            ["", "{}", "[]", r#"{"keys":1}"#, r#"{"keys":[]} x"#, r#"{"keys":[],"keys":[]}"#, "\u{fffd}"]
        {
            assert_eq!(KeySet::from_jwks(wrong.as_bytes()).unwrap_err(), InvalidKeySet::Json, "{wrong}");
        }
    }

    #[test]
    fn of_keys_with_one_id_the_first_is_taken_so_a_request_costs_one_verification() {
        let keys = vec![jwk(|jwk| jwk["n"] = modulus(512).into()); 32];
        assert_eq!(read(&keys).unwrap(), ["k1"]);
    }

    #[test]
    fn a_key_is_found_by_its_id_and_one_without_an_id_always() {
        let token = include_str!("../tests/rs256.jwt").trim_end();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = PublicKey::rsa_pem("dashboard", include_str!("../tests/rsa-test-key.pub.pem")).unwrap();
        let finds = |set: KeySet, id: Option<&str>| set.find(id, message.as_bytes(), &signature).is_some();
        for id in [None, Some("k1"), Some("../k1")] {
            assert!(finds(key.clone().into(), id));
            assert_eq!(finds(key.clone().with_id("k1").into(), id), id == Some("k1"), "{id:?}");
        }
        let set = KeySet::from(key.clone().with_id("k1"));
        assert!(set.has("k1") && !set.has("dashboard"));
        assert!(finds(set.clone().or(key), None));
        assert!(set.is_of(KeySort::Rsa) && !set.is_of(KeySort::Ed25519));
    }
}
