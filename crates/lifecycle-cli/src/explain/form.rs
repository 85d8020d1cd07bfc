//! Form: how a platform writes a signature and what it signs, as its scheme says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lifecycle_core::{Part, Scheme, Secret};

use super::signatures::decode;

/// How many letters a signature has: 32 bytes in hex, or in base64.
const HEX: usize = 64;
const BASE64: usize = 44;

/// What stands in front of a key in base64.
const KEY_PREFIX: &str = "whsec_";

/// How a platform writes a signature, and what it signs.
#[derive(Clone, Debug)]
pub(super) struct Form {
    headers: &'static [&'static str],
    signed: &'static [Part],
    separator: Option<char>,
    prefix: String,
    is_base64: bool,
    is_key_base64: bool,
}

/// How a signature is written otherwise than the platform writes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Otherwise {
    /// In hex, and not in base64.
    Hex,
    /// Without the text in front.
    WithoutPrefix,
}

/// A part of what is signed, with the value that the request gives it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Piece {
    Body,
    Text(Vec<u8>),
    /// A header, or an element of the signature's header, such as the time.
    Told(Vec<u8>),
}

impl Form {
    /// That of a scheme, which an example tells.
    pub(super) fn of(scheme: &Scheme) -> Self {
        let separator = scheme.separator().map(char::from);
        let secret = Secret::new("any secret shows the form").expect("it is a secret");
        let value = scheme.sign(&secret, &[], b"");
        let element = separator.and_then(|separator| value.rsplit(separator).next()).unwrap_or(&value);
        let is_base64 = element.ends_with('='); // 32 bytes are padded, and no hex is
        let prefix = element.len().saturating_sub(if is_base64 { BASE64 } else { HEX });
        Self {
            headers: scheme.headers(),
            signed: scheme.signed(),
            separator,
            prefix: element[..prefix].to_owned(),
            is_base64,
            is_key_base64: scheme.secret("this is no base64!").is_err(),
        }
    }

    /// That of an HS256 token: it signs what stands in front of its second dot.
    pub(super) const fn of_token() -> Self {
        Self {
            headers: &["signature"],
            signed: &[Part::Body],
            separator: None,
            prefix: String::new(),
            is_base64: false,
            is_key_base64: false,
        }
    }

    /// Whether the platform sends its signature in this header.
    pub(super) fn is_own(&self, name: &str) -> bool {
        self.headers.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Whether it is the first of them, where the current secret's signature is.
    pub(super) fn is_first(&self, name: &str) -> bool {
        self.headers.first().is_some_and(|own| own.eq_ignore_ascii_case(name))
    }

    /// The key that a secret is, as the platform shows it.
    pub(super) fn key(&self, secret: &[u8]) -> Vec<u8> {
        let text = secret.strip_prefix(KEY_PREFIX.as_bytes()).unwrap_or(secret);
        match STANDARD.decode(text) {
            Ok(key) if self.is_key_base64 => key,
            _ => secret.to_vec(),
        }
    }

    /// The signatures in a header's value, in hex where they are of the platform's form, and how each is of another.
    pub(super) fn elements(&self, value: &str) -> Vec<(String, Option<Otherwise>)> {
        let elements: Vec<&str> = match self.separator {
            Some(separator) => value.split(separator).map(str::trim).collect(),
            None => vec![value],
        };
        let own = elements.iter().filter_map(|element| element.strip_prefix(self.prefix.as_str()));
        let own: Vec<_> = own.map(|text| self.element(text)).collect();
        match (own.is_empty(), self.element(value)) {
            (false, _) => own,
            (true, (text, None)) if decode(&text).is_some() => vec![(text, Some(Otherwise::WithoutPrefix))],
            (true, _) => vec![(value.to_owned(), None)],
        }
    }

    fn element(&self, text: &str) -> (String, Option<Otherwise>) {
        if !self.is_base64 {
            return (text.to_owned(), None);
        }
        match STANDARD.decode(text) {
            Ok(bytes) if bytes.len() == 32 => (const_hex::encode(bytes), None),
            _ => (text.to_owned(), decode(text).map(|_| Otherwise::Hex)),
        }
    }

    /// The headers that are signed and that the request lacks.
    pub(super) fn missing(&self, headers: &[(String, String)]) -> Vec<&'static str> {
        let is_there = |name: &str| headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let named = self.signed.iter().filter_map(|part| match part {
            Part::Header(name) => Some(*name),
            _ => None,
        });
        named.filter(|name| !is_there(name)).collect()
    }

    /// What was signed, from the request's headers.
    pub(super) fn pieces(&self, headers: &[(String, String)]) -> Vec<Piece> {
        let header = |name: &str| headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        let value = |name: &str| header(name).map_or("", |(_, value)| value.as_str());
        let field = |name: &str| {
            let own = self.headers.first().map_or("", |own| value(own));
            let mut elements = own.split(self.separator.unwrap_or('\0'));
            elements
                .find_map(|element| element.trim().strip_prefix(name)?.strip_prefix('='))
                .unwrap_or_default()
                .to_owned()
        };
        let piece = |part: &Part| match part {
            Part::Body => Piece::Body,
            Part::Field(name) => Piece::Told(field(name).into_bytes()),
            Part::Header(name) => Piece::Told(value(name).as_bytes().to_vec()),
            Part::Text(text) => Piece::Text(text.as_bytes().to_vec()),
            _ => Piece::Text(Vec::new()),
        };
        self.signed.iter().map(piece).collect()
    }
}
