//! Signature: the one place where a signature is computed or compared.

use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::CtOutput;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::delivery::Trust;
use crate::head::{HeaderNames, agree};
use crate::rejection::Rejection;
use crate::secret::{Secret, Secrets};

/// How a platform signs: HMAC-SHA256 over what, written how, in which headers.
///
/// ```
/// use lifecycle_core::{Part, Scheme, Secret};
///
/// // GitHub, with the example of its own documentation.
/// const GITHUB: Scheme = Scheme::new(&["x-hub-signature-256"]).prefix("sha256=");
/// let secret = Secret::new("It's a Secret to Everybody")?;
/// let signature = GITHUB.sign(&secret, &[], b"Hello, World!");
/// assert!(signature.starts_with("sha256=757107ea0eb2509fc211221cce984b8a"));
///
/// // Slack: the version, the time and the body, joined by colons.
/// const SLACK: Scheme = Scheme::new(&["x-slack-signature"]).prefix("v0=").signed(&[
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
    headers: &'static [&'static str],
    prefix: &'static str,
    separator: Option<u8>,
    encoding: Encoding,
    signed: &'static [Part],
}

/// How a signature's 32 bytes are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Encoding {
    /// Standard alphabet, padded, as Shopify and Standard Webhooks write it.
    Base64,
    /// 64 digits in either case, as Seismic and GitHub write it.
    Hex,
}

