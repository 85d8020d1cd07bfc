//! Signatures: the bytes that a header's value may stand for.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::cause::Cause;

/// The causes that are about how the signature is written.
pub(super) const CAUSES: &[Cause] = &[
    Cause::signature(
        "upper-case",
        upper_case,
        "the signature's hex digits are in upper case",
        "decode the hex, which may come in either case, and compare bytes instead of text",
    ),
    Cause::signature(
        "prefix",
        prefix,
        "there is a prefix in front of the signature, such as `sha256=`",
        "write it as the platform does: Seismic sends the bare hex, GitHub `sha256=` in front of it",
    ),
    Cause::signature(
        "separated",
        separated,
        "the signature's hex digits are separated, as .NET's BitConverter writes them",
        "write the bytes as hex without dashes, with Convert.ToHexString in .NET",
    ),
    Cause::signature(
        "signature-quotes",
        quotes,
        "there are quotes or blanks around the signature",
        "compare the header's value itself, not a quoted form of it from a log or JSON",
    ),
    Cause::signature(
        "joined",
        joined,
        "the header holds several signatures, as proxies join repeated headers",
        "find out what adds the second one; a receiver of this library refuses to guess",
    ),
    Cause::signature(
        "base64",
        base64,
        "the signature is written as base64",
        "the platform writes hex: let your receiver compute the digest as hex, not as base64",
    ),
    Cause::signature(
        "hex-of-base64",
        hex_of_base64,
        "the signature is the hex of its base64 text",
        "take the digest's bytes as hex once, without base64 in between",
    ),
    Cause::signature(
        "base64-of-hex",
        base64_of_hex,
        "the signature is the base64 of its hex text",
        "take the digest as hex, and leave it at that",
    ),
    Cause::signature(
        "hex-of-hex",
        hex_of_hex,
        "the signature is the hex of its hex text",
        "the digest is hex already: do not write it as hex again",
    ),
];

/// The bytes of hex digits in lower case; of any length from half of a SHA-256, since other hash functions have others.
pub(super) fn decode(value: &str) -> Option<Vec<u8>> {
    let is_lower = value.len() >= 32 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_lower { const_hex::decode(value).ok() } else { None }
}

pub(super) fn upper_case(value: &str) -> Vec<String> {
    vec![value.to_ascii_lowercase()]
}

/// Text in front, such as `sha256=`, `v0=`, `v1,` or `0x`.
pub(super) fn prefix(value: &str) -> Vec<String> {
    let marks = value.char_indices().take(24).filter(|(_, letter)| matches!(letter, '=' | ',' | ':' | ' '));
    let mut found: Vec<String> = marks.map(|(place, _)| value[place + 1..].trim_start().to_owned()).collect();
    found.extend(value.strip_prefix("0x").map(str::to_owned));
    found
}

/// `DD-C4-67`, as .NET's `BitConverter` writes bytes.
pub(super) fn separated(value: &str) -> Vec<String> {
    vec![value.replace(['-', ':', ' '], "").to_ascii_lowercase()]
}

pub(super) fn quotes(value: &str) -> Vec<String> {
    vec![value.trim_matches(['"', '\'', '`', ' ', '\t', '\r', '\n', '<', '>']).to_owned()]
}

/// Several values in one header, as a proxy joins them.
pub(super) fn joined(value: &str) -> Vec<String> {
    let parts: Vec<String> = value.split([',', ';', ' ']).map(|part| part.trim().to_owned()).collect();
    if parts.len() > 8 { Vec::new() } else { parts }
}

pub(super) fn base64(value: &str) -> Vec<String> {
    unbase64(value).map(const_hex::encode).collect()
}

pub(super) fn hex_of_base64(value: &str) -> Vec<String> {
    unhex(value).iter().flat_map(|text| base64(text)).collect()
}

pub(super) fn base64_of_hex(value: &str) -> Vec<String> {
    unbase64(value).filter_map(|bytes| String::from_utf8(bytes).ok()).collect()
}

pub(super) fn hex_of_hex(value: &str) -> Vec<String> {
    unhex(value).into_iter().collect()
}

fn unhex(value: &str) -> Option<String> {
    String::from_utf8(const_hex::decode(value).ok()?).ok()
}

fn unbase64(value: &str) -> impl Iterator<Item = Vec<u8>> {
    let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
    engines.into_iter().filter_map(move |engine| engine.decode(value).ok())
}
