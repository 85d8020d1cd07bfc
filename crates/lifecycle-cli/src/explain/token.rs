//! Token: finds a token or a detached signature in a request, and takes off what was put around it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lifecycle_core::TokenPlace;

use super::cause::{Cause, Finding};
use crate::request_headers::Request;
use crate::shown::one_line;

const PLACE: Cause = Cause::read(
    "token-place",
    "the token stands in another place than the platform puts it in",
    "look for it where the platform puts it, and leave it there in tests and gateways",
);
const WORD: Cause = Cause::read(
    "token-word",
    "the word in front of the token is missing, or another one",
    "write one word as the platform does, one blank, and the token; take both off before the token is verified",
);
const QUOTES: Cause = Cause::read(
    "token-quotes",
    "there are quotes around the token",
    "take them off: JSON writes them around a text, and the token is what is between them",
);
const BLANKS: Cause = Cause::read(
    "token-blanks",
    "there are blanks or line breaks within the token, or too many in front of it",
    "keep the token on one line: mail programs, terminals and `base64` wrap long lines",
);
const BASE64: Cause = Cause::read(
    "token-base64",
    "the token's parts are base64 with `+`, `/` or `=`, or the whole was encoded once more",
    "write each part as base64url without padding, and the whole as it is",
);
const URL_ENCODED: Cause = Cause::read(
    "token-url-encoded",
    "the token is URL-encoded: `%2E` and the like stand in it",
    "decode the query once, and do not encode a token: all its letters may stand in a URL",
);
const CUT: Cause = Cause::read(
    "token-cut",
    "the token is cut off or damaged",
    "take the whole of it: a column, a log or a header limit is too short, or letters were lost in copying",
);
const ENCRYPTED: Cause = Cause::read(
    "token-encrypted",
    "it is an encrypted token (JWE), which has five parts",
    "the platform sends signed tokens of three parts: take that one",
);

/// The causes that are about where the token is, and how it is written.
pub(super) const CAUSES: &[Cause] = &[PLACE, WORD, QUOTES, BLANKS, BASE64, URL_ENCODED, CUT, ENCRYPTED];

/// A token's text by itself, and what was around it.
pub(super) struct Located {
    pub(super) text: String,
    pub(super) findings: Vec<Finding>,
}

/// The token of a request; `None` where there is nothing like one.
pub(super) fn locate(request: &Request, place: TokenPlace) -> Option<Located> {
    let body = String::from_utf8_lossy(&request.body);
    let own = match place {
        TokenPlace::Header { name, .. } => request.header(name),
        TokenPlace::Query(name) => {
            let told = request.query().find(|(own, _)| *own == name).map(|(_, value)| value);
            request.signature.as_deref().or(told)
        }
        _ => request.signature.as_deref().or((!body.trim().is_empty()).then_some(&*body)),
    };
    if let Some(own) = own.filter(|own| is_like_one(own)) {
        return Some(clean(own, Some(place)));
    }
    let headers = request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("cookie"));
    let in_header =
        headers.map(|(name, value)| (value.as_str(), format!("the header `{}`", name.to_lowercase())));
    let in_query = request.query().map(|(name, value)| (value, format!("the query's parameter `{name}`")));
    let in_body = [(&*body, "the body".to_owned())];
    let elsewhere = in_header.chain(in_query).chain(in_body).find(|(value, _)| is_like_one(value));
    match (elsewhere, own) {
        (Some((value, stands)), _) => {
            let mut located = clean(value, None);
            let detail = format!("it stands in {}, and belongs into {}", one_line(&stands), name(place));
            located.findings.insert(0, Finding::with(&PLACE, detail));
            Some(located)
        }
        (None, own) => own.map(|own| clean(own, Some(place))),
    }
}

/// The parts of a token: its header, its payload and its signature, which is empty where there is none.
pub(super) fn parts(text: &str) -> Result<[&str; 3], Finding> {
    let parts: Vec<&str> = text.split('.').collect();
    match parts.as_slice() {
        [header, payload, signature] => Ok([header, payload, signature]),
        [_, _, _, _, _] => Err(Finding::new(&ENCRYPTED)),
        _ => Err(Finding::with(&CUT, format!("it has {} of three parts", counted(parts.len())))),
    }
}

/// A part that is no base64url, or whose content cannot be read.
pub(super) fn damaged(part: &str) -> Finding {
    Finding::with(&CUT, format!("its {part} cannot be read"))
}

