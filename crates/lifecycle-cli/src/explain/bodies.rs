//! Bodies: what the sender may have signed, given what the receiver has.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use flate2::{Compression, GzBuilder};

use super::json_forms;

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
    bodies.extend([[b"b'", body, b"'"].concat(), [b"b\"", body, b"\""].concat()]);
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
