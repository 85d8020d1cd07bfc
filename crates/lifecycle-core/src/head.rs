//! Head: a request's method, path and headers, reduced to what a platform reads.

use std::fmt;

use crate::platform::{Platform, Proof};
use crate::rejection::Rejection;
use crate::signature::Candidates;

/// The head of a request, as plain values of any framework.
///
/// `headers` are pairs of name (in any case) and value, one for each line received: a repeated header stands in it
/// repeatedly. The path has no query and is not decoded.
#[derive(Clone, Copy, Debug)]
pub struct Head<'h, H> {
    /// The method, in upper case as HTTP has it.
    pub method: &'h str,
    /// The path of the request target.
    pub path: &'h str,
    /// The header lines in the order received.
    pub headers: H,
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

/// What the headers of a request come to for one platform.
#[derive(Debug)]
pub(crate) struct Relevant {
    pub(crate) candidates: Candidates,
    pub(crate) kept: Headers,
    /// The body's length as declared, if it is.
    pub(crate) declared: Option<u64>,
}

impl Relevant {
    pub(crate) fn read<'h>(
        platform: &Platform,
        lines: impl Iterator<Item = (&'h str, &'h [u8])>,
    ) -> Result<Self, Rejection> {
        // Each name that counts, and its first value. Platform's constructors keep the number down.
        let mut places: [(&'static str, Option<&'h [u8]>); Platform::MAX_HEADERS] =
            [("", None); Platform::MAX_HEADERS];
        let mut count = 0;
        for (place, name) in places.iter_mut().zip(platform.headers_read()) {
            place.0 = name;
            count += 1;
        }
        let named = &mut places[..count];
        let mut declared = None;
        for (name, value) in lines {
            if name.eq_ignore_ascii_case("content-length") {
                declared = std::str::from_utf8(value).ok().and_then(|digits| digits.trim().parse().ok());
            }
            for (own, first) in named.iter_mut().filter(|(own, _)| name.eq_ignore_ascii_case(own)) {
                match first {
                    None => *first = Some(value),
                    Some(first) if *first == value => {}
                    Some(_) => return Err(Rejection::InvalidHeader(own)),
                }
            }
        }

        let mut relevant = Self { candidates: Candidates::new(), kept: Headers::default(), declared };
        let mut presented = false;
        for &mut (name, value) in named {
            let Some(value) = value else { continue };
            let Ok(text) = std::str::from_utf8(value) else { return Err(Rejection::InvalidHeader(name)) };
            if let Proof::Hmac(scheme) = platform.proof()
                && scheme.headers().contains(&name)
            {
                presented = true;
                relevant.candidates.read(scheme, name, text);
            }
            if platform.keeps(name) {
                relevant.kept.keep(name, text);
            }
        }
        if let Proof::Hmac(scheme) = platform.proof() {
            let whole = scheme.signed_headers().all(|name| relevant.kept.get(name).is_some());
            if !presented || !whole {
                return Err(Rejection::MissingSignature);
            }
            if relevant.candidates.is_empty() {
                return Err(Rejection::SignatureMismatch);
            }
        }
        Ok(relevant)
    }
}
