//! Curl command: a request as browsers, Postman, the simulator and this program copy it.

use std::iter::Peekable;
use std::str::Chars;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Transcript;
use crate::failure::Failure;

/// Options without a value, of those that are common.
const FLAGS: [&str; 24] = [
    "compressed",
    "fail",
    "fail-with-body",
    "get",
    "globoff",
    "head",
    "http1.0",
    "http1.1",
    "http2",
    "http3",
    "include",
    "insecure",
    "ipv4",
    "ipv6",
    "location",
    "location-trusted",
    "no-buffer",
    "no-progress-meter",
    "path-as-is",
    "progress-bar",
    "show-error",
    "silent",
    "tlsv1.2",
    "verbose",
];

/// The letters of options with a value.
const WITH_VALUE: &str = "AbcCdDeEFHhKmoPQrtTuUwxXyYz";

/// Whether a text is a command that runs curl.
pub(super) fn is_one(text: &str) -> bool {
    let text = text.trim_start_matches(['$', '%', ' ']);
    let first = text.split_whitespace().next().unwrap_or_default();
    matches!(first, "curl" | "curl.exe") || (text.starts_with("printf ") && text.contains("| curl "))
}

pub(super) fn read(text: &str) -> Result<Transcript, Failure> {
    let cut = || Failure::new("the curl command is cut off: a quote has no end", "copy it again");
    let text = text.trim_start_matches(['$', '%', ' ']);
    // A command for Windows has a caret in front of what means something to its shell, whose only quotes are double. Elsewhere carets mean
    // themselves.
    let first = text.chars().find(|letter| matches!(letter, '"' | '\''));
    let unescaped = (first == Some('"') && text.contains("^\"")).then(|| without_carets(text));
    let words = words(unescaped.as_deref().unwrap_or(text)).ok_or_else(cut)?;
    let place =
        words.iter().position(|word| matches!(word.as_str(), "curl" | "curl.exe")).unwrap_or_default();
    let mut found = Transcript::default();
    let mut data: Vec<Option<Vec<u8>>> = Vec::new();
    let mut rest = words[place + 1..].iter().take_while(|word| !matches!(word.as_str(), "|" | ";" | "&&"));
    while let Some(word) = rest.next() {
        let Some((name, value)) = option(word) else {
            found.target = Some(word.clone());
            continue;
        };
        let Some(name) = name else { continue };
        let Some(value) = value.or_else(|| rest.next().cloned()) else { break };
        match name.as_str() {
            "header" | "H" => {
                // Behind a semicolon a value is empty; behind a colon curl leaves the header out.
                let pair = match value.split_once(':') {
                    Some((name, value)) => Some((name, value.trim())).filter(|(_, value)| !value.is_empty()),
                    None => value.strip_suffix(';').map(|name| (name, "")),
                };
                found.headers.extend(pair.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            "request" | "X" => found.method = Some(value),
            "url" => found.target = Some(value),
            "data" | "d" | "data-ascii" | "data-binary" | "json" if value == "@-" => {
                data.push(piped(&words[..place]));
            }
            "data" | "d" | "data-ascii" | "data-binary" | "json" => {
                data.push((!value.starts_with('@')).then(|| value.into_bytes()));
            }
            "data-raw" => data.push(Some(value.into_bytes())),
            "data-urlencode" | "form" | "F" | "T" | "upload-file" => data.push(None),
            _ => {}
        }
    }
    if data.iter().any(Option::is_none) {
        return Ok(found); // the body is in a file, which --body has to name
    }
    if !data.is_empty() {
        found.body = Some(data.into_iter().flatten().collect::<Vec<_>>().join(&b'&'));
    }
    Ok(found)
}

/// The name of an option that has a value, and the value where it is attached: `None` for a word that is no option, and an option
/// without a name for one that has no value.
fn option(word: &str) -> Option<(Option<String>, Option<String>)> {
    if let Some(long) = word.strip_prefix("--") {
        let is_flag = FLAGS.contains(&long) || long.starts_with("no-");
        return Some(((!is_flag).then(|| long.to_owned()), None));
    }
    let letters = word.strip_prefix('-').filter(|letters| !letters.is_empty())?;
    // Of several letters in one word the last may have a value, which may follow at once.
    let Some(place) = letters.find(|letter| WITH_VALUE.contains(letter)) else { return Some((None, None)) };
    let (name, value) = letters[place..].split_at(1);
    Some((Some(name.to_owned()), (!value.is_empty()).then(|| value.to_owned())))
}

/// What `printf %s .. | base64 -d` writes.
fn piped(before: &[String]) -> Option<Vec<u8>> {
    match before {
        [printf, format, text, bar, base64, ..]
            if printf == "printf" && format == "%s" && bar == "|" && base64 == "base64" =>
        {
            STANDARD.decode(text).ok()
        }
        [printf, format, text, bar] if printf == "printf" && format == "%s" && bar == "|" => {
            Some(text.clone().into_bytes())
        }
        _ => None,
    }
}

fn without_carets(text: &str) -> String {
    let mut letters = text.chars().peekable();
    let mut plain = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        match letter {
            '^' => match letters.next() {
                Some('\r') => {
                    letters.next_if_eq(&'\n');
                }
                Some('\n') | None => {}
                Some(escaped) => plain.push(escaped),
            },
            letter => plain.push(letter),
        }
    }
    plain
}

/// The words of a POSIX shell's line; `None` where a quote has no end.
fn words(text: &str) -> Option<Vec<String>> {
    let mut letters = text.chars().peekable();
    let (mut words, mut word) = (Vec::new(), None::<String>);
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('\r') => {
                    letters.next_if_eq(&'\n');
                }
                Some('\n') | None => {}
                Some(letter) => word.get_or_insert_default().push(letter),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '\'' => break,
                        letter => word.push(letter),
                    }
                }
            }
            '"' => double_quoted(&mut letters, word.get_or_insert_default())?,
            '$' if letters.peek() == Some(&'\'') => {
                letters.next();
                ansi_quoted(&mut letters, word.get_or_insert_default())?;
            }
            letter if letter.is_whitespace() => words.extend(word.take()),
            '|' | ';' if word.is_none() => words.push(letter.to_string()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Some(words)
}

