//! Secrets: what the sender may have signed with, given what the receiver has.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::cause::Cause;

/// The causes that are about the secret.
pub(super) const CAUSES: &[Cause] = &[
    Cause::secret(
        "secret-blanks",
        blanks_around,
        "the configured secret has blanks, unseen letters or a line break around it that the sender's has not",
        "take them off where the secret is read; a file written by `echo` ends with a line break",
    ),
    Cause::secret(
        "secret-newline",
        newline_at_end,
        "the sender's secret ends with a line break that the configured one has not",
        "if the sender is your own, take the line break off its secret; no platform's has one",
    ),
    Cause::secret(
        "secret-quotes",
        quotes,
        "quotes around the secret are part of it on one side only",
        "write the secret without quotes in env files, which do not always take them off",
    ),
    Cause::secret(
        "secret-base64",
        base64,
        "one side takes the secret as base64, the other as text",
        "take the key as the platform documents it: most take the text as it is shown, Standard Webhooks what base64 behind `whsec_` stands for",
    ),
    Cause::secret(
        "secret-prefix",
        prefix,
        "`whsec_` is a part of the key on one side only",
        "take the key as the platform documents it: to Stripe `whsec_` is a part of it, Standard Webhooks takes it off and decodes the rest",
    ),
    Cause::secret(
        "secret-hex",
        hex,
        "one side takes the secret as hex, the other as text",
        "use the secret's text as it is shown as the key; do not decode or encode it",
    ),
    Cause::secret(
        "secret-case",
        letter_case,
        "the secret's letters were changed to one case",
        "configure the secret exactly as it is shown",
    ),
    Cause::secret(
        "secret-url-encoded",
        url_encoded,
        "the secret was URL-encoded or URL-decoded on one side; `+` and `%` then stand for others",
        "configure the secret exactly as it is shown, not as a part of a URL",
    ),
    Cause::secret(
        "secret-charset",
        charset,
        "the secret's text became bytes in another way: with a byte order mark, or as UTF-16",
        "take the secret's UTF-8 bytes as the key, and save its file without a byte order mark",
    ),
    Cause::secret(
        "secret-empty",
        empty,
        "the signature was made with an empty secret",
        "the secret's variable is not set where the signature is made: refuse to start without one",
    ),
    Cause::secret(
        "secret-assignment",
        assignment,
        "the name of its variable stands in front of the secret, as in `NAME=value`",
        "configure what stands behind the equals sign alone",
    ),
    Cause::secret(
        "secret-dollar",
        dollar,
        "a `$` of the secret was doubled, or two were made one, as Compose files and shells do",
        "escape `$` as the file's format wants it, or give the secret in a file of its own",
    ),
    Cause::secret("secret-twice", twice, "the secret was pasted twice", "configure it once"),
    Cause::secret(
        "secret-hashed",
        hashed,
        "the key is the SHA-256 of the secret on one side",
        "take the secret itself as the key: HMAC needs no key of a certain length",
    ),
];

/// A secret that is tried; wiped when it is dropped.
pub(super) type Key = Zeroizing<Vec<u8>>;

/// Without what is around it and seen by nobody: blanks of every kind, and a line break that is written as an escape.
pub(super) fn blanks_around(secret: &[u8]) -> Vec<Key> {
    let Ok(text) = std::str::from_utf8(secret) else { return keys([secret.trim_ascii().to_vec()]) };
    let is_unseen = |letter: char| {
        letter.is_whitespace() || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{ad}')
    };
    let seen = text.trim_matches(is_unseen);
    let mut kept = seen;
    while let Some(before) = kept.strip_suffix("\\n").or_else(|| kept.strip_suffix("\\r")) {
        kept = before;
    }
    keys([seen, kept].map(|text| text.as_bytes().to_vec()))
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

/// What stands behind the name of its variable.
pub(super) fn assignment(secret: &[u8]) -> Vec<Key> {
    let text = std::str::from_utf8(secret).unwrap_or_default().trim_start();
    let text = text.strip_prefix("export ").unwrap_or(text);
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    };
    let values = ["=", ": "].into_iter().filter_map(|sign| {
        let (name, value) = text.split_once(sign)?;
        is_name(name.trim()).then(|| value.trim().as_bytes().to_vec())
    });
    keys(values)
}

pub(super) fn dollar(secret: &[u8]) -> Vec<Key> {
    let Ok(text) = std::str::from_utf8(secret) else { return Vec::new() };
    let changed = [text.replace("$$", "$"), text.replace("\\$", "$"), text.replace('$', "$$")];
    keys(changed.map(String::into_bytes))
}

pub(super) fn twice(secret: &[u8]) -> Vec<Key> {
    let is_between = |text: &[u8]| matches!(text, b"" | b"\n" | b"\r\n" | b" " | b",");
    let halves = [0, 1, 2].into_iter().filter_map(|between| {
        let half = secret.len().checked_sub(between).filter(|rest| rest % 2 == 0)? / 2;
        let (one, rest) = secret.split_at(half);
        let (between, other) = rest.split_at(between);
        (half > 0 && one == other && is_between(between)).then(|| one.to_vec())
    });
    keys(halves)
}

pub(super) fn hashed(secret: &[u8]) -> Vec<Key> {
    let digest = Sha256::digest(secret).to_vec();
    keys([const_hex::encode(&digest).into_bytes(), digest])
}

pub(super) fn empty(_secret: &[u8]) -> Vec<Key> {
    keys([Vec::new()])
}

fn keys(found: impl IntoIterator<Item = Vec<u8>>) -> Vec<Key> {
    found.into_iter().map(Zeroizing::new).collect()
}
