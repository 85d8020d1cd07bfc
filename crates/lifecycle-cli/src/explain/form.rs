//! Form: how a platform writes a signature and what it signs, as its scheme says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lifecycle_core::{Part, Scheme, Secret};

use super::algorithm::Algorithm;
use super::signatures::decode;

/// How many letters a signature has: 32 bytes in hex, or in base64.
const HEX: usize = 64;
const BASE64: usize = 44;

/// What stands in front of a key in base64.
const KEY_PREFIX: &str = "whsec_";

/// How a platform writes a signature, and what it signs.
#[derive(Clone, Debug)]
pub(super) struct Form {
    algorithm: Algorithm,
    /// What stands in front of the parts, of a signature that has a header of its own.
    before: Option<String>,
    is_body_certain: bool,
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
            algorithm: Algorithm::HmacSha256,
            before: None,
            is_body_certain: false,
            headers: scheme.headers(),
            signed: scheme.signed(),
            separator,
            prefix: element[..prefix].to_owned(),
            is_base64,
            is_key_base64: scheme.secret("this is no base64!").is_err(),
        }
    }

    /// That of a scheme whose signatures a private key makes, by Ed25519.
    pub(super) fn ed25519(scheme: &Scheme) -> Self {
        Self { algorithm: Algorithm::Ed25519, is_key_base64: false, ..Self::of(scheme) }
    }

    /// That of a token: it signs what stands in front of its second dot, which is the body here.
    pub(super) const fn of_token(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            before: None,
            is_body_certain: true,
            headers: &["signature"],
            signed: &[Part::Body],
            separator: None,
            prefix: String::new(),
            is_base64: false,
            is_key_base64: false,
        }
    }

    /// That of a detached signature: it signs its own header, a dot, and the body.
    pub(super) fn detached(header: &str) -> Self {
        Self {
            before: Some(format!("{header}.")),
            is_body_certain: false,
            ..Self::of_token(Algorithm::Rs256)
        }
    }

    /// The same where the body is not to be doubted.
    #[must_use]
    pub(super) fn with_certain_body(mut self) -> Self {
        self.is_body_certain = true;
        self
    }

    /// What the platform computes, or signs by.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether nothing can have changed the body, as it and the signature are one text.
    pub(super) fn is_body_certain(&self) -> bool {
        self.is_body_certain
    }

    /// Whether it is the body alone that is signed.
    pub(super) fn signs_body_alone(&self) -> bool {
        matches!(self.signed, [Part::Body]) && self.before.is_none()
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
        let before = self.before.iter().map(|text| Piece::Told(text.clone().into_bytes()));
        before.chain(self.signed.iter().map(piece)).collect()
    }
}
