//! Signatures: the bytes that a header's value may stand for.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// The bytes of hex digits in lower case; of any length, since other hash functions have
/// others.
pub(super) fn decode(value: &str) -> Option<Vec<u8>> {
    let is_lower = value.len() >= 40 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
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