/// A signature that is shorter than the key makes them.
pub(super) fn short(is: usize, should: usize) -> Finding {
    Finding::with(&CUT, format!("its signature has {is} of {should} bytes"))
}

fn counted(parts: usize) -> String {
    match parts {
        1 => "one".to_owned(),
        2 => "two".to_owned(),
        more => more.to_string(),
    }
}

fn name(place: TokenPlace) -> String {
    match place {
        TokenPlace::Header { name, .. } => format!("the header `{name}`"),
        TokenPlace::Query(name) => format!("the query's parameter `{name}`"),
        _ => "the body, which is the token alone".to_owned(),
    }
}

/// Whether there is a token in it: JSON begins with `{"`, which is `eyJ` in base64, and `ZXlK` twice.
fn is_like_one(text: &str) -> bool {
    text.contains("eyJ") || text.contains("ZXlK") || (text.len() > 40 && text.matches('.').count() == 2)
}

/// The token in a text, and what was around it; `place` is where it stands, if it stands where it belongs.
fn clean(raw: &str, place: Option<TokenPlace>) -> Located {
    let mut findings = Vec::new();
    let mut text = raw.to_owned();
    if ["%2e", "%3d", "%2f", "%2b", "%20", "%22"].iter().any(|code| text.to_lowercase().contains(code)) {
        text = form_urlencoded::parse(format!("t={}", text.replace('+', "%2B")).as_bytes())
            .next()
            .map_or_else(String::new, |(_, value)| value.into_owned());
        findings.push(Finding::new(&URL_ENCODED));
    }
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_+/=".contains(letter);
    let head = &text[..text.find('.').unwrap_or(text.len())];
    let start = head.find("eyJ").or_else(|| head.find("ZXlK"));
    let start = start.unwrap_or_else(|| head.rfind(|letter| !is_part(letter)).map_or(0, |place| place + 1));
    let (before, rest) = text.split_at(start);
    let rest = rest.replace("\\n", "\n").replace("\\r", "\r");
    let end = rest.find(|letter: char| !(is_part(letter) || letter == '.' || letter.is_whitespace()));
    let (core, after) = rest.split_at(end.unwrap_or(rest.len()));
    let core = core.trim_end();

    let is_quote = |letter: char| matches!(letter, '"' | '\'' | '`' | '<' | '>' | '\\');
    let word: String = before.chars().filter(|letter| !is_quote(*letter)).collect();
    let is_nested = place == Some(TokenPlace::Body) && word.contains(['{', '=', '[']);
    if is_nested {
        findings.push(Finding::with(&PLACE, "it stands within JSON or a form, and has to be the whole body"));
    } else if place.is_some() && (before.contains(is_quote) || after.contains(is_quote)) {
        findings.push(Finding::new(&QUOTES));
    }
    findings.extend(place.filter(|_| !is_nested).and_then(|place| check_word(&word, place)));
    let has_blanks = core.contains(char::is_whitespace) || (place.is_some() && word.contains("  "));
    if has_blanks {
        findings.push(Finding::new(&BLANKS));
    }
    let mut core: String = core.split_whitespace().collect();
    if core.starts_with("ZXlK")
        && let Ok(inner) =
            URL_SAFE_NO_PAD.decode(core.trim_end_matches('=')).or_else(|_| STANDARD.decode(&core))
        && let Ok(inner) = String::from_utf8(inner)
    {
        core = inner;
        findings.push(Finding::new(&BASE64));
    }
    if core.contains(['=', '+', '/']) {
        core = core.replace('=', "").replace('+', "-").replace('/', "_");
        findings.push(Finding::new(&BASE64));
    }
    Located { text: core, findings }
}

/// What is wrong with the word in front of a token.
fn check_word(word: &str, place: TokenPlace) -> Option<Finding> {
    let word = word.trim();
    let words = match place {
        TokenPlace::Header { words, .. } => words,
        _ => &[""],
    };
    if words.iter().any(|own| own.eq_ignore_ascii_case(word)) {
        return None;
    }
    let expected = words.iter().find(|own| !own.is_empty());
    Some(Finding::with(
        &WORD,
        match (expected, word.is_empty()) {
            (Some(own), true) => format!("nothing stands in front of it where `{own}` belongs"),
            (Some(own), false) => format!("something else stands in front of it than `{own}`"),
            (None, _) => "something stands in front of it where nothing belongs".to_owned(),
        },
    ))
}
