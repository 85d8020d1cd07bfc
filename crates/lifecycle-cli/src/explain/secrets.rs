//! Secrets: what the sender may have signed with, given what the receiver has.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// A secret that is tried; wiped when it is dropped.
pub(super) type Key = Zeroizing<Vec<u8>>;

pub(super) fn blanks_around(secret: &[u8]) -> Vec<Key> {
    keys([secret.trim_ascii().to_vec()])
}

pub(super) fn newline_at_end(secret: &[u8]) -> Vec<Key> {
    keys([[secret, b"\n"].concat(), [secret, b"\r\n"].concat()])
}

pub(super) fn quotes(secret: &[u8]) -> Vec<Key> {
    let mut found = Vec::new();
    for quote in [b'"', b'\'', b'`'] {
        found.push([&[quote], secret, &[quote]].concat());
        if let [first, inner @ .., last] = secret
            && [*first, *last] == [quote; 2]
        {
            found.push(inner.to_vec());
        }
    }
    keys(found)
}

pub(super) fn base64(secret: &[u8]) -> Vec<Key> {
    let mut found = vec![STANDARD.encode(secret).into_bytes()];
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
        found.extend(engine.decode(secret).ok());
    }
    keys(found)
}

/// The text in front of a secret in base64, on one side only.
pub(super) fn prefix(secret: &[u8]) -> Vec<Key> {
    const PREFIX: &[u8] = b"whsec_";
    if let Some(rest) = secret.strip_prefix(PREFIX) {
        return keys([Some(rest.to_vec()), STANDARD.decode(rest).ok()].into_iter().flatten());
    }
    keys([[PREFIX, secret].concat(), [PREFIX, STANDARD.encode(secret).as_bytes()].concat()])
}

pub(super) fn hex(secret: &[u8]) -> Vec<Key> {
    let written = const_hex::encode(secret);
    let mut found = vec![written.to_uppercase().into_bytes(), written.into_bytes()];
    found.extend(const_hex::decode(secret).ok());
    keys(found)
}

pub(super) fn letter_case(secret: &[u8]) -> Vec<Key> {
    keys([secret.to_ascii_lowercase(), secret.to_ascii_uppercase()])
}

pub(super) fn url_encoded(secret: &[u8]) -> Vec<Key> {
    let mut found = vec![form_urlencoded::byte_serialize(secret).collect::<String>().into_bytes()];
    if let Ok(text) = std::str::from_utf8(secret) {
        // As the value of a query, in which `+` and `%xx` stand for others.
        let query = format!("s={}", text.replace('&', "%26"));
        found.extend(
            form_urlencoded::parse(query.as_bytes()).next().map(|(_, value)| value.into_owned().into_bytes()),
        );
    }
    keys(found)
}

pub(super) fn charset(secret: &[u8]) -> Vec<Key> {
    let mut found = vec![[b"\xef\xbb\xbf", secret].concat()];
    found.extend(secret.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec));
    if let Ok(text) = std::str::from_utf8(secret) {
        found.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    }
    keys(found)
}

pub(super) fn empty(_secret: &[u8]) -> Vec<Key> {
    keys([Vec::new()])
}

fn keys(found: impl IntoIterator<Item = Vec<u8>>) -> Vec<Key> {
    found.into_iter().map(Zeroizing::new).collect()
}
