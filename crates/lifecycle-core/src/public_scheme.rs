//! Public scheme: how a platform signs bytes with a private key.

use crate::head::HeaderNames;
use crate::jws::{self, Jws};
use crate::key_set::KeySet;
use crate::public_key::KeySort;
use crate::rejection::Rejection;
use crate::scheme::{Scheme, find};
use crate::secret::KeyName;
use crate::signature::Presented;

/// How a platform signs with a private key: by which algorithm, over what, written how, in which headers.
///
/// The algorithm is the platform's. No request chooses it.
#[derive(Clone, Copy, Debug)]
pub struct PublicScheme(Form);

#[derive(Clone, Copy, Debug)]
enum Form {
    DetachedJws(&'static str),
    Ed25519(Scheme),
}

impl PublicScheme {
    /// The bytes of an Ed25519 signature.
    pub(crate) const LENGTH: usize = 64;

    /// Ed25519 (RFC 8032) over the parts that the scheme signs.
    pub const fn ed25519(scheme: Scheme) -> Self {
        Self(Form::Ed25519(scheme))
    }

    /// RS256 over the raw body, as a JWS whose payload is detached and not encoded (RFC 7515, appendix F; RFC 7797), in this header
    /// (its name in lower case).
    pub const fn detached_jws(header: &'static str) -> Self {
        Self(Form::DetachedJws(header))
    }

    /// The headers that may carry a signature, names in lower case.
    pub fn headers(&self) -> &[&'static str] {
        match &self.0 {
            Form::DetachedJws(header) => std::slice::from_ref(header),
            Form::Ed25519(scheme) => scheme.headers(),
        }
    }

    /// The header value that this platform would send, signed by whoever holds its private key: for tests and tools. Headers and
    /// fields are given as to [`Scheme::sign`]; a JWS names the key by `key_id`.
    pub fn sign_with(
        &self,
        key_id: Option<&str>,
        headers: &[(&str, &[u8])],
        body: &[u8],
        sign: impl FnOnce(&[u8]) -> Vec<u8>,
    ) -> String {
        let find = |name: &str| find(headers, name);
        match &self.0 {
            Form::DetachedJws(_) => jws::sign_detached(key_id, body, sign),
            Form::Ed25519(scheme) => scheme.write(find, &sign(&message(scheme, find, find, body))),
        }
    }

    pub(crate) const fn header_names(&self) -> HeaderNames {
        match &self.0 {
            Form::DetachedJws(header) => HeaderNames::NONE.carrying(&[header]),
            Form::Ed25519(scheme) => scheme.header_names(),
        }
    }

    pub(crate) const fn key_sort(&self) -> KeySort {
        match &self.0 {
            Form::DetachedJws(_) => KeySort::Rsa,
            Form::Ed25519(_) => KeySort::Ed25519,
        }
    }

    /// How its signatures are written; `None` where they come in a JWS.
    pub const fn scheme(&self) -> Option<&Scheme> {
        match &self.0 {
            Form::DetachedJws(_) => None,
            Form::Ed25519(scheme) => Some(scheme),
        }
    }

    /// Finds the key and the header that prove the bytes.
    pub(crate) fn verify<'k, 'v>(
        &self,
        keys: &'k KeySet,
        presented: &Presented,
        jws: Option<&Jws>,
        header: impl Fn(&str) -> &'v [u8],
        body: &[u8],
    ) -> Result<(&'k KeyName, &'static str), Rejection> {
        let found = match (&self.0, jws) {
            (Form::Ed25519(scheme), _) => {
                let message = message(scheme, header, |_| presented.field().as_bytes(), body);
                presented
                    .candidates(scheme)
                    .find_map(|(header, signature)| Some((keys.find_any(&message, signature)?, header)))
            }
            (Form::DetachedJws(header), Some(jws)) => {
                let message = [jws.signed().as_bytes(), body].concat();
                keys.find(jws.key_id(), &message, jws.signature()).map(|key| (key, *header))
            }
            (Form::DetachedJws(_), None) => None,
        };
        found.map(|(key, header)| (key.name(), header)).ok_or(Rejection::SignatureMismatch)
    }
}

/// What is signed, in one piece, as the signature covers one.
fn message<'h, 'f>(
    scheme: &Scheme,
    header: impl Fn(&str) -> &'h [u8],
    field: impl Fn(&str) -> &'f [u8],
    body: &[u8],
) -> Vec<u8> {
    let mut message = Vec::with_capacity(body.len() + 128);
    scheme.message(header, field, body, |part| message.extend_from_slice(part));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_tells_its_header_and_writes_what_goes_there() {
        let detached = PublicScheme::detached_jws("x-jws");
        assert_eq!(detached.headers(), ["x-jws"]);
        let value = detached.sign_with(Some("k"), &[], b"{}", |message| message[..2].to_vec());
        let (head, signature) = value.split_once("..").expect("a payload that is left out");
        assert!(
            head.starts_with("eyJ") && signature == "ZXk",
            "the signature is over the header first: {value}"
        );

        let ed25519 = PublicScheme::ed25519(Scheme::new(&["x-ed25519"]));
        assert_eq!(ed25519.headers(), ["x-ed25519"]);
        assert_eq!(ed25519.sign_with(None, &[], b"{}", <[u8]>::to_vec), "7b7d");
    }
}
