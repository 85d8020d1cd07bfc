//! Head: a request's method, path and headers, reduced to what a platform reads.

use std::borrow::Cow;
use std::fmt;

use crate::charset::header_text;
use crate::platform::{Platform, Proof};
use crate::rejected_request::{RejectedRequest, RequestBody, announces_body};
use crate::rejection::Rejection;
use crate::signature::Candidates;

/// The head of a request, as plain values of any framework.
///
/// `headers` are pairs of name (in any case) and value, one for each line received: a repeated header stands in it
/// repeatedly. The path has no query and is not decoded. `Debug` shows the method only: a path may end in a token.
#[derive(Clone, Copy)]
pub struct Head<'h, H> {
    /// The method, in upper case as HTTP has it.
    pub method: &'h str,
    /// The path of the request target.
    pub path: &'h str,
    /// The header lines in the order received.
    pub headers: H,
}

impl<H> fmt::Debug for Head<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The headers that a platform signs or decodes, kept with the delivery. `Debug` shows the names only.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Headers(Vec<(&'static str, String)>);

impl Headers {
    /// The value of a header that the platform names; the name in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// Name (in lower case) and value of each.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    pub(crate) fn keep(&mut self, name: &'static str, value: &str) {
        if self.get(name).is_none() {
            self.0.push((name, value.to_owned()));
        }
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// Reads the header lines that count for a platform: the signatures presented, the headers to keep, and the body's
/// length as declared, if it is.
pub(crate) fn read<'h>(
    platform: &Platform,
    lines: impl Iterator<Item = (&'h str, &'h [u8])>,
    candidates: &mut Candidates,
    kept: &mut Headers,
) -> Result<Option<u64>, RejectedRequest> {
    let names = platform.header_names();
    let mut first: [Option<&'h [u8]>; Platform::MAX_HEADERS] = [None; Platform::MAX_HEADERS];
    let mut declared = None;
    let mut body = RequestBody::Read;
    let mut ambiguous = None; // told only after all lines, as a later one may announce a body
    for (name, value) in lines {
        if announces_body(name, value) {
            body = RequestBody::Unread;
        }
        if name.eq_ignore_ascii_case("content-length") {
            declared = std::str::from_utf8(value.trim_ascii()).ok().and_then(|digits| digits.parse().ok());
        }
        if names.may_contain(name) {
            for (own, first) in names.all().iter().zip(&mut first) {
                if name.eq_ignore_ascii_case(own) {
                    ambiguous = ambiguous.or(agree(own, first, value).err());
                }
            }
        }
    }

    let rejected = |rejection| Err(RejectedRequest { rejection, body });
    if let Some(rejection) = ambiguous {
        return rejected(rejection);
    }
    let mut presented = false;
    for ((index, name), value) in names.all().iter().enumerate().zip(first) {
        let Some(value) = value else { continue };
        let text = header_text(value);
        if let Proof::Hmac(scheme) = platform.proof() {
            let is_signature = index < names.carrying;
            // What is signed are the bytes, which text of another charset would not give back.
            if matches!(text, Cow::Owned(_))
                && (is_signature || scheme.signed_headers().any(|own| own == *name))
            {
                return rejected(Rejection::InvalidHeader(name));
            }
            if is_signature {
                presented = true;
                candidates.read(scheme, name, &text);
                continue;
            }
        }
        kept.keep(name, &text);
    }
    if let Proof::Hmac(scheme) = platform.proof() {
        let whole = scheme.signed_headers().all(|name| kept.get(name).is_some());
        if !presented || !whole {
            return rejected(Rejection::MissingSignature);
        }
        if candidates.is_empty() {
            return rejected(Rejection::SignatureMismatch);
        }
    }
    Ok(declared)
}

/// A header's further lines must not gainsay its first.
pub(crate) fn agree<'h>(
    name: &'static str,
    first: &mut Option<&'h [u8]>,
    value: &'h [u8],
) -> Result<(), Rejection> {
    match first {
        None => *first = Some(value),
        Some(first) if *first == value => {}
        Some(_) => return Err(Rejection::InvalidHeader(name)),
    }
    Ok(())
}

/// The headers that count for a platform: first those that may carry a signature, then those that stay with the
/// delivery, being signed or decoded. A name may stand among both, and among the latter twice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderNames {
    names: [&'static str; Platform::MAX_HEADERS],
    count: usize,
    carrying: usize,
    /// The lengths of the names, modulo 64, one bit each: it spares most lines of a head their comparisons.
    lengths: u64,
}

impl HeaderNames {
    pub(crate) const NONE: Self =
        Self { names: [""; Platform::MAX_HEADERS], count: 0, carrying: 0, lengths: 0 };

    /// With names that may carry a signature; before any that are kept.
    pub(crate) const fn carrying(self, names: &[&'static str]) -> Self {
        let with = self.kept(names);
        Self { carrying: with.count, ..with }
    }

    /// With names that stay with the delivery.
    pub(crate) const fn kept(mut self, names: &[&'static str]) -> Self {
        assert!(self.count + names.len() <= Platform::MAX_HEADERS, "a platform names too many headers");
        let mut index = 0;
        while index < names.len() {
            self.names[self.count] = names[index];
            self.lengths |= 1 << (names[index].len() % 64);
            self.count += 1;
            index += 1;
        }
        self
    }

    /// The platform's own text of a name that stays with the delivery.
    pub(crate) fn find_kept(&self, name: &str) -> Option<&'static str> {
        self.all()[self.carrying..].iter().find(|own| **own == name).copied()
    }

    fn all(&self) -> &[&'static str] {
        &self.names[..self.count]
    }

    fn may_contain(&self, name: &str) -> bool {
        self.lengths >> (name.len() % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AckPolicy, EventFields, Part, Scheme, Undecodable, VerifiedRequest};

    const SCHEME: Scheme = Scheme::new(&["x-signature"]).signed(&[Part::Header("x-time"), Part::Body]);
    static PLATFORM: Platform =
        Platform::signed("own", SCHEME, AckPolicy::new(200), decode).headers(&["x-event"]);

    fn decode<'a>(_: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
        Err(Undecodable::NotUtf8)
    }

    #[test]
    fn a_header_that_is_not_signed_is_read_in_either_charset() {
        let zeros = "0".repeat(64);
        let kept_as = |name: &'static str, value: &'static [u8]| {
            let lines = [("x-signature", zeros.as_bytes()), ("x-time", b"1"), ("x-event", b"plain")]
                .map(|(own, usual)| (own, if own == name { value } else { usual }));
            let mut kept = Headers::default();
            read(&PLATFORM, lines.into_iter(), &mut Candidates::new(), &mut kept)?;
            Ok(kept.get(name).unwrap_or_default().to_owned())
        };
        assert_eq!(kept_as("x-event", "é".as_bytes()), Ok("é".into()));
        assert_eq!(kept_as("x-event", b"\xe9"), Ok("é".into()));
        assert_eq!(
            kept_as("x-time", "é".as_bytes()),
            Ok("é".into()),
            "the same bytes again when it is signed"
        );
        assert_eq!(kept_as("x-time", b"\xe9"), Err(Rejection::InvalidHeader("x-time")));
        assert_eq!(kept_as("x-signature", b"\xe9"), Err(Rejection::InvalidHeader("x-signature")));
    }
}
