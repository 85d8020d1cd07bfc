//! `VerifiedRequest`: what a decoder reads. Proven bytes come through one door, all others through another.

use std::fmt;

use crate::head::Headers;

/// A request whose proof has passed, as a platform's decoder reads it. Only a [`Verifier`](crate::Verifier) makes one.
///
/// It has two doors. [`body`](Self::body), [`signed_header`](Self::signed_header) and [`key_owner`](Self::key_owner) give
/// what the proof covers. [`unauthenticated_header`](Self::unauthenticated_header) gives what anybody who replays the
/// request can set: a field that is read there has to be marked by [`EventFields::unproven`](crate::EventFields::unproven).
/// The tenant and the app never come through it where the platform proves any.
#[derive(Clone, Copy)]
pub struct VerifiedRequest<'a> {
    body: &'a str,
    headers: &'a Headers,
    owner: Option<&'a str>,
}

impl<'a> VerifiedRequest<'a> {
    pub(crate) fn new(body: &'a str, headers: &'a Headers, owner: Option<&'a str>) -> Self {
        Self { body, headers, owner }
    }

    /// The body, which is UTF-8, without a byte order mark in front. Where a platform is proven by an unguessable URL alone,
    /// no field of its events is proven, this one's neither.
    pub fn body(&self) -> &'a str {
        self.body
    }

    /// A header that the platform signs; the name in lower case. `None` for one that it does not sign.
    pub fn signed_header(&self, name: &str) -> Option<&'a str> {
        self.headers.signed(name)
    }

    /// A header that the platform names and does not sign; the name in lower case.
    pub fn unauthenticated_header(&self, name: &str) -> Option<&'a str> {
        self.headers.unsigned(name)
    }

    /// Whose keys proved the request, where a [`KeySource`](crate::KeySource) said so.
    pub fn key_owner(&self) -> Option<&'a str> {
        self.owner
    }
}

impl fmt::Debug for VerifiedRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedRequest").field("length", &self.body.len()).finish_non_exhaustive()
    }
}
