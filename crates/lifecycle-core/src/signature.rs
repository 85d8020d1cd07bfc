//! Signature: the one place where a MAC is computed or compared.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use hmac::digest::{CtOutput, array::Array};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::head::agree;
use crate::rejection::Rejection;
use crate::scheme::{Scheme, find};
use crate::secret::{Secrets, SigningSecret};
use crate::trust::Trust;

impl Scheme {
    /// Compares signatures alone: for bytes that came in another way than a [`Verifier`](crate::Verifier) takes, such as a
    /// queue. A valid signature says nothing about the body's meaning, nor that it was not replayed.
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
        let mut presented = Presented::new(32);
        for (nth, name) in self.headers().iter().enumerate() {
            if let Some(value) = only(headers, name)? {
                presented.read(self, nth, value)?;
            }
        }
        let mut whole = true;
        for name in self.signed_headers() {
            whole &= only(headers, name)?.is_some();
        }
        presented.check(self, whole)?;
        let header = |name: &str| find(headers, name);
        let (secret, header) = verify(self, secrets, now, &presented, header, body)?;
        Ok(Trust::Signed { secret: secret.name().clone(), header: Cow::Borrowed(header) })
    }
}

/// The signatures that a request presents, and the signed field of their headers, read before its body.
#[derive(Clone)]
pub(crate) struct Presented {
    /// As many signatures as there are, one after another. They are moved with the request, so there is room for few.
    bytes: [u8; Self::ROOM],
    count: usize,
    /// How many bytes each has.
    length: usize,
    /// Which of the scheme's headers carried each.
    carriers: [usize; Self::MAX],
    has_header: bool,
    field: FieldValue,
}

impl Presented {
    /// The most of 32 bytes; there are two of Ed25519's 64. No rotation needs more; the rest is ignored, so that a request cannot
    /// amplify CPU work.
    const MAX: usize = 4;

    const ROOM: usize = 32 * Self::MAX;

    /// None yet, of signatures of this many bytes.
    pub(crate) fn new(length: usize) -> Self {
        Self {
            bytes: [0; Self::ROOM],
            count: 0,
            length,
            carriers: [0; Self::MAX],
            has_header: false,
            field: FieldValue::NONE,
        }
    }

    /// Takes the signatures and the field out of the value of the scheme's nth header. Malformed signatures are no candidates.
    pub(crate) fn read(&mut self, scheme: &Scheme, nth: usize, value: &[u8]) -> Result<(), Rejection> {
        let invalid = || Rejection::InvalidHeader(scheme.headers[nth]);
        let value = std::str::from_utf8(value).map_err(|_| invalid())?;
        self.has_header = true;
        let Some(separator) = scheme.separator else {
            self.take(scheme, nth, value);
            return Ok(());
        };
        let field = scheme.field();
        for element in value.split(char::from(separator)) {
            if let Some(name) = field
                && let Some(rest) = element.trim_ascii().strip_prefix(name)
                && let Some(text) = rest.strip_prefix('=')
            {
                self.field.set(text).ok_or_else(invalid)?;
            } else {
                self.take(scheme, nth, element);
            }
        }
        Ok(())
    }

    /// Whether all that a proof needs is present. `whole`: whether all signed headers are.
    pub(crate) fn check(&self, scheme: &Scheme, whole: bool) -> Result<(), Rejection> {
        if !self.has_header || !whole || (scheme.field().is_some() && self.field.is_none()) {
            return Err(Rejection::MissingSignature);
        }
        if self.count == 0 {
            return Err(Rejection::SignatureMismatch);
        }
        Ok(())
    }

    /// The value of the signed field; empty where there is none.
    pub(crate) fn field(&self) -> &str {
        self.field.text()
    }

    /// Each with the header that carried it.
    pub(crate) fn candidates(&self, scheme: &Scheme) -> impl Iterator<Item = (&'static str, &[u8])> {
        let headers = self.carriers.iter().map(|nth| scheme.headers[*nth]);
        headers.zip(self.bytes.chunks_exact(self.length)).take(self.count)
    }

    fn take(&mut self, scheme: &Scheme, nth: usize, written: &str) {
        let free = self.bytes.chunks_exact_mut(self.length).nth(self.count);
        if free.is_some_and(|free| scheme.decode(written, free)) {
            self.carriers[self.count] = nth;
            self.count += 1;
        }
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(redacted)")
    }
}

/// A short text without an allocation.
#[derive(Clone, Copy)]
struct FieldValue {
    bytes: [u8; 64],
    length: Option<u8>,
}

impl FieldValue {
    const NONE: Self = Self { bytes: [0; 64], length: None };

