//! Bodies: what the sender may have signed, given what the receiver has.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use flate2::{Compression, GzBuilder};

use super::cause::Cause;
use super::{json_forms, texts};

/// The cause that writes a document again.
pub(super) const JSON_RESERIALISED: &str = "json-reserialised";

/// The causes that are about the body.
pub(super) const CAUSES: &[Cause] = &[
    Cause::body(
        "newline-lost",
        newline_lost,
        "the body lost the line break at its end",
        "verify the bytes as they arrive, before anything reads lines or trims; save test bodies unchanged",
    ),
    Cause::body(
        "newline-added",
        newline_added,
        "the body got a line break at its end that was not signed",
        "verify the bytes as they arrive; for saved bodies, have the editor or `echo` add no line break (`printf '%s'`)",
    ),
    Cause::body(
        "blanks-around",
        blanks_around,
        "the body got blanks around it that were not signed",
        "verify the bytes as they arrive",
    ),
    Cause::body(
        "line-endings",
        line_endings,
        "the body's line endings were changed between LF and CRLF",
        "verify the bytes as they arrive; keep saved bodies out of git's autocrlf (`*.json -text`), and send with --data-binary",
    ),
    Cause::body(
        "line-breaks-removed",
        line_breaks_removed,
        "the line breaks were taken out of the body, as `curl -d @file` does",
        "send a file with `curl --data-binary @file`, which leaves its bytes as they are",
    ),
    Cause::body(
        JSON_RESERIALISED,
        json_forms::forms,
        "the body was parsed and written again as JSON: other blanks, another order of members, or other escapes",
        "verify the raw bytes before any body parser runs: the middleware's raw body, never JSON.stringify or json.dumps of the parsed one",
    ),
    Cause::body(
        "bom",
        bom,
        "a byte order mark at the body's start was added or lost",
        "verify the bytes as they arrive; save test bodies as UTF-8 without a byte order mark",
    ),
    Cause::body(
        "charset",
        charset,
        "the body was decoded or encoded in another charset than UTF-8, such as Latin-1 or UTF-16",
        "verify the bytes as they arrive, without turning them into text first",
    ),
    Cause::body(
        "compressed",
        compressed,
        "the body was compressed or unfolded on its way",
        "verify the bytes as they arrive: switch decompression off for this route, or verify before it",
    ),
    Cause::body(
        "body-base64",
        base64,
        "the body was base64, as API gateways hand it to functions",
        "look at the event's isBase64Encoded, and decode the body before verifying it",
    ),
    Cause::body(
        "json-in-json",
        json_in_json,
        "the body was put into a JSON string, or taken out of one",
        "verify the bytes as they arrive; JSON.stringify of a text quotes it once more",
    ),
    Cause::body(
        "blanks-as-plus",
        texts::blanks_as_plus,
        "blanks of the body became `+`, or `+` became blanks, as in a form",
        "verify the bytes as they arrive; have no form parser on this route",
    ),
    Cause::body(
        "body-url-encoded",
        url_encoded,
        "the body was read or sent as a form",
        "verify the bytes as they arrive; have no form parser on this route, and send with --data-binary",
    ),
    Cause::body(
        "empty-body",
        empty,
        "the signature is over an empty body",
        "something read the body before the verification did: verify first, or keep the bytes and hand them on",
    ),
    Cause::body(
        "object-as-text",
        object_as_text,
        "the signature is over the name of an object, such as `[object Object]`, in place of the body's bytes",
        "hand the bytes themselves to the HMAC: a Buffer, bytes or byte[], not its text form",
    ),
    Cause::sample(
        "json-members-sorted",
        json_forms::as_in_samples,
        "the body's members are in another order than the platform writes them, as after jsonb, a Go map or `jq -S`",
        "verify the raw bytes before anything stores or parses them; a database keeps them in a column of bytes or text",
    ),
    Cause::body(
        "html-escaped",
        texts::html,
        "the body was escaped for HTML, as in `&quot;`, or unescaped",
        "verify the bytes as they arrive, before any filter of a framework or a template",
    ),
    Cause::body(
        "python-bytes",
        texts::python_bytes,
        "the body is Python's text of bytes, as in `b'..'`",
        "use the bytes themselves: `str()` and f-strings of bytes write their text form",
    ),
    Cause::body(
        "unicode-form",
        texts::unicode_form,
        "letters with accents were composed or decomposed (NFC, NFD), as by a normalising filter or a Mac's file",
        "verify the bytes as they arrive, before anything normalises text",
    ),
];

/// The most that a compressed body may unfold to, in bytes.
const UNFOLDED_MAX: u64 = 16 * 1024 * 1024;

const BOM: &[u8] = b"\xef\xbb\xbf";

pub(super) fn newline_lost(body: &[u8]) -> Vec<Vec<u8>> {
    vec![[body, b"\n"].concat(), [body, b"\r\n"].concat()]
}

pub(super) fn newline_added(body: &[u8]) -> Vec<Vec<u8>> {
    ["\n".as_bytes(), b"\r\n"].iter().filter_map(|end| body.strip_suffix(*end)).map(<[u8]>::to_vec).collect()
}

