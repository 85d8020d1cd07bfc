//! Document: what an event was read from, and the places of its fields within.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use sha2::{Digest, Sha256};

use crate::head::Headers;
use crate::rejection::Undecodable;

/// What an event was read from: the body as text, the headers that the platform names, and the claims of a token. Cloning is
/// cheap.
#[derive(Clone)]
pub(crate) struct Document {
    text: ByteString,
    headers: Headers,
    claims: Option<Arc<str>>,
}

impl Document {
    pub(crate) fn new(body: Bytes, headers: Headers, claims: Option<Arc<str>>) -> Result<Self, Undecodable> {
        let text = ByteString::try_from(body).map_err(|_| Undecodable::NotUtf8)?;
        Ok(Self { text, headers, claims })
    }

    pub(crate) fn empty(headers: Headers) -> Self {
        Self { text: ByteString::new(), headers, claims: None }
    }

    /// The body as text, without a byte order mark in front. It may be ignored in front of JSON (RFC 8259, section 8.1), and
    /// proven bytes that begin with one are what the platform sent: to refuse them would block an administrator.
    pub(crate) fn text(&self) -> &str {
        self.text.strip_prefix('\u{feff}').unwrap_or(&self.text)
    }

    pub(crate) fn body(&self) -> &Bytes {
        self.text.as_bytes()
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The claims of the token, if that is the proof.
    pub(crate) fn claims(&self) -> Option<&str> {
        self.claims.as_deref()
    }

    /// The digest of what the platform sent: the body, and the claims in front of it, since a token covers no body.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        if let Some(claims) = self.claims() {
            digest.update((claims.len() as u64).to_be_bytes());
            digest.update(claims);
        }
        digest.chain_update(self.body()).finalize().into()
    }
}

/// A field's place in the body, in the headers or in the claims, or a copy of its text where it is escaped there.
#[derive(Clone)]
pub(crate) enum Span {
    Body { start: usize, end: usize },
    Claims { start: usize, end: usize },
    Headers { start: usize, end: usize },
    Owned(Box<str>),
}

impl Span {
    pub(crate) fn of(field: Cow<'_, str>, document: &Document) -> Self {
        match field {
            // A decoder may also borrow text from neither, such as a constant.
            Cow::Borrowed(part) => {
                if let Some((start, end)) = place(part, &document.text) {
                    Self::Body { start, end }
                } else if let Some((start, end)) = place(part, document.headers.text()) {
                    Self::Headers { start, end }
                } else if let Some((start, end)) = document.claims().and_then(|claims| place(part, claims)) {
                    Self::Claims { start, end }
                } else {
                    Self::Owned(part.into())
                }
            }
            Cow::Owned(own) => Self::Owned(own.into()),
        }
    }

    pub(crate) fn read<'s>(&'s self, document: &'s Document) -> &'s str {
        match self {
            Self::Body { start, end } => &document.text[*start..*end],
            Self::Claims { start, end } => &document.claims().unwrap_or_default()[*start..*end],
            Self::Headers { start, end } => &document.headers.text()[*start..*end],
            Self::Owned(own) => own,
        }
    }
}

/// The place of a borrowed text within the text that it was borrowed from.
fn place(part: &str, text: &str) -> Option<(usize, usize)> {
    let start = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    let end = start.wrapping_add(part.len());
    text.get(start..end).map(|_| (start, end))
}
