//! Log line: picks headers, target and body out of text by the names of headers, where nothing else is known of its form.

use serde_json::value::RawValue;

use super::Transcript;

/// Names of a body in logs, as headers are written.
const BODIES: [&str; 4] = ["raw-body", "rawbody", "body", "payload"];

/// What may stand between a name and its value.
const BETWEEN: [char; 14] = [' ', '\t', '\r', '\n', ':', '=', '>', ',', '"', '\'', '\\', '[', '(', '{'];

/// What the text says of headers with these names.
pub(super) fn read(text: &str, names: &[&str]) -> Transcript {
    let log = Log { text, plain: text.to_ascii_lowercase().replace('_', "-") };
    let headers: Vec<(String, String)> =
        names.iter().filter_map(|name| Some(((*name).to_owned(), log.value(name)?))).collect();
    let (method, target) = request(text).unzip();
    let body = if headers.is_empty() && target.is_none() { None } else { log.body() };
    Transcript { method, target, headers, body, is_picked: true, ..Transcript::default() }
}

/// A text, and the same in lower case and with `-` for `_`, in which names are found.
struct Log<'t> {
    text: &'t str,
    plain: String,
}

impl<'t> Log<'t> {
    /// What stands behind a name: where it is quoted, up to the quote, and else one word, or two of which the first is such as `Bearer`.
    fn value(&self, name: &str) -> Option<String> {
        let rest = self.behind(name)?;
        let begin = rest.find(|letter| !BETWEEN.contains(&letter))?;
        let (between, rest) = rest.split_at(begin);
        if !between.contains([':', '=', '>', ',', '\n']) {
            return None; // a sentence about it
        }
        let ends = |letter: char| matches!(letter, '"' | '\'' | '\\' | '\n' | '\r');
        let quoted = rest.split(ends).next().unwrap_or_default();
        if between.ends_with(['"', '\'']) {
            return Some(quoted.to_owned());
        }
        let is_end = |letter: char| letter.is_whitespace() || matches!(letter, '}' | ']' | ')' | '|' | ';');
        let mut words = quoted.split(is_end);
        let first = words.next()?.trim_end_matches(',');
        let is_word = first.len() < 12 && first.bytes().all(|byte| byte.is_ascii_alphabetic());
        match words.next().filter(|second| is_word && second.contains('.')) {
            Some(second) => Some(format!("{first} {}", second.trim_end_matches(','))),
            None => (!first.is_empty()).then(|| first.to_owned()),
        }
    }

    /// The text behind a name by itself or behind `HTTP_`, as CGI names headers.
    fn behind(&self, name: &str) -> Option<&'t str> {
        let bytes = self.plain.as_bytes();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let is_whole = |place: &usize| {
            let before = &bytes[..*place];
            (before.ends_with(b"http-") || !before.last().is_some_and(is_part))
                && !bytes.get(place + name.len()).is_some_and(is_part)
        };
        let place = self.plain.match_indices(name).map(|(place, _)| place).find(is_whole)?;
        self.text.get(place + name.len()..)
    }

    /// The body: JSON as it stands there, or what a text in quotes stands for.
    fn body(&self) -> Option<Vec<u8>> {
        let rest = BODIES.iter().find_map(|name| self.behind(name))?;
        let rest = rest.trim_start_matches(['"', '\'']).trim_start().strip_prefix([':', '='])?;
        let rest = rest.trim_start_matches(['>', ' ']);
        match rest.as_bytes().first()? {
            b'"' => {
                let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                texts.next()?.ok().map(String::into_bytes)
            }
            b'{' | b'[' => {
                let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
                values.next()?.ok().map(|value| value.get().as_bytes().to_vec())
            }
            b'\'' => Some(rest[1..].split('\'').next()?.as_bytes().to_vec()),
            b'b' => {
                let quote = rest[1..].chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
                let end = rest[2..].find(quote)?;
                Some(rest.as_bytes()[..end + 3].to_vec())
            }
            _ => None,
        }
    }
}

/// Method and target of a request line within the text, as access logs have it.
fn request(text: &str) -> Option<(String, String)> {
    let (before, _) = text.split_once(" HTTP/")?;
    let mut words = before.rsplit(|letter: char| letter.is_whitespace() || letter == '"');
    let (target, method) = (words.next()?, words.next()?);
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    is_method.then(|| (method.to_owned(), target.to_owned()))
}