/// A piece of what is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// The raw body.
    Body,
    /// The value of this header (its name in lower case).
    Header(&'static str),
    /// A fixed text.
    Text(&'static str),
}

impl Scheme {
    /// Hex of the HMAC over the raw body, in any one of these headers (names in lower case).
    pub const fn new(headers: &'static [&'static str]) -> Self {
        Self { headers, prefix: "", separator: None, encoding: Encoding::Hex, signed: &[Part::Body] }
    }

    /// A text in front of each signature, such as `sha256=`. What does not begin with it is no signature.
    #[must_use]
    pub const fn prefix(mut self, prefix: &'static str) -> Self {
        self.prefix = prefix;
        self
    }

    /// The ASCII character between several signatures in one header value.
    ///
    /// # Panics
    /// At compile time in a `const`: when it is not ASCII.
    #[must_use]
    pub const fn separator(mut self, separator: u8) -> Self {
        assert!(separator.is_ascii(), "a separator is an ASCII character");
        self.separator = Some(separator);
        self
    }

    /// How the signature is written.
    #[must_use]
    pub const fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// What is signed, in order.
    #[must_use]
    pub const fn signed(mut self, parts: &'static [Part]) -> Self {
        self.signed = parts;
        self
    }

    pub(crate) const fn header_names(&self) -> HeaderNames {
        let mut names = HeaderNames::NONE.carrying(self.headers);
        let mut index = 0;
        while index < self.signed.len() {
            if let Part::Header(name) = self.signed[index] {
                names = names.kept(&[name]);
            }
            index += 1;
        }
        names
    }

    /// The headers that may carry a signature, names in lower case.
    pub fn headers(&self) -> &'static [&'static str] {
        self.headers
    }

    /// The header value that this platform would send: for tests and tools. A signed header that is not among
    /// `headers` is signed as empty.
    pub fn sign(&self, secret: &Secret, headers: &[(&str, &[u8])], body: &[u8]) -> String {
        let value = |name: &str| value(headers, name).unwrap_or_default();
        let mac: [u8; 32] = self.update(secret.keyed(), value, body).finalize().into_bytes().into();
        let text = match self.encoding {
            Encoding::Base64 => STANDARD.encode(mac),
            Encoding::Hex => const_hex::const_encode::<32, false>(&mac).as_str().to_owned(),
        };
        format!("{}{text}", self.prefix)
    }

    /// Judges signatures alone: for bytes that came in another way than a [`Verifier`](crate::Verifier) takes, such as a
    /// queue. What it finds true says nothing about the body's meaning, nor that it was not replayed.
    ///
    /// `headers` are those that carry or are signed (names in any case), each once.
    ///
    /// ```
    /// use lifecycle_core::{Rejection, Secret, Secrets, seismic};
    /// use std::time::SystemTime;
    ///
    /// let secret = Secret::new("seismic-demo-signing-secret-1")?;
    /// let signature = seismic::SCHEME.sign(&secret, &[], b"{}");
    /// let headers = [(seismic::SIGNATURE, signature.as_bytes())];
    /// let secrets = Secrets::from(secret);
    ///
    /// assert!(seismic::SCHEME.verify(&secrets, &headers, b"{}", SystemTime::now()).is_ok());
    /// let forged = seismic::SCHEME.verify(&secrets, &headers, b"{ }", SystemTime::now());
    /// assert_eq!(forged, Err(Rejection::SignatureMismatch));
    /// # Ok::<(), lifecycle_core::SecretError>(())
    /// ```
    ///
    /// # Errors
    /// [`Rejection::MissingSignature`], [`InvalidHeader`](Rejection::InvalidHeader) for one that is there twice with
    /// two values or is not UTF-8, [`SignatureMismatch`](Rejection::SignatureMismatch).
    pub fn verify(
        &self,
        secrets: &Secrets,
        headers: &[(&str, &[u8])],
        body: &[u8],
        now: SystemTime,
    ) -> Result<Trust, Rejection> {
        let mut candidates = Candidates::new();
        let mut presented = false;
        for name in self.headers {
            let Some(value) = only(headers, name)? else { continue };
            let text = std::str::from_utf8(value).map_err(|_| Rejection::InvalidHeader(name))?;
            candidates.read(self, name, text);
            presented = true;
        }
        for name in self.signed_headers() {
            presented &= only(headers, name)?.is_some();
        }
        if !presented {
            return Err(Rejection::MissingSignature);
        }
        if candidates.is_empty() {
            return Err(Rejection::SignatureMismatch);
        }
        verify(self, secrets, now, &candidates, |name| value(headers, name).unwrap_or_default(), body)
    }

    pub(crate) fn signed_headers(&self) -> impl Iterator<Item = &'static str> {
        self.signed.iter().filter_map(|part| match part {
            Part::Header(name) => Some(*name),
            Part::Body | Part::Text(_) => None,
        })
    }

    /// The 32 bytes of one written signature; `None` for anything else, so that it costs no MAC.
    fn decode(&self, written: &str) -> Option<[u8; 32]> {
        let mut written = written.trim_matches([' ', '\t']);
        // Not an empty one: a comparison of no bytes takes a fifth of a MAC where libc compares by AVX-512.
        if !self.prefix.is_empty() {
            written = written.strip_prefix(self.prefix)?;
        }
        let mut mac = [0; 32];
        match self.encoding {
            // The length is checked first, since the decoder would take a leading `0x` off.
            Encoding::Hex if written.len() == 64 => const_hex::decode_to_slice(written, &mut mac).ok()?,
            Encoding::Base64 if written.len() == 44 => {
                let mut bytes = [0; 33]; // as much as 44 characters can hold
                let length = STANDARD.decode_slice(written, &mut bytes).ok()?;
                mac = bytes[..length].try_into().ok()?;
            }
            _ => return None,
        }
        Some(mac)
    }

    fn update<'v>(
        &self,
        mut mac: Hmac<Sha256>,
        header: impl Fn(&str) -> &'v [u8],
        body: &[u8],
    ) -> Hmac<Sha256> {
        for part in self.signed {
            match part {
                Part::Body => mac.update(body),
                Part::Header(name) => mac.update(header(name)),
                Part::Text(text) => mac.update(text.as_bytes()),
            }
        }
        mac
    }
}