    /// `None` when it is longer than 64 bytes, or another value is there already.
    fn set(&mut self, text: &str) -> Option<()> {
        if self.length.is_some() {
            return (self.text() == text).then_some(());
        }
        self.bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        self.length = u8::try_from(text.len()).ok();
        self.length.map(|_| ())
    }

    fn is_none(&self) -> bool {
        self.length.is_none()
    }

    fn text(&self) -> &str {
        let length = usize::from(self.length.unwrap_or_default());
        std::str::from_utf8(&self.bytes[..length]).unwrap_or_default() // it was copied from text
    }
}

/// Finds the secret and the header that prove the bytes: any secret that is valid now, any of the platform's headers.
///
/// Each secret costs one MAC, whatever the number of candidates; the comparison takes constant time.
pub(crate) fn verify<'s, 'v>(
    scheme: &Scheme,
    secrets: &'s Secrets,
    now: SystemTime,
    presented: &Presented,
    header: impl Fn(&str) -> &'v [u8],
    body: &[u8],
) -> Result<(&'s SigningSecret, &'static str), Rejection> {
    for secret in secrets.valid_at(now) {
        let mut mac = secret.keyed().clone();
        scheme.message(&header, |_| presented.field().as_bytes(), body, |part| mac.update(part));
        let expected = mac.finalize();
        for (header, candidate) in presented.candidates(scheme) {
            if Array::try_from(candidate).is_ok_and(|bytes| CtOutput::<Hmac<Sha256>>::new(bytes) == expected)
            {
                return Ok((secret, header));
            }
        }
    }
    Err(Rejection::SignatureMismatch)
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
    use crate::{Encoding, Part, Secret, slack};

    const HEX: Scheme = Scheme::new(&["x-signature"]);
    const STRIPE: Scheme = Scheme::new(&["stripe-signature"])
        .with_prefix("v1=")
        .with_separator(b',')
        .with_signed(&[Part::Field("t"), Part::Text("."), Part::Body]);

    fn candidates(scheme: &Scheme, value: &str) -> usize {
        let mut presented = Presented::new(32);
        presented.read(scheme, 0, value.as_bytes()).unwrap();
        presented.candidates(scheme).count()
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
    fn a_header_cannot_cause_more_than_a_handful_of_comparisons() {
        let base64 = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw= ".repeat(100);
        let scheme = HEX.with_prefix("v1,").with_separator(b' ').with_encoding(Encoding::Base64);
        assert_eq!(candidates(&scheme, &base64), Presented::MAX);
        assert_eq!(candidates(&scheme, "v1a,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="), 0);
        assert_eq!(candidates(&scheme, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3KkwA"), 0, "33 bytes");
    }

    #[test]
    fn a_header_that_is_signed_has_to_be_there() {
        let secret = Secret::new("s3cr3t").unwrap();
        let signature = slack::SCHEME.sign(&secret, &[("x-slack-request-timestamp", b"")], b"{}");
        let headers = [("x-slack-signature", signature.as_bytes())];
        let verified = slack::SCHEME.verify(&Secrets::from(secret), &headers, b"{}", SystemTime::now());
        assert_eq!(verified, Err(Rejection::MissingSignature));
    }

    #[test]
    fn a_field_is_signed_as_it_came_and_may_not_have_two_values() {
        let secrets = Secrets::from(Secret::new("s").unwrap());
        let verify = |value: &str| {
            let headers = [("Stripe-Signature", value.as_bytes())];
            STRIPE.verify(&secrets, &headers, b"{}", SystemTime::UNIX_EPOCH).map(drop)
        };
        let signed = STRIPE.sign(&Secret::new("s").unwrap(), &[("t", b"1762776001")], b"{}");
        let v1 = signed.split_once(',').unwrap().1;
        let decoy = v1.replace("v1=", "v0=");
        for genuine in [
            signed.clone(),
            format!("{v1},t=1762776001"),
            format!("t=1762776001, {v1},{decoy}"),
            format!("t=1762776001,t=1762776001,{v1}"),
        ] {
            assert_eq!(verify(&genuine), Ok(()), "{genuine}");
        }
        let invalid = Rejection::InvalidHeader("stripe-signature");
        for (value, rejection) in [
            (v1.to_owned(), Rejection::MissingSignature),
            (format!("t=1762776002,{v1}"), Rejection::SignatureMismatch),
            (format!("t=1762776001,{decoy}"), Rejection::SignatureMismatch),
            (format!("t=1762776001,t=1762776002,{v1}"), invalid.clone()),
            (format!("t={},{v1}", "1".repeat(65)), invalid),
            (format!("T=1762776001,{v1}"), Rejection::MissingSignature),
        ] {
            assert_eq!(verify(&value), Err(rejection), "{value}");
        }
    }

    #[test]
    fn candidates_are_not_shown() {
        assert_eq!(format!("{:?}", Presented::new(32)), "Presented(redacted)");
    }
}
