//! Cause: the usual reasons why a signature does not match, as one table. Each is a small change that is tried.

use super::algorithm::Algorithm;
use super::form::{Otherwise, Piece};
use super::{bodies, json_forms, layouts, secrets, signatures};

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
    /// Another secret, made of the one that was given.
    Secret(fn(&[u8]) -> Vec<secrets::Key>),
    /// Another reading of the header's value.
    Signature(fn(&str) -> Vec<String>),
}

const fn body(
    id: &'static str,
    try_: fn(&[u8]) -> Vec<Vec<u8>>,
    what: &'static str,
    remedy: &'static str,
) -> Cause {
    Cause { id, what, remedy, change: Change::Body(try_) }
}

const fn secret(
    id: &'static str,
    try_: fn(&[u8]) -> Vec<secrets::Key>,
    what: &'static str,
    remedy: &'static str,
) -> Cause {
    Cause { id, what, remedy, change: Change::Secret(try_) }
}

const fn signature(
    id: &'static str,
    try_: fn(&str) -> Vec<String>,
    what: &'static str,
    remedy: &'static str,
) -> Cause {
    Cause { id, what, remedy, change: Change::Signature(try_) }
}

const fn layout(
    id: &'static str,
    try_: fn(&[Piece]) -> Vec<Vec<Piece>>,
    what: &'static str,
    remedy: &'static str,
) -> Cause {
    Cause { id, what, remedy, change: Change::Layout(try_) }
}

const fn algorithm(
    id: &'static str,
    algorithms: &'static [Algorithm],
    what: &'static str,
    remedy: &'static str,
) -> Cause {
    Cause { id, what, remedy, change: Change::Algorithm(algorithms) }
}