/// The signatures that a request presents, read before its body.
#[derive(Clone)]
pub(crate) struct Candidates {
    list: [Option<(&'static str, [u8; 32])>; Self::MAX],
}

impl Candidates {
    /// More than a rotation needs; the rest is ignored, so that a request cannot order work.
    const MAX: usize = 4;

    pub(crate) fn new() -> Self {
        Self { list: [None; Self::MAX] }
    }

    /// Takes the signatures out of one header's value. Malformed ones are no candidates.
    pub(crate) fn read(&mut self, scheme: &Scheme, header: &'static str, value: &str) {
        match scheme.separator {
            None => self.take(header, scheme.decode(value)),
            Some(separator) => {
                for written in value.split(char::from(separator)) {
                    if self.list[Self::MAX - 1].is_some() {
                        return;
                    }
                    self.take(header, scheme.decode(written));
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list[0].is_none()
    }

    fn take(&mut self, header: &'static str, mac: Option<[u8; 32]>) {
        if let (Some(mac), Some(free)) = (mac, self.list.iter_mut().find(|place| place.is_none())) {
            *free = Some((header, mac));
        }
    }
}

impl fmt::Debug for Candidates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Candidates(redacted)")
    }
}

/// Finds the secret and the header that prove the bytes: any secret that counts now, any of the platform's headers.
///
/// Each secret costs one MAC, whatever the number of candidates; the comparison takes constant time.
pub(crate) fn verify<'v>(
    scheme: &Scheme,
    secrets: &Secrets,
    now: SystemTime,
    candidates: &Candidates,
    header: impl Fn(&str) -> &'v [u8],
    body: &[u8],
) -> Result<Trust, Rejection> {
    for secret in secrets.counting_at(now) {
        let expected = scheme.update(secret.keyed().clone(), &header, body).finalize();
        for (header, presented) in candidates.list.iter().flatten() {
            if CtOutput::<Hmac<Sha256>>::new((*presented).into()) == expected {
                return Ok(Trust::Signed { secret: secret.id().clone(), header });
            }
        }
    }
    Err(Rejection::SignatureMismatch)
}

fn value<'v>(headers: &[(&str, &'v [u8])], name: &str) -> Option<&'v [u8]> {
    headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// The value of a header.
fn only<'v>(headers: &[(&str, &'v [u8])], name: &'static str) -> Result<Option<&'v [u8]>, Rejection> {
    let mut first = None;
    for (_, value) in headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)) {
        agree(name, &mut first, value)?;
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: Scheme = Scheme::new(&["x-signature"]);

    fn candidates(scheme: &Scheme, value: &str) -> usize {
        let mut candidates = Candidates::new();
        candidates.read(scheme, "x-signature", value);
        candidates.list.iter().flatten().count()
    }

    #[test]
    fn only_a_whole_signature_is_a_candidate() {
        let hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let upper = hex.to_uppercase();
        for (value, count) in [
            (hex, 1),
            (upper.as_str(), 1),
            (&format!("  {hex}\t"), 1),
            ("", 0),
            (&hex[1..], 0),
            (&format!("{hex}0"), 0),
            (&format!("0x{}", &hex[2..]), 0),
            (&format!("0x{hex}"), 0),
            (&format!("sha256={hex}"), 0),
            (&hex.replace('5', "g"), 0),
            (&format!("{hex},{hex}"), 0),
        ] {
            assert_eq!(candidates(&HEX, value), count, "{value:?}");
        }
    }

    #[test]
    fn a_header_cannot_order_more_than_a_handful_of_comparisons() {
        let base64 = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw= ".repeat(100);
        let scheme = HEX.prefix("v1,").separator(b' ').encoding(Encoding::Base64);
        assert_eq!(candidates(&scheme, &base64), Candidates::MAX);
        assert_eq!(candidates(&scheme, "v1a,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="), 0);
        assert_eq!(candidates(&scheme, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3KkwA"), 0, "33 bytes");
    }

    #[test]
    fn candidates_are_not_shown() {
        assert_eq!(format!("{:?}", Candidates::new()), "Candidates(redacted)");
    }
}
