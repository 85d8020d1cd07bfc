//! Key file: the public keys that a text holds, in whatever form it has them, and what is wrong with the form.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use lifecycle_core::KeySet;
use ring::rsa::KeyPair as RsaPrivateKey;
use ring::rsa::PublicKeyComponents;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::Value;

use super::cause::{Cause, Finding};
use super::public_key::VerifyingKey;

const PRIVATE: Cause = Cause::read(
    "key-private",
    "the private key is given where the public one belongs",
    "give the receiver the public key alone (`openssl pkey -pubout`); whoever has the private one can sign",
);
const CERTIFICATE: Cause = Cause::read(
    "key-certificate",
    "the key is given as a certificate",
    "take the public key out of it: `openssl x509 -pubkey -noout`",
);
const PKCS1: Cause = Cause::read(
    "key-pkcs1",
    "the key is given as PKCS #1 (BEGIN RSA PUBLIC KEY), not as SPKI (BEGIN PUBLIC KEY)",
    "write it again: `openssl rsa -RSAPublicKey_in -pubout`",
);
const LINES: Cause = Cause::read(
    "key-lines",
    "the key's lines are lost: `\\n` stands in place of line breaks, or BEGIN and END are missing",
    "give the PEM as it is, from a file or in quotes that keep its line breaks",
);
const ENCODED: Cause = Cause::read(
    "key-encoded",
    "the key is given in another encoding than the platform shows it in",
    "give it as it is shown: an RSA key as a PEM or a JWK set, an Ed25519 key as 64 hex digits",
);
const BLANKS: Cause = Cause::read(
    "key-blanks",
    "there are blanks, quotes, colons or 0x around or within the key's digits",
    "configure the 64 hex digits alone",
);
const ONE_JWK: Cause = Cause::read(
    "key-jwk",
    "JWKs are given, and not the set that holds them",
    "give the whole document, `{\"keys\": [..]}`, as it is published",
);
const SORT: Cause = Cause::read(
    "key-sort",
    "what is given is no public key of the sort that the platform signs with",
    "take the public key from the platform's page or from the URL of its key set; no secret, id or token serves in its place",
);
/// Where another key signed.
pub(super) const OTHER: Cause = Cause::read(
    "key-other",
    "another private key signed it: it is not the counterpart of what is given",
    "take the key of this very app and environment; if keys are replaced, fetch the set again",
);

/// The causes that are about the public key.
pub(super) const CAUSES: &[Cause] =
    &[PRIVATE, CERTIFICATE, PKCS1, LINES, ENCODED, BLANKS, ONE_JWK, SORT, OTHER];

/// The identifiers of `rsaEncryption` with empty parameters and of Ed25519, as an element of DER (RFC 3279 and 8410).
const RSA: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
const EDWARDS: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];

/// A key, and what is odd about how it was given.
#[derive(Clone)]
pub(super) struct GivenKey {
    /// The id by which a set names it.
    pub(super) id: Option<String>,
    pub(super) key: VerifyingKey,
    pub(super) causes: Vec<&'static Cause>,
}

/// What sort of key is expected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sort {
    Ed25519,
    Rsa,
}

/// The keys in a text. An error says why it holds none that can be used.
pub(super) fn read(bytes: &[u8], sort: Sort) -> Result<Vec<GivenKey>, Finding> {
    let mut keys = Vec::new();
    let text = String::from_utf8_lossy(bytes);
    match sort {
        Sort::Ed25519 => read_ed25519(text.trim(), &mut keys),
        Sort::Rsa => read_text(text.trim(), &[], sort, &mut keys),
    }
    if keys.is_empty() {
        read_text(text.trim(), &[], sort, &mut keys);
    }
    if keys.is_empty() && bytes.first() == Some(&0x30) {
        read_der(bytes, &[&ENCODED], sort, &mut keys);
    }
    keys.retain(|given| {
        matches!(
            (&given.key, sort),
            (VerifyingKey::Ed25519(_), Sort::Ed25519) | (VerifyingKey::Rsa { .. }, Sort::Rsa)
        )
    });
    if keys.is_empty() { Err(unread(text.trim(), sort)) } else { Ok(keys) }
}

/// What a text is that holds no key of the sort.
fn unread(text: &str, sort: Sort) -> Finding {
    let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && (15..22).contains(&text.len());
    let document: Option<Value> = serde_json::from_str(text).ok();
    if text.contains("PRIVATE KEY-----") {
        return Finding::new(&PRIVATE);
    }
    let what = match document {
        _ if is_number => "it is a number, such as an application's id",
        Some(document) if document["jwks_uri"].is_string() => {
            "it is the document that names the URL of the keys (jwks_uri), without the keys"
        }
        Some(_) => "no key of the JSON document can be used",
        None if text.contains("-----BEGIN") => "the PEM holds a key of another sort, or is damaged",
        None if is_hex && sort == Sort::Rsa => "64 hex digits are an Ed25519 key, or a secret",
        None if text.matches('.').count() == 2 => "it is a token",
        None => "it is other text, such as a secret",
    };
    Finding::with(&SORT, what)
}

