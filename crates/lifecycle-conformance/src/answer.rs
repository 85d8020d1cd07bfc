//! Answer: the whole of what must come back, and the table of named answers.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::route::RouteKind;

/// What must come back. Strings are templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers by lower-case name; `null` for one that must be absent.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// Texts that must occur in a header's value, by the header's lower-case name.
    #[serde(default)]
    pub header_contains: BTreeMap<String, Vec<String>>,
    /// The exact body.
    #[serde(default)]
    pub body: Option<String>,
    /// Where the body is a document: texts that must occur in it.
    #[serde(default)]
    pub body_contains: Vec<String>,
    /// Texts that must not occur in it.
    #[serde(default)]
    pub body_lacks: Vec<String>,
    /// What routes of another kind answer instead.
    #[serde(default)]
    pub on: BTreeMap<RouteKind, Answer>,
}

impl Answer {
    /// The answer that routes of this kind give.
    pub fn on(&self, kind: RouteKind) -> &Self {
        self.on.get(&kind).unwrap_or(self)
    }

    /// Whether it tells the platform that the callback was received.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether every part of the answer is determined.
    pub(crate) fn is_complete(&self) -> bool {
        (self.body.is_some() || !self.body_contains.is_empty()) && self.on.values().all(Self::is_complete)
    }
}

/// How closely an answer is compared.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Exactness {
    /// Status, named headers and body, byte for byte: what every adapter of this project must give.
    #[default]
    Bytes,
    /// What the platform would notice: the exact status where the callback is accepted, and any 4xx or 5xx where it
    /// must be refused. For receivers that word their refusals themselves.
    Verdict,
}
