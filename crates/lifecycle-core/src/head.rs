//! Head: a request's method, target and headers, reduced to what a platform reads.

use std::borrow::Cow;
use std::fmt;

use bytestring::ByteString;

use crate::charset::header_text;
use crate::jws::Jws;
use crate::platform::{Platform, Proof};
#[cfg(feature = "public-key")]
use crate::public_scheme::PublicScheme;
use crate::rejected_request::{RejectedRequest, RequestBody, announces_body};
use crate::rejection::Rejection;
use crate::signature::Presented;
use crate::verifier::ExpectedApp;

/// The longest value of a header that is kept, in bytes.
const MAX_KEPT: usize = 4096;

/// The head of a request, as plain values of any framework. `Debug` shows the method only: a target may hold a token.
///
/// ```
/// use lifecycle_core::Head;
///
/// let head = Head::new("POST", "/seismic?retry=1", [("content-length", b"0".as_slice())]);
/// assert_eq!((head.path(), head.query()), ("/seismic", Some("retry=1")));
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Head<'h, H> {
    /// The method, in upper case as HTTP has it.
    pub method: &'h str,
    /// The request target: path and query as they were sent, not decoded.
    pub target: &'h str,
    /// The header lines in the order received: name (in any case) and value of each.
    pub headers: H,
}

impl<'h, H> Head<'h, H> {
    /// A head. `target` is the whole path, with the query if there is one, as it was sent: a router that takes a prefix away
    /// can take the token of an unguessable URL with it. `headers` has one pair for each line received, a repeated header
    /// repeatedly.
    pub fn new(method: &'h str, target: &'h str, headers: impl IntoIterator<IntoIter = H>) -> Self {
        Self { method, target, headers: headers.into_iter() }
    }

    /// The path of the target.
    pub fn path(&self) -> &'h str {
        split(self.target).0
    }

    /// What follows the first `?` of the target.
    pub fn query(&self) -> Option<&'h str> {
        split(self.target).1
    }
}

impl<H> fmt::Debug for Head<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A target's path and query.
pub(crate) fn split(target: &str) -> (&str, Option<&str>) {
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}

/// The headers that a platform signs or decodes, kept with the delivery in one piece of memory. Cloning is cheap. `Debug`
/// shows the names only.
#[derive(Clone)]
pub struct Headers {
    names: &'static HeaderNames,
    /// The values, one after another.
    text: ByteString,
    /// Where each ends, also one that is absent.
    ends: [usize; Platform::MAX_HEADERS],
    is_present: [bool; Platform::MAX_HEADERS],
}

impl Headers {
    pub(crate) fn none(names: &'static HeaderNames) -> Self {
        let (ends, is_present) = ([0; Platform::MAX_HEADERS], [false; Platform::MAX_HEADERS]);
        Self { names, text: ByteString::new(), ends, is_present }
    }

    /// With the values of those that the platform names.
    pub(crate) fn fill<'v>(&mut self, mut value: impl FnMut(&'static str) -> Option<Cow<'v, str>>) {
        let mut values: [Option<Cow<'v, str>>; Platform::MAX_HEADERS] =
            [const { None }; Platform::MAX_HEADERS];
        let mut length = 0;
        for (nth, name) in self.names.kept_names().enumerate() {
            values[nth] = value(name);
            length += values[nth].as_ref().map_or(0, |value| value.len());
            self.ends[nth] = length;
            self.is_present[nth] = values[nth].is_some();
        }
        let mut text = String::with_capacity(length);
        text.extend(values.into_iter().flatten());
        self.text = text.into();
    }

    /// The value of a header that the platform names; the name in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// Name (in lower case) and value of each.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let mut start = 0;
        self.names.kept_names().zip(self.ends).zip(self.is_present).filter_map(
            move |((name, end), is_present)| {
                let value = &self.text[std::mem::replace(&mut start, end)..end];
                is_present.then_some((name, value))
            },
        )
    }

    pub(crate) fn signed(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|_| self.names.is_signed(name))
    }

    pub(crate) fn unsigned(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|_| !self.names.is_signed(name))
    }

    /// All values in one text, into which fields may point.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// What a request's head holds of what a platform reads.