fn double_quoted(letters: &mut Peekable<Chars<'_>>, word: &mut String) -> Option<()> {
    loop {
        match letters.next()? {
            '"' => return Some(()),
            '\\' => match letters.next()? {
                '\n' => {}
                letter @ ('"' | '\\' | '$' | '`') => word.push(letter),
                letter => word.extend(['\\', letter]),
            },
            letter => word.push(letter),
        }
    }
}

/// `$'..'`, as Chrome writes what has line breaks or letters beyond ASCII.
fn ansi_quoted(letters: &mut Peekable<Chars<'_>>, word: &mut String) -> Option<()> {
    loop {
        match letters.next()? {
            '\'' => return Some(()),
            '\\' => match letters.next()? {
                'n' => word.push('\n'),
                'r' => word.push('\r'),
                't' => word.push('\t'),
                kind @ ('u' | 'x') => word.push(coded(letters, kind)?),
                letter => word.push(letter),
            },
            letter => word.push(letter),
        }
    }
}

/// The letter that a code of four digits or of two stands for; one beyond the first plane has two codes.
fn coded(letters: &mut Peekable<Chars<'_>>, kind: char) -> Option<char> {
    let first = code(letters, if kind == 'u' { 4 } else { 2 })?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first.into());
    }
    let next = [letters.next()?, letters.next()?];
    let second = if next == ['\\', 'u'] { code(letters, 4)? } else { return None };
    char::decode_utf16([first, second]).next()?.ok()
}

fn code(letters: &mut Peekable<Chars<'_>>, most: usize) -> Option<u16> {
    let mut digits = String::new();
    while digits.len() < most
        && let Some(digit) = letters.next_if(char::is_ascii_hexdigit)
    {
        digits.push(digit);
    }
    u16::from_str_radix(&digits, 16).ok()
}