/// Hex, as the platform shows it; or the same bytes in another form, or those of the private key.
fn read_ed25519(text: &str, keys: &mut Vec<GivenKey>) {
    let plain: String = text
        .trim_matches(['"', '\'', '`', ' ', '\n', '\r', '\t', '\u{feff}'])
        .trim_start_matches("0x")
        .chars()
        .filter(|letter| !matches!(letter, ':' | ' '))
        .collect();
    let odd: &[&'static Cause] = if plain == text { &[] } else { &[&BLANKS] };
    if let Ok(bytes) = const_hex::decode(&plain) {
        add_edwards(&bytes, odd, keys);
        return;
    }
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
        if let Ok(bytes) = engine.decode(&plain)
            && matches!(bytes.len(), 32 | 64)
        {
            add_edwards(&bytes, &[&ENCODED], keys);
            return;
        }
    }
}

/// Bytes that are a public key, or the seed of one, or a seed with the public key behind it.
fn add_edwards(bytes: &[u8], causes: &[&'static Cause], keys: &mut Vec<GivenKey>) {
    let (seed, public) = match bytes.len() {
        32 => (bytes, Some(bytes)),
        64 => (&bytes[..32], None),
        _ => return,
    };
    let with = |more: Option<&'static Cause>| causes.iter().copied().chain(more).collect::<Vec<_>>();
    if let Some(public) = public.and_then(|bytes| bytes.try_into().ok()) {
        keys.push(GivenKey { id: None, key: VerifyingKey::Ed25519(public), causes: with(None) });
    }
    if let Ok(pair) = Ed25519KeyPair::from_seed_unchecked(seed)
        && let Ok(public) = pair.public_key().as_ref().try_into()
    {
        keys.push(GivenKey { id: None, key: VerifyingKey::Ed25519(public), causes: with(Some(&PRIVATE)) });
    }
}

/// A PEM, a JWK set, or what became of one.
fn read_text(text: &str, causes: &[&'static Cause], sort: Sort, keys: &mut Vec<GivenKey>) {
    let with = |more: &'static Cause| causes.iter().copied().chain([more]).collect::<Vec<_>>();
    if let Some((label, base64)) = pem(text) {
        let is_escaped = base64.contains("\\n") || base64.contains("\\r");
        let base64 = base64.replace("\\n", "").replace("\\r", "");
        let base64: String = base64.split_ascii_whitespace().collect();
        let Ok(der) = STANDARD.decode(base64.trim_end_matches('\\')) else { return };
        let lines = is_escaped.then_some(&LINES);
        let form = match (label, sort) {
            ("CERTIFICATE", _) => Some(&CERTIFICATE),
            ("RSA PUBLIC KEY", _) => Some(&PKCS1),
            (_, Sort::Ed25519) if label == "PUBLIC KEY" => Some(&ENCODED),
            _ => None, // DER tells a private key
        };
        let all: Vec<&'static Cause> = causes.iter().copied().chain(lines).chain(form).collect();
        read_der(&der, &all, sort, keys);
        return;
    }
    if let Ok(document) = serde_json::from_str::<Value>(text) {
        return read_json(&document, causes, sort, keys);
    }
    let ssh = text.split_ascii_whitespace().skip_while(|word| !word.starts_with("ssh-")).nth(1);
    if let Some(bytes) = ssh.and_then(|base64| STANDARD.decode(base64).ok()) {
        return read_ssh(&bytes, &with(&ENCODED), keys);
    }
    let packed: String = text.split_ascii_whitespace().collect::<String>().replace("\\n", "");
    let decoded =
        [STANDARD, URL_SAFE, URL_SAFE_NO_PAD].into_iter().find_map(|engine| engine.decode(&packed).ok());
    match decoded {
        Some(bytes) if bytes.first() == Some(&0x30) => read_der(&bytes, &with(&LINES), sort, keys),
        Some(bytes) if causes.is_empty() => {
            read_text(String::from_utf8_lossy(&bytes).trim(), &with(&ENCODED), sort, keys);
        }
        _ => {}
    }
}

/// A set of JWKs, one of them, or a list.
fn read_json(document: &Value, causes: &[&'static Cause], sort: Sort, keys: &mut Vec<GivenKey>) {
    let is_set = document["keys"].is_array();
    let is_usable = is_set && KeySet::from_jwks(document.to_string().as_bytes()).is_ok();
    let jwks: Vec<&Value> = match (&document["keys"], document) {
        (Value::Array(own), _) | (_, Value::Array(own)) => own.iter().collect(),
        (_, one) => vec![one],
    };
    let odd = match sort {
        Sort::Rsa => (!is_set).then_some(&ONE_JWK),
        Sort::Ed25519 => Some(&ENCODED),
    };
    let all: Vec<&'static Cause> = causes.iter().copied().chain(odd).collect();
    let bytes = |jwk: &Value, name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok();
    for jwk in jwks {
        let key = match sort {
            Sort::Rsa => {
                bytes(jwk, "n").zip(bytes(jwk, "e")).map(|(modulus, exponent)| rsa(&modulus, &exponent))
            }
            Sort::Ed25519 => bytes(jwk, "x").and_then(|x| x.try_into().ok()).map(VerifyingKey::Ed25519),
        };
        // In a set of which some can be used, one that cannot is skipped, as a verifier does.
        let is_own = !is_usable || KeySet::from_jwks(format!("{{\"keys\":[{jwk}]}}").as_bytes()).is_ok();
        if let Some(key) = key.filter(|_| is_own) {
            let id = jwk["kid"].as_str().map(str::to_owned);
            keys.push(GivenKey { id, key, causes: all.clone() });
        }
    }
}

fn read_der(der: &[u8], causes: &[&'static Cause], sort: Sort, keys: &mut Vec<GivenKey>) {
    let with = |more: Option<&'static Cause>| causes.iter().copied().chain(more).collect::<Vec<_>>();
    match sort {
        Sort::Ed25519 => {
            let Some(place) = der.windows(EDWARDS.len()).position(|window| window == EDWARDS) else { return };
            match &der[place + EDWARDS.len()..] {
                [3, 33, 0, public @ ..] if public.len() >= 32 => {
                    if let Ok(public) = public[..32].try_into() {
                        let causes = with(causes.is_empty().then_some(&ENCODED));
                        keys.push(GivenKey { id: None, key: VerifyingKey::Ed25519(public), causes });
                    }
                }
                [4, 34, 4, 32, seed @ ..] if seed.len() >= 32 => {
                    let mut both = Vec::new();
                    add_edwards(&seed[..32], causes, &mut both);
                    keys.extend(
                        both.into_iter().filter(|given| given.causes.iter().any(|own| own.id == PRIVATE.id)),
                    );
                }
                _ => {}
            }
        }
        Sort::Rsa => {
            let private = RsaPrivateKey::from_pkcs8(der).or_else(|_| RsaPrivateKey::from_der(der));
            let found = match private {
                Ok(pair) => {
                    let numbers: PublicKeyComponents<Vec<u8>> = pair.public().into();
                    Some((rsa(&numbers.n, &numbers.e), Some(&PRIVATE)))
                }
                Err(_) => public_numbers(der).map(|(modulus, exponent)| {
                    let is_bare = !der.windows(RSA.len()).any(|window| window == RSA);
                    let is_named = causes.iter().any(|cause| cause.id == PKCS1.id);
                    (rsa(modulus, exponent), (is_bare && !is_named).then_some(&PKCS1))
                }),
            };
            keys.extend(found.map(|(key, odd)| GivenKey { id: None, key, causes: with(odd) }));
        }
    }
}

/// What OpenSSH writes: the name of the sort and the numbers, each behind its length.
fn read_ssh(mut bytes: &[u8], causes: &[&'static Cause], keys: &mut Vec<GivenKey>) {
    let mut next = || {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (own, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        bytes = rest;
        Some(own)
    };
    let key = match next() {
        Some(b"ssh-rsa") => next().zip(next()).map(|(exponent, modulus)| rsa(modulus, exponent)),
        Some(b"ssh-ed25519") => next().and_then(|own| own.try_into().ok()).map(VerifyingKey::Ed25519),
        _ => None,
    };
    keys.extend(key.map(|key| GivenKey { id: None, key, causes: causes.to_vec() }));
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> VerifyingKey {
    let number = |bytes: &[u8]| bytes[bytes.iter().take_while(|byte| **byte == 0).count()..].to_vec();
    VerifyingKey::Rsa { modulus: number(modulus), exponent: number(exponent) }
}

/// The label and the base64 of a PEM.
fn pem(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (base64, _) = rest.split_once("-----END")?;
    Some((label, base64))
}

/// Modulus and exponent of an RSA public key, by itself or in the SPKI that a certificate holds.
fn public_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut key = match der.windows(RSA.len()).position(|window| window == RSA) {
        Some(place) => {
            let mut rest = &der[place + RSA.len()..];
            element(3, &mut rest)?.strip_prefix(&[0])?
        }
        None => der,
    };
    let mut numbers = element(0x30, &mut key)?;
    Some((element(2, &mut numbers)?, element(2, &mut numbers)?))
}

/// Takes one element with this tag off DER (X.690), and gives what is in it.
fn element<'d>(tag: u8, der: &mut &'d [u8]) -> Option<&'d [u8]> {
    let (own, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match (*first, rest) {
        (short @ 0..=0x7f, rest) => (usize::from(short), rest),
        (0x81, [long, rest @ ..]) => (usize::from(*long), rest),
        (0x82, [high, low, rest @ ..]) => (usize::from(*high) << 8 | usize::from(*low), rest),
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *der = rest;
    (*own == tag).then_some(content)
}