pub(crate) struct CheckedHead {
    pub(crate) presented: Presented,
    pub(crate) headers: Headers,
    /// The body's length as declared; 0 if it is not.
    pub(crate) declared: usize,
    /// The token, or the detached signature; a token that is the body is still to come.
    pub(crate) jws: Option<Box<Jws>>,
    /// The path, where a token is the proof.
    pub(crate) path: Option<Box<str>>,
}

impl CheckedHead {
    /// Nothing yet.
    pub(crate) fn new(platform: &'static Platform) -> Self {
        let length = match platform.proof() {
            Proof::Hmac(_) => 32,
            #[cfg(feature = "public-key")]
            Proof::PublicKey(_) => PublicScheme::LENGTH,
            Proof::Token(_) | Proof::UnguessableUrl => 0,
        };
        Self {
            presented: Presented::new(length),
            headers: Headers::none(platform.header_names()),
            declared: 0,
            jws: None,
            path: None,
        }
    }

    /// Validates the header lines that are relevant for a platform: the signatures presented and the headers to keep. It fills a
    /// value that is in its place already, as each move of one takes as long as reading a line.
    pub(crate) fn read<'h>(
        &mut self,
        platform: &Platform,
        head: Head<'h, impl Iterator<Item = (&'h str, &'h [u8])>>,
        app: &ExpectedApp,
    ) -> Result<(), RejectedRequest> {
        let names = platform.header_names();
        let mut first: [Option<&'h [u8]>; Platform::MAX_HEADERS] = [None; Platform::MAX_HEADERS];
        let mut body = RequestBody::Read;
        let mut ambiguous = None; // returned only after all lines, as a later one may announce a body
        for (name, value) in head.headers {
            if announces_body(name, value) {
                body = RequestBody::Unread;
            }
            if name.eq_ignore_ascii_case("content-length") {
                let digits = std::str::from_utf8(value.trim_ascii()).ok();
                let length = digits.and_then(|digits| digits.parse::<u64>().ok()).unwrap_or_default();
                self.declared = usize::try_from(length).unwrap_or(usize::MAX);
            }
            for (own, first) in names.all().iter().zip(&mut first) {
                if name.eq_ignore_ascii_case(own) {
                    ambiguous = ambiguous.or(agree(own, first, value).err());
                }
            }
        }
        let read = ambiguous.map_or(Ok(()), Err).and_then(|()| self.take(platform, head.target, &first, app));
        read.map_err(|rejection| RejectedRequest { rejection, body })
    }

    /// Reads the values of the platform's headers.
    fn take(
        &mut self,
        platform: &Platform,
        target: &str,
        values: &[Option<&[u8]>; Platform::MAX_HEADERS],
        app: &ExpectedApp,
    ) -> Result<(), Rejection> {
        let names = platform.header_names();
        let (carrying, kept) = values.split_at(names.carrying);
        let scheme = match platform.proof() {
            Proof::Hmac(scheme) => Some(scheme),
            #[cfg(feature = "public-key")]
            Proof::PublicKey(public) => public.scheme(),
            Proof::Token(_) | Proof::UnguessableUrl => None,
        };
        if let Some(scheme) = scheme {
            for (nth, value) in carrying.iter().enumerate() {
                if let Some(value) = value {
                    self.presented.read(scheme, nth, value)?;
                }
            }
            self.presented.check(scheme, has_all_signed(names, kept)?)?;
        }
        if let Some((name, _)) = names.kept_names().zip(kept).find(|(_, value)| is_too_long(**value)) {
            return Err(Rejection::InvalidHeader(name));
        }
        let mut kept = kept.iter();
        self.headers.fill(|_| kept.next().copied().flatten().map(header_text));
        match platform.proof() {
            Proof::Token(scheme) => {
                let (path, query) = split(target);
                let token = scheme.find(carrying.first().copied().flatten(), query)?;
                let jws = token.map(|token| scheme.read(token, app)).transpose()?;
                (self.jws, self.path) = (jws.map(Box::new), Some(path.into()));
            }
            #[cfg(feature = "public-key")]
            Proof::PublicKey(scheme) if scheme.scheme().is_none() => {
                self.jws = Some(Box::new(detached(names.all()[0], carrying[0])?));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The detached signature in a header.
#[cfg(feature = "public-key")]
fn detached(name: &'static str, value: Option<&[u8]>) -> Result<Jws, Rejection> {
    let value = value.ok_or(Rejection::MissingSignature)?;
    let text = std::str::from_utf8(value).map_err(|_| Rejection::InvalidHeader(name))?;
    Jws::detached(text.trim_matches([' ', '\t'])).ok_or(Rejection::SignatureMismatch)
}

/// Whether all signed headers are there. What is signed are their bytes, which text of another charset would not give back.
fn has_all_signed(names: &HeaderNames, kept: &[Option<&[u8]>]) -> Result<bool, Rejection> {
    let mut has_all = true;
    for (name, value) in names.kept_names().zip(kept).filter(|(name, _)| names.is_signed(name)) {
        match value {
            None => has_all = false,
            Some(value) if std::str::from_utf8(value).is_err() => return Err(Rejection::InvalidHeader(name)),
            Some(_) => {}
        }
    }
    Ok(has_all)
}

/// Whether a value is longer than any that a platform sends. What is not signed is kept beside a body that is: whoever has captured one
/// could fill a store with it.
fn is_too_long(value: Option<&[u8]>) -> bool {
    value.is_some_and(|value| value.len() > MAX_KEPT)
}

/// Repeated headers must agree.
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

/// The headers that are relevant for a platform: first those that may carry a signature, then those that stay with the
/// delivery: the signed ones, then those that are only decoded. A name may be among the first and among the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderNames {
    names: [&'static str; Platform::MAX_HEADERS],
    count: usize,
    carrying: usize,
    signed: usize,
}

impl HeaderNames {
    pub(crate) const NONE: Self =
        Self { names: [""; Platform::MAX_HEADERS], count: 0, carrying: 0, signed: 0 };

    /// With names that may carry a signature, before any others.
    pub(crate) const fn carrying(self, names: &[&'static str]) -> Self {
        let with = self.decoded(names);
        Self { carrying: with.count, signed: with.count, ..with }
    }

    /// With names that are signed, before any that are only decoded.
    pub(crate) const fn signed(self, names: &[&'static str]) -> Self {
        let with = self.decoded(names);
        Self { signed: with.count, ..with }
    }

    /// With names that are only decoded.
    pub(crate) const fn decoded(mut self, names: &[&'static str]) -> Self {
        assert!(self.count + names.len() <= Platform::MAX_HEADERS, "a platform names too many headers");
        let mut index = 0;
        while index < names.len() {
            self.names[self.count] = names[index];
            self.count += 1;
            index += 1;
        }
        self
    }

    fn all(&self) -> &[&'static str] {
        &self.names[..self.count]
    }

    pub(crate) fn of_proof(&self) -> &[&'static str] {
        &self.names[..self.carrying]
    }

    fn kept_names(&self) -> impl Iterator<Item = &'static str> {
        self.names[self.carrying..self.count].iter().copied()
    }

    pub(crate) fn is_signed(&self, name: &str) -> bool {
        self.names[self.carrying..self.signed].contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::{Ack, EventFields, Part, Scheme, Undecodable, VerifiedRequest};

    const SCHEME: Scheme = Scheme::new(&["x-signature"]).with_signed(&[Part::Header("x-time"), Part::Body]);
    static PLATFORM: Platform =
        Platform::new("own", Proof::Hmac(SCHEME), Ack::new(200), decode).with_headers(&["x-event"]);

    fn decode<'a>(_: &VerifiedRequest<'a>) -> Result<EventFields<'a>, Undecodable> {
        Err(Undecodable::NotUtf8)
    }

    fn headers<'h>(
        head: Head<'h, impl Iterator<Item = (&'h str, &'h [u8])>>,
    ) -> Result<Headers, RejectedRequest> {
        let mut checked = CheckedHead::new(&PLATFORM);
        checked.read(&PLATFORM, head, &ExpectedApp::Any)?;
        Ok(checked.headers)
    }

    #[test]
    fn a_header_that_is_repeated_says_the_same_each_time() {
        let zeros = "0".repeat(64);
        for name in ["x-time", "x-event"] {
            for (again, is_taken) in [("1", true), ("2", false), ("", false)] {
                let lines = [("x-signature", &*zeros), ("x-time", "1"), ("x-event", "1"), (name, again)];
                let lines = lines.map(|(name, value)| (name, value.as_bytes()));
                let found = headers(Head::new("POST", "/", lines)).map(drop).map_err(Rejection::from);
                let expected = if is_taken { Ok(()) } else { Err(Rejection::InvalidHeader(name)) };
                assert_eq!(found, expected, "{name}: {again}");
            }
        }
    }

    #[test]
    fn a_target_is_a_path_and_what_follows_its_first_question_mark() {
        for (target, path, query) in [
            ("/a/b", "/a/b", None),
            ("/a?", "/a", Some("")),
            ("/a?b=c?d", "/a", Some("b=c?d")),
            ("", "", None),
        ] {
            let head = Head::new("POST", target, [("x", "".as_bytes())]);
            assert_eq!((head.path(), head.query()), (path, query), "{target}");
        }
    }

    #[test]
    fn headers_are_the_same_where_names_and_values_are() {
        let of = |event: &'static str, signed: &'static str| {
            let zeros = "0".repeat(64);
            let lines = [("x-signature", &*zeros), ("x-time", signed), ("x-event", event)];
            let lines = lines.map(|(name, value)| (name, value.as_bytes()));
            headers(Head::new("POST", "/", lines)).unwrap()
        };
        assert_eq!(of("plain", "1"), of("plain", "1"));
        assert_ne!(of("plain", "1"), of("plain", "2"));
        assert_ne!(of("1", "2"), of("12", ""), "each value has its end");
        assert_eq!(of("plain", "1").text(), "1plain");
    }

    #[test]
    fn a_header_that_is_not_signed_is_read_in_either_charset() {
        let zeros = "0".repeat(64);
        let kept_as = |name: &'static str, value: &'static [u8]| {
            let lines = [("x-signature", zeros.as_bytes()), ("x-time", b"1"), ("x-event", b"plain")]
                .map(|(own, usual)| (own, if own == name { value } else { usual }));
            let head = Head::new("POST", "/", lines);
            let headers = headers(head).map_err(Rejection::from)?;
            Ok(headers.get(name).unwrap_or_default().to_owned())
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

    #[test]
    fn a_header_that_is_kept_has_at_most_4_kib() {
        let zeros = "0".repeat(64);
        for own in ["x-event", "x-time"] {
            for (length, is_kept) in [(MAX_KEPT, true), (MAX_KEPT + 1, false)] {
                let long = "1".repeat(length);
                let lines = [("x-signature", zeros.as_str()), ("x-time", "1"), ("x-event", "plain")].map(
                    |(name, usual)| (name, if name == own { long.as_bytes() } else { usual.as_bytes() }),
                );
                let read = headers(Head::new("POST", "/", lines)).map_err(Rejection::from);
                assert_eq!(read.is_ok(), is_kept, "{own} {length}");
                assert!(is_kept || read == Err(Rejection::InvalidHeader(own)));
            }
        }
    }

    #[test]
    fn a_signed_header_and_another_one_come_through_different_doors() {
        let zeros = "0".repeat(64);
        let lines = [("X-Signature", zeros.as_bytes()), ("X-Time", b"1"), ("X-Event", b"install")];
        let headers = headers(Head::new("POST", "/", lines)).unwrap();
        let document = Document::empty(headers.clone());
        let request = VerifiedRequest::new(&document, None, "");
        assert_eq!((request.signed_header("x-time"), request.signed_header("x-event")), (Some("1"), None));
        assert_eq!(request.unauthenticated_header("x-event"), Some("install"));
        assert_eq!(request.unauthenticated_header("x-time"), None);
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("x-time", "1"), ("x-event", "install")]);
    }
}