pub(super) fn blanks_around(body: &[u8]) -> Vec<Vec<u8>> {
    vec![body.trim_ascii().to_vec(), body.trim_ascii_start().to_vec(), body.trim_ascii_end().to_vec()]
}

pub(super) fn line_endings(body: &[u8]) -> Vec<Vec<u8>> {
    let unix = replace(body, b"\r\n", b"\n");
    let windows = replace(&unix, b"\n", b"\r\n");
    vec![unix, windows]
}

/// The body without its line breaks, as `curl -d @file` sends a file; and the files that it may have been before, which are
/// those of the usual layouts: where else they were broken, nothing tells.
pub(super) fn line_breaks_removed(body: &[u8]) -> Vec<Vec<u8>> {
    let removed = |body: &[u8]| -> Vec<u8> {
        body.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)).collect()
    };
    let kept = removed(body);
    if kept != body {
        return vec![kept];
    }
    // Most bodies never had any: what was indented has blanks where it was broken.
    if !matches!(body, [b'{' | b'[', b' ' | b'\t', ..]) {
        return Vec::new();
    }
    let files = json_forms::forms(body).into_iter().filter(|form| form.contains(&b'\n'));
    files
        .flat_map(|form| [form.clone(), [&form[..], b"\n"].concat()])
        .flat_map(|unix| [replace(&unix, b"\n", b"\r\n"), unix])
        .filter(|file| removed(file) == body)
        .collect()
}

pub(super) fn bom(body: &[u8]) -> Vec<Vec<u8>> {
    vec![body.strip_prefix(BOM).map_or_else(|| [BOM, body].concat(), <[u8]>::to_vec)]
}

/// UTF-8 that was one of the others, and others that were UTF-8.
pub(super) fn charset(body: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    if let Ok(text) = std::str::from_utf8(body) {
        bodies.extend(text.chars().map(|letter| u8::try_from(letter).ok()).collect::<Option<Vec<u8>>>());
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        bodies.extend([[b"\xff\xfe", &*little].concat(), [b"\xfe\xff", &*big].concat(), little, big]);
    }
    bodies.push(body.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes());
    let (order, rest): (fn([u8; 2]) -> u16, _) = match body {
        [0xff, 0xfe, rest @ ..] => (u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => (u16::from_be_bytes, rest),
        [0, ..] => (u16::from_be_bytes, body),
        _ => (u16::from_le_bytes, body),
    };
    let units: Vec<u16> = rest.chunks_exact(2).map(|pair| order([pair[0], pair[1]])).collect();
    if rest.len() % 2 == 0 {
        bodies.extend(String::from_utf16(&units).ok().map(String::into_bytes));
    }
    bodies
}

/// The body unfolded, and folded as the usual programs do.
pub(super) fn compressed(body: &[u8]) -> Vec<Vec<u8>> {
    let unfolded =
        [unfold(GzDecoder::new(body)), unfold(ZlibDecoder::new(body)), unfold(DeflateDecoder::new(body))];
    let mut bodies: Vec<Vec<u8>> = unfolded.into_iter().flatten().collect();
    for system in [255, 3, 0] {
        for level in [1, 6, 9] {
            let mut writer =
                GzBuilder::new().operating_system(system).write(Vec::new(), Compression::new(level));
            bodies.extend(writer.write_all(body).and_then(|()| writer.finish()).ok());
        }
    }
    bodies
}

pub(super) fn base64(body: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = vec![STANDARD.encode(body).into_bytes()];
    bodies.extend(STANDARD.decode(body.trim_ascii()).ok());
    bodies
}

/// The body as a JSON string, and the string that the body is.
pub(super) fn json_in_json(body: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    if let Ok(text) = std::str::from_utf8(body) {
        bodies.push(serde_json::Value::from(text).to_string().into_bytes());
    }
    bodies.extend(serde_json::from_slice::<String>(body).ok().map(String::into_bytes));
    bodies
}

pub(super) fn url_encoded(body: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = vec![form_urlencoded::byte_serialize(body).collect::<String>().into_bytes()];
    let decoded = || form_urlencoded::parse(body);
    if let (Some((name, value)), None) = (decoded().next(), decoded().nth(1)) {
        bodies.push(if value.is_empty() { name } else { value }.into_owned().into_bytes());
    }
    bodies
}

pub(super) fn empty(_body: &[u8]) -> Vec<Vec<u8>> {
    vec![Vec::new()]
}

/// What languages make of a body that is not text when it is asked for its text.
pub(super) fn object_as_text(body: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> =
        ["[object Object]", "{}", "null", "undefined", "None", "System.Byte[]", "System.IO.MemoryStream"]
            .map(|text| text.as_bytes().to_vec())
            .into();
    bodies.extend([
        texts::as_python_bytes(body),
        [b"b'", body, b"'"].concat(),
        [b"b\"", body, b"\""].concat(),
    ]);
    bodies
}

fn unfold(decoder: impl Read) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    decoder.take(UNFOLDED_MAX).read_to_end(&mut body).ok()?;
    (!body.is_empty()).then_some(body)
}

fn replace(body: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(place) = rest.windows(from.len()).position(|window| window == from) {
        replaced.extend_from_slice(&rest[..place]);
        replaced.extend_from_slice(to);
        rest = &rest[place + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}
