//! Cause: the usual reasons why a request is not proven, each with what to change. Most are small changes that are tried.

use super::algorithm::Algorithm;
use super::form::{Otherwise, Piece};
use super::secrets::Key;
use super::{algorithm, bodies, claims, jose, key_file, layouts, secrets, signatures, token};

/// One usual reason.
#[derive(Debug)]
pub(super) struct Cause {
    /// Its stable name.
    pub(super) id: &'static str,
    /// What happened.
    pub(super) what: &'static str,
    /// What to change in the receiver or, where the sender is your own, in it.
    pub(super) remedy: &'static str,
    pub(super) change: Change,
}

/// What is tried.
#[derive(Debug)]
pub(super) enum Change {
    /// Another computation.
    Algorithm(&'static [Algorithm]),
    /// Other bytes.
    Body(fn(&[u8]) -> Vec<Vec<u8>>),
    /// Other parts around the body.
    Layout(fn(&[Piece]) -> Vec<Vec<Piece>>),
    /// Another form than the platform's.
    Otherwise(Otherwise),
    /// Another header of the request.
    OtherHeader,
    /// The secret from before a rotation.
    PreviousSecret,
    /// Nothing: it is read off the request or the key.
    Read,
    /// Other bytes, as the platform's own samples suggest.
    Sample(fn(&[u8], &[String]) -> Vec<Vec<u8>>),
    /// Another secret, made of the one that was given.
    Secret(fn(&[u8]) -> Vec<Key>),
    /// Another reading of the header's value.
    Signature(fn(&str) -> Vec<String>),
}

/// A cause that applies, and what is known of it here. Neither holds a secret, a signature or a part of a payload.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) cause: &'static Cause,
    pub(super) detail: Option<String>,
}

/// All causes. Of several that explain as much, the first is told.
pub(super) fn all() -> impl Iterator<Item = &'static Cause> {
    let tables = [
        CAUSES,
        secrets::CAUSES,
        layouts::CAUSES,
        WRITTEN,
        signatures::CAUSES,
        bodies::CAUSES,
        algorithm::CAUSES,
        key_file::CAUSES,
        token::CAUSES,
        jose::CAUSES,
        claims::CAUSES,
    ];
    tables.into_iter().flatten()
}

/// A body that lacks bytes that were sent.
pub(super) const BODY_CUT: Cause = Cause::read(
    "body-cut",
    "the body is shorter than the request's content-length says",
    "read the body to its end; where it was saved or logged, lift the limit of that",
);

/// A signature that lacks bytes.
pub(super) const SIGNATURE_CUT: Cause = Cause::read(
    "signature-cut",
    "the signature has only the first digits of the whole one",
    "compare and store all of it: a column or a variable is too short",
);

/// A request that came too late, or a clock that is wrong.
pub(super) const STALE: Cause = Cause::read(
    "stale",
    "the signature matches, but its time is further from the receiver's clock than the platform allows",
    "set the receiver's clock by NTP; a request that waited in a queue, or was sent again by hand, needs a new signature",
);

const CAUSES: &[Cause] = &[
    Cause {
        id: "other-header",
        what: "the signature that matches stands in another header of the request",
        remedy: "accept a match in each header that the platform signs: Seismic sends x-seismic-signature and x-seismic-signature-old while a secret is being replaced",
        change: Change::OtherHeader,
    },
    Cause {
        id: "previous-secret",
        what: "the previous secret made the signature",
        remedy: "configure both secrets until the rotation is over, and accept a match with either",
        change: Change::PreviousSecret,
    },
];

const WRITTEN: &[Cause] = &[
    Cause {
        id: "prefix-left-out",
        what: "the signature lacks the text that the platform writes in front of it, such as `sha256=` or `v1=`",
        remedy: "compare what follows that text, or write it in front of what your receiver computes",
        change: Change::Otherwise(Otherwise::WithoutPrefix),
    },
    Cause {
        id: "hex",
        what: "the signature is written as hex where the platform writes base64",
        remedy: "let your receiver compute the digest as base64, or decode both and compare bytes",
        change: Change::Otherwise(Otherwise::Hex),
    },
    SIGNATURE_CUT,
    BODY_CUT,
    STALE,
];

impl Cause {
    pub(super) const fn algorithm(
        id: &'static str,
        algorithms: &'static [Algorithm],
        what: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self { id, what, remedy, change: Change::Algorithm(algorithms) }
    }

    pub(super) const fn body(
        id: &'static str,
        change: fn(&[u8]) -> Vec<Vec<u8>>,
        what: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self { id, what, remedy, change: Change::Body(change) }
    }

    pub(super) const fn layout(
        id: &'static str,
        change: fn(&[Piece]) -> Vec<Vec<Piece>>,
        what: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self { id, what, remedy, change: Change::Layout(change) }
    }

    /// One that is read off the request or the key, and not tried.
    pub(super) const fn read(id: &'static str, what: &'static str, remedy: &'static str) -> Self {
        Self { id, what, remedy, change: Change::Read }
    }

    pub(super) const fn sample(
        id: &'static str,
        change: fn(&[u8], &[String]) -> Vec<Vec<u8>>,
        what: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self { id, what, remedy, change: Change::Sample(change) }
    }

    pub(super) const fn secret(
        id: &'static str,
        change: fn(&[u8]) -> Vec<Key>,
        what: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self { id, what, remedy, change: Change::Secret(change) }
    }

    pub(super) const fn signature(
        id: &'static str,
        change: fn(&str) -> Vec<String>,
        what: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self { id, what, remedy, change: Change::Signature(change) }
    }
}

impl Finding {
    pub(super) fn new(cause: &'static Cause) -> Self {
        Self { cause, detail: None }
    }

    pub(super) fn with(cause: &'static Cause, detail: impl Into<String>) -> Self {
        Self { cause, detail: Some(detail.into()) }
    }
}
