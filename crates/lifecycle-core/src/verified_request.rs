//! `VerifiedRequest`: what a decoder reads. Proven bytes come through one door, all others through another.

use std::fmt;

use crate::document::Document;

/// A request whose proof has passed, as a platform's decoder reads it. Only a [`Verifier`](crate::Verifier) makes one.
///
/// It has two doors. [`body`](Self::body), [`claims`](Self::claims), [`signed_header`](Self::signed_header) and
/// [`key_owner`](Self::key_owner) give what the proof covers. [`unauthenticated_body`](Self::unauthenticated_body),
/// [`unauthenticated_header`](Self::unauthenticated_header) and [`unauthenticated_path`](Self::unauthenticated_path) give what
/// anybody who replays the request can set: a field that is read there has to be marked by
/// [`EventFields::unproven`](crate::EventFields::unproven). The tenant and the app never come through it where the platform
/// proves any.
#[derive(Clone, Copy)]
pub struct VerifiedRequest<'a> {
    document: &'a Document,
    owner: Option<&'a str>,
    path: &'a str,
}

impl<'a> VerifiedRequest<'a> {
    pub(crate) fn new(document: &'a Document, owner: Option<&'a str>, path: &'a str) -> Self {
        Self { document, owner, path }
    }

    /// The body, which is UTF-8, without a byte order mark in front; empty where a token is the proof, which covers none. Where a
    /// platform is proven by an unguessable URL alone, no field of its events is proven, this one's neither.
    pub fn body(&self) -> &'a str {
        if self.document.claims().is_some() { "" } else { self.document.text() }
    }

    /// The claims of the token, where that is the proof: a JSON object. Values that open something by themselves are `null` in it
    /// ([`TokenScheme::with_withheld`](crate::TokenScheme::with_withheld)).
    pub fn claims(&self) -> Option<&'a str> {
        self.document.claims()
    }

    /// A header that the platform signs; the name in lower case. `None` for one that it does not sign.
    pub fn signed_header(&self, name: &str) -> Option<&'a str> {
        self.document.headers().signed(name)
    }

    /// Whose keys proved the request, where a [`KeySource`](crate::KeySource) said so.
    pub fn key_owner(&self) -> Option<&'a str> {
        self.owner
    }

    /// The body beside a token, which is UTF-8, without a byte order mark in front. `None` where the proof covers the body.
    pub fn unauthenticated_body(&self) -> Option<&'a str> {
        self.document.claims().map(|_| self.document.text())
    }

    /// A header that the platform names and does not sign; the name in lower case.
    pub fn unauthenticated_header(&self, name: &str) -> Option<&'a str> {
        self.document.headers().unsigned(name)
    }

    /// The path of the request, where a token is the proof; empty elsewhere, as a path may hold another secret.
    pub fn unauthenticated_path(&self) -> &'a str {
        self.path
    }
}

impl fmt::Debug for VerifiedRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedRequest").field("length", &self.document.body().len()).finish_non_exhaustive()
    }
}
