//! Scheme: over what a platform signs, how a signature is written, and in which headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac;

use crate::head::HeaderNames;
use crate::secret::{Secret, SecretError};

/// How a platform signs: over what, written how, in which headers. As [`Proof::Hmac`](crate::Proof::Hmac) the signature is
/// an HMAC-SHA256.
///
/// ```
/// use lifecycle_core::{Part, Scheme, Secret};
///
/// // GitHub, with the example of its own documentation.
/// const GITHUB: Scheme = Scheme::new(&["x-hub-signature-256"]).with_prefix("sha256=");
/// let secret = Secret::new("It's a Secret to Everybody")?;
/// let signature = GITHUB.sign(&secret, &[], b"Hello, World!");
/// assert!(signature.starts_with("sha256=757107ea0eb2509fc211221cce984b8a"));
///
/// // Slack: the version, the time and the body, joined by colons.
/// const SLACK: Scheme = Scheme::new(&["x-slack-signature"]).with_prefix("v0=").with_signed(&[
///     Part::Text("v0:"),
///     Part::Header("x-slack-request-timestamp"),
///     Part::Text(":"),
///     Part::Body,
/// ]);
/// assert_eq!(SLACK.headers(), ["x-slack-signature"]);
/// # Ok::<(), lifecycle_core::SecretError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Scheme {
    pub(crate) headers: &'static [&'static str],
    pub(crate) prefix: &'static str,
    pub(crate) separator: Option<u8>,
    pub(crate) encoding: Encoding,
    pub(crate) signed: &'static [Part],
    key: KeyForm,
}

/// How a signature's bytes are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Encoding {
    /// Standard alphabet, padded, as Shopify and Standard Webhooks write it.
    Base64,
    /// Two digits in either case for each byte, as Seismic and GitHub write it.
    Hex,
}

/// A piece of what is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// The raw body.
    Body,
    /// The value of the element `name=value` with this name in the header that carries the signature, as Stripe's `t`. At
    /// most 64 bytes; a scheme has at most one.
    Field(&'static str),
    /// The value of this header (its name in lower case).
    Header(&'static str),
    /// A fixed text.
    Text(&'static str),
}

/// What a platform's secret is as a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeyForm {
    /// The bytes that follow this prefix in base64, as Standard Webhooks' `whsec_`.
    Base64 {
        /// The text in front of the base64.
        prefix: &'static str,
        /// The fewest bytes of a key.
        at_least: usize,
    },
    /// The text as the platform shows it.
    Text,
}

impl Scheme {
    /// Hex of the signature over the raw body, in any one of these headers (names in lower case).
    pub const fn new(headers: &'static [&'static str]) -> Self {
        Self {
            headers,
            prefix: "",
            separator: None,
            encoding: Encoding::Hex,
            signed: &[Part::Body],
            key: KeyForm::Text,
        }
    }

    /// A text in front of each signature, such as `sha256=`. An element that does not begin with it is not a signature.
    #[must_use]
    pub const fn with_prefix(mut self, prefix: &'static str) -> Self {
        self.prefix = prefix;
        self
    }

    /// The ASCII character between several elements in one header value.
    ///
    /// # Panics
    /// At compile time in a `const`: when it is not ASCII.
    #[must_use]
    pub const fn with_separator(mut self, separator: u8) -> Self {
        assert!(separator.is_ascii(), "a separator is an ASCII character");
        self.separator = Some(separator);
        self
    }

    /// How the signature is written.
    #[must_use]
    pub const fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// What is signed, in order.
    ///
    /// # Panics
    /// At compile time in a `const`: without the body, or with more than one field.
    #[must_use]
    pub const fn with_signed(mut self, parts: &'static [Part]) -> Self {
        let (mut index, mut bodies, mut fields) = (0, 0, 0);
        while index < parts.len() {
            match parts[index] {
                Part::Body => bodies += 1,
                Part::Field(_) => fields += 1,
                Part::Header(_) | Part::Text(_) => {}
            }
            index += 1;
        }
        assert!(bodies > 0, "a signature that does not cover the body proves nothing of it");
        assert!(fields <= 1, "a scheme has at most one field");
        self.signed = parts;
        self
    }

    /// What a secret is as a key; by default its text.
    #[must_use]
    pub const fn with_key(mut self, form: KeyForm) -> Self {
        self.key = form;
        self
    }

    /// The headers that may carry a signature, names in lower case.
    pub fn headers(&self) -> &'static [&'static str] {
        self.headers
    }

    /// The character between several elements in one header value.
    pub fn separator(&self) -> Option<u8> {
        self.separator
    }

    /// What is signed, in order.
    pub fn signed(&self) -> &'static [Part] {
        self.signed
    }

    /// The key that a secret is on this platform, from the text that the platform shows.
    ///
    /// ```
    /// use lifecycle_core::{KeyForm, Scheme, SecretError};
    ///
    /// const SCHEME: Scheme = Scheme::new(&["webhook-signature"]).with_key(KeyForm::Base64 { prefix: "whsec_", at_least: 24 });
    /// assert!(SCHEME.secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok());
    /// assert_eq!(SCHEME.secret("whsec_not base64").unwrap_err(), SecretError::NotBase64);
    /// ```
    ///
    /// # Errors
    /// Those of [`Secret::new`]; [`SecretError::NotBase64`] and [`SecretError::TooShort`] where the key is base64.
    pub fn secret(&self, shown: &str) -> Result<Secret, SecretError> {
        match self.key {
            KeyForm::Text => Secret::new(shown),
            KeyForm::Base64 { prefix, at_least } => {
                Secret::new(shown)?; // blank, quoted, and what else is wrong with any text
                Secret::from_base64(shown.strip_prefix(prefix).unwrap_or(shown), at_least)
            }
        }
    }

    /// The header value that this platform would send: for tests and tools. A signed header that is not among
    /// `headers` is signed as empty; a [field](Part::Field) is taken from there too, under its own name.
    pub fn sign(&self, secret: &Secret, headers: &[(&str, &[u8])], body: &[u8]) -> String {
        let find = |name: &str| find(headers, name);
        let mut mac = secret.keyed();
        self.message(find, find, body, |part| mac.update(part));
        self.write(find, &mac.finalize().into_bytes())
    }

    /// The header value with this signature in it.
    pub(crate) fn write<'v>(&self, field: impl Fn(&str) -> &'v [u8], signature: &[u8]) -> String {
        let mut value = String::new();
        for part in self.signed {
            if let Part::Field(name) = part {
                value.extend([name, "=", &String::from_utf8_lossy(field(name))]);
                value.extend(self.separator.map(char::from));
            }
        }
        value.push_str(self.prefix);
        match self.encoding {
            Encoding::Base64 => STANDARD.encode_string(signature, &mut value),
            Encoding::Hex => value.push_str(&const_hex::encode(signature)),
        }
        value
    }

    /// Gives each part of the signed message to `take`, in order.
    pub(crate) fn message<'h, 'f>(
        &self,
        header: impl Fn(&str) -> &'h [u8],
        field: impl Fn(&str) -> &'f [u8],
        body: &[u8],
        mut take: impl FnMut(&[u8]),
    ) {
        for part in self.signed {
            match part {
                Part::Body => take(body),
                Part::Field(name) => take(field(name)),
                Part::Header(name) => take(header(name)),
                Part::Text(text) => take(text.as_bytes()),
            }
        }
    }

    pub(crate) const fn header_names(&self) -> HeaderNames {
        let mut names = HeaderNames::NONE.carrying(self.headers);
        let mut index = 0;
        while index < self.signed.len() {
            if let Part::Header(name) = self.signed[index] {
                names = names.signed(&[name]);
            }
            index += 1;
        }
        names
    }

    pub(crate) fn signed_headers(&self) -> impl Iterator<Item = &'static str> {
        self.signed.iter().filter_map(|part| match part {
            Part::Header(name) => Some(*name),
            Part::Body | Part::Field(_) | Part::Text(_) => None,
        })
    }

    pub(crate) fn field(&self) -> Option<&'static str> {
        self.signed.iter().find_map(|part| match part {
            Part::Field(name) => Some(*name),
            Part::Body | Part::Header(_) | Part::Text(_) => None,
        })
    }

    /// Decodes one signature into `bytes`, which it has to fill; whether it did. A malformed signature costs no MAC.
    pub(crate) fn decode(&self, written: &str, bytes: &mut [u8]) -> bool {
        let mut written = written.trim_matches([' ', '\t']);
        // Not an empty one: a comparison of no bytes takes a fifth of a MAC where libc compares by AVX-512.
        if !self.prefix.is_empty() {
            let Some(rest) = written.strip_prefix(self.prefix) else { return false };
            written = rest;
        }
        match self.encoding {
            // The length is checked first, since the decoder would take a leading `0x` off.
            Encoding::Hex => {
                written.len() == 2 * bytes.len() && const_hex::decode_to_slice(written, bytes).is_ok()
            }
            Encoding::Base64 => {
                let mut decoded = [0; 66]; // as much as the 88 characters of 64 bytes can hold
                if written.len() != bytes.len().div_ceil(3) * 4 {
                    return false;
                }
                match STANDARD.decode_slice(written, &mut decoded) {
                    Ok(length) if length == bytes.len() => {
                        bytes.copy_from_slice(&decoded[..length]);
                        true
                    }
                    _ => false,
                }
            }
        }
    }
}