/// All causes. Of several that explain as much, the first is told.
pub(super) const CAUSES: &[Cause] = &[
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
    secret(
        "secret-blanks",
        secrets::blanks_around,
        "the configured secret has blanks or a line break around it that the sender's has not",
        "take them off where the secret is read; a file written by `echo` ends with a line break",
    ),
    secret(
        "secret-newline",
        secrets::newline_at_end,
        "the sender's secret ends with a line break that the configured one has not",
        "if the sender is your own, take the line break off its secret; no platform's has one",
    ),
    secret(
        "secret-quotes",
        secrets::quotes,
        "quotes around the secret are part of it on one side only",
        "write the secret without quotes in env files, which do not always take them off",
    ),
    secret(
        "secret-base64",
        secrets::base64,
        "one side takes the secret as base64, the other as text",
        "take the key as the platform documents it: most take the text as it is shown, Standard Webhooks what base64 behind `whsec_` stands for",
    ),
    secret(
        "secret-prefix",
        secrets::prefix,
        "`whsec_` is a part of the key on one side only",
        "take the key as the platform documents it: to Stripe `whsec_` is a part of it, Standard Webhooks takes it off and decodes the rest",
    ),
    secret(
        "secret-hex",
        secrets::hex,
        "one side takes the secret as hex, the other as text",
        "use the secret's text as it is shown as the key; do not decode or encode it",
    ),
    secret(
        "secret-case",
        secrets::letter_case,
        "the secret's letters were changed to one case",
        "configure the secret exactly as it is shown",
    ),
    secret(
        "secret-url-encoded",
        secrets::url_encoded,
        "the secret was URL-encoded or URL-decoded on one side; `+` and `%` then stand for others",
        "configure the secret exactly as it is shown, not as a part of a URL",
    ),
    secret(
        "secret-charset",
        secrets::charset,
        "the secret's text became bytes in another way: with a byte order mark, or as UTF-16",
        "take the secret's UTF-8 bytes as the key, and save its file without a byte order mark",
    ),
    secret(
        "secret-empty",
        secrets::empty,
        "the signature was made with an empty secret",
        "the secret's variable is not set where the signature is made: refuse to start without one",
    ),
    layout(
        "body-alone",
        layouts::body_alone,
        "the body alone is signed, without the time and what else the platform signs with it",
        "sign all parts in their order, such as `t.body` with the time of the header",
    ),
    layout(
        "part-left-out",
        layouts::part_left_out,
        "a part of what the platform signs is left out, such as its version, its id or a dot",
        "sign all parts in their order, as the platform documents them",
    ),
    layout(
        "time-unit",
        layouts::time_unit,
        "the time is in seconds on one side and in milliseconds on the other",
        "sign the header's own text; do not read it as a number and write it again",
    ),
    layout(
        "part-order",
        layouts::part_order,
        "the parts of what is signed are in another order",
        "put them in the order that the platform documents; the body comes last on most",
    ),
    layout(
        "part-separator",
        layouts::part_separator,
        "other letters stand between the parts of what is signed",
        "join them as the platform documents: Stripe by dots, Slack by colons",
    ),
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
    signature(
        "upper-case",
        signatures::upper_case,
        "the signature's hex digits are in upper case",
        "decode the hex, which may come in either case, and compare bytes instead of text",
    ),
    signature(
        "prefix",
        signatures::prefix,
        "there is a prefix in front of the signature, such as `sha256=`",
        "write it as the platform does: Seismic sends the bare hex, GitHub `sha256=` in front of it",
    ),
    signature(
        "separated",
        signatures::separated,
        "the signature's hex digits are separated, as .NET's BitConverter writes them",
        "write the bytes as hex without dashes, with Convert.ToHexString in .NET",
    ),
    signature(
        "signature-quotes",
        signatures::quotes,
        "there are quotes or blanks around the signature",
        "compare the header's value itself, not a quoted form of it from a log or JSON",
    ),
    signature(
        "joined",
        signatures::joined,
        "the header holds several signatures, as proxies join repeated headers",
        "find out what adds the second one; a receiver of this library refuses to guess",
    ),
    signature(
        "base64",
        signatures::base64,
        "the signature is written as base64",
        "the platform writes hex: let your receiver compute the digest as hex, not as base64",
    ),
    signature(
        "hex-of-base64",
        signatures::hex_of_base64,
        "the signature is the hex of its base64 text",
        "take the digest's bytes as hex once, without base64 in between",
    ),
    signature(
        "base64-of-hex",
        signatures::base64_of_hex,
        "the signature is the base64 of its hex text",
        "take the digest as hex, and leave it at that",
    ),
    signature(
        "hex-of-hex",
        signatures::hex_of_hex,
        "the signature is the hex of its hex text",
        "the digest is hex already: do not write it as hex again",
    ),
    body(
        "newline-lost",
        bodies::newline_lost,
        "the body lost the line break at its end",
        "verify the bytes as they arrive, before anything reads lines or trims; save test bodies unchanged",
    ),
    body(
        "newline-added",
        bodies::newline_added,
        "the body got a line break at its end that was not signed",
        "verify the bytes as they arrive; for saved bodies, have the editor or `echo` add no line break (`printf '%s'`)",
    ),
    body(
        "blanks-around",
        bodies::blanks_around,
        "the body got blanks around it that were not signed",
        "verify the bytes as they arrive",
    ),
    body(
        "line-endings",
        bodies::line_endings,
        "the body's line endings were changed between LF and CRLF",
        "verify the bytes as they arrive; keep saved bodies out of git's autocrlf (`*.json -text`), and send with --data-binary",
    ),
    body(
        "line-breaks-removed",
        bodies::line_breaks_removed,
        "the line breaks were taken out of the body, as `curl -d @file` does",
        "send a file with `curl --data-binary @file`, which leaves its bytes as they are",
    ),
    body(
        "json-reserialised",
        json_forms::forms,
        "the body was parsed and written again as JSON: other blanks, another order of members, or other escapes",
        "verify the raw bytes before any body parser runs: the middleware's raw body, never JSON.stringify or json.dumps of the parsed one",
    ),
    body(
        "bom",
        bodies::bom,
        "a byte order mark at the body's start was added or lost",
        "verify the bytes as they arrive; save test bodies as UTF-8 without a byte order mark",
    ),
    body(
        "charset",
        bodies::charset,
        "the body was decoded or encoded in another charset than UTF-8, such as Latin-1 or UTF-16",
        "verify the bytes as they arrive, without turning them into text first",
    ),
    body(
        "compressed",
        bodies::compressed,
        "the body was compressed or unfolded on its way",
        "verify the bytes as they arrive: switch decompression off for this route, or verify before it",
    ),
    body(
        "body-base64",
        bodies::base64,
        "the body was base64, as API gateways hand it to functions",
        "look at the event's isBase64Encoded, and decode the body before verifying it",
    ),
    body(
        "json-in-json",
        bodies::json_in_json,
        "the body was put into a JSON string, or taken out of one",
        "verify the bytes as they arrive; JSON.stringify of a text quotes it once more",
    ),
    body(
        "body-url-encoded",
        bodies::url_encoded,
        "the body was read or sent as a form",
        "verify the bytes as they arrive; have no form parser on this route, and send with --data-binary",
    ),
    body(
        "empty-body",
        bodies::empty,
        "the signature is over an empty body",
        "something read the body before the verification did: verify first, or keep the bytes and hand them on",
    ),
    body(
        "object-as-text",
        bodies::object_as_text,
        "the signature is over the name of an object, such as `[object Object]`, in place of the body's bytes",
        "hand the bytes themselves to the HMAC: a Buffer, bytes or byte[], not its text form",
    ),
    algorithm(
        "hash-function",
        &[Algorithm::HmacSha1, Algorithm::HmacSha512],
        "the signature is made with SHA-1 or SHA-512",
        "compute HMAC with SHA-256",
    ),
    algorithm(
        "no-hmac",
        &[Algorithm::Sha256Body, Algorithm::Sha256KeyBody, Algorithm::Sha256BodyKey],
        "the signature is a plain SHA-256, without HMAC",
        "compute HMAC-SHA256 with the secret as its key; a plain hash proves nothing",
    ),
    algorithm(
        "swapped",
        &[Algorithm::Swapped],
        "the secret was taken as the message, and the body as the key",
        "swap the two arguments: the secret is the key",
    ),
    algorithm(
        "hashed-twice",
        &[Algorithm::HmacOfDigest, Algorithm::HmacOfHexDigest, Algorithm::Rehashed],
        "there is one SHA-256 too many: over the body before the HMAC, or over its result",
        "give the raw body to the HMAC, and take its result as it is",
    ),
];