/// The value of a header, its name in any case; empty where the header is absent.
pub(crate) fn find<'v>(headers: &[(&str, &'v [u8])], name: &str) -> &'v [u8] {
    headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map_or(&[], |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_base64_is_distinguished_from_what_is_pasted_in_its_place() {
        let scheme = Scheme::new(&["s"]).with_key(KeyForm::Base64 { prefix: "whsec_", at_least: 24 });
        let secret = |shown: &str| scheme.secret(shown).map(drop);
        assert_eq!(secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Ok(()));
        assert_eq!(secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Ok(()), "some senders show it without");
        for wrong in ["v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*"] {
            assert_eq!(secret(wrong), Err(SecretError::NotBase64), "{wrong}");
        }
        assert_eq!(secret("whsec_c2VjcmV0"), Err(SecretError::TooShort));
        assert_eq!(secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), Err(SecretError::WhiteSpaceAround));
    }

    #[test]
    fn a_field_is_written_in_front_of_the_signature() {
        const STRIPE: Scheme = Scheme::new(&["stripe-signature"])
            .with_prefix("v1=")
            .with_separator(b',')
            .with_signed(&[Part::Field("t"), Part::Text("."), Part::Body]);
        let secret = Secret::new("whsec_demo_new_2b7d").unwrap();
        let value = STRIPE.sign(&secret, &[("t", b"1762776001")], b"{}");
        assert!(value.starts_with("t=1762776001,v1="), "{value}");
        assert_eq!((STRIPE.separator(), STRIPE.signed().len()), (Some(b','), 3));
    }

    #[test]
    #[should_panic(expected = "at most one field")]
    fn a_second_field_is_refused() {
        let _ = Scheme::new(&["s"]).with_signed(&[Part::Field("t"), Part::Field("v"), Part::Body]);
    }
}
