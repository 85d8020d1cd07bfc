//! Shown: how text from outside is made fit for a terminal, and the styles that the program writes in.

use std::fmt::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use reqwest::Url;

/// How wide a line may be, in columns: as narrow as a terminal is by default.
pub(crate) const WIDTH: usize = 80;

/// For what went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// For what blocks somebody.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// For what stands beside the point.
pub(crate) const DIM: Style = Style::new().dimmed();
/// For headings.
pub(crate) const HEADING: Style = Style::new().bold();
/// For the word `error`.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Text from outside: its control characters cannot move the cursor, change colours or set a title.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(
            |letter| {
                if letter.is_control() && letter != '\n' && letter != '\t' { '\u{fffd}' } else { letter }
            },
        )
        .collect()
}

/// The same, on one line.
pub(crate) fn one_line(text: &str) -> String {
    harmless(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bytes with what cannot be seen written as escapes, lines as lines; at most so many of them.
pub(crate) fn visible(bytes: &[u8], most: usize) -> String {
    let shown = &bytes[..bytes.len().min(most)];
    let mut text = String::new();
    for chunk in shown.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\n' => text.push('\n'),
                '\r' => text.push_str("\\r"),
                letter if letter.is_control() => text.extend(letter.escape_default()),
                letter => text.push(letter),
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    if bytes.len() > most {
        let _ = write!(text, "… and {} bytes more", bytes.len() - most); // a String takes every write
    }
    text
}

/// Words on lines of at most [`WIDTH`] columns; all but the first line are indented so far. A word that is longer is not broken.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut width = 0;
    for word in text.split_inclusive(' ') {
        let length = word.trim_end().chars().count();
        if length > 0 && width > indent && width + length > WIDTH {
            lines.truncate(lines.trim_end().len());
            let _ = write!(lines, "\n{:indent$}", ""); // a String takes every write
            width = indent;
        }
        lines.push_str(word);
        width += word.chars().count();
    }
    lines
}

/// What stands between two texts: blanks, if both fit on a line, else a line break.
pub(crate) fn between(first: &str, second: &str) -> &'static str {
    if first.chars().count() + 2 + second.chars().count() <= WIDTH { "  " } else { "\n" }
}

/// The name that is meant by one that is misspelt, if one is near.
pub(crate) fn nearest<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let distances = names.into_iter().map(|name| (strsim::osa_distance(text, name), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2 && distance * 3 <= name.chars().count()).then_some(name)
}

/// A URL without what may be secret in it: user, password and query; and the last part of the path where that is a
/// hook's token.
pub(crate) fn url(url: &Url, ends_in_token: bool) -> String {
    let mut url = url.clone();
    // Neither can fail on an http URL, which has a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(url.query().map(|_| "…"));
    url.set_fragment(None);
    if ends_in_token && let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().pop().push("…");
    }
    url.to_string().replace("%E2%80%A6", "…")
}

/// Whole milliseconds.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_cannot_command_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\nc\u{9b}d"), "a\u{fffd}[2Jb\u{fffd}\nc\u{fffd}d");
        assert_eq!(one_line("a\n  b"), "a b");
    }

    #[test]
    fn what_cannot_be_seen_is_written_as_escapes() {
        assert_eq!(visible(b"a\r\nb\x1b\xff", 9), "a\\r\nb\\u{1b}\\xff");
        assert_eq!(visible(&[b'a'; 4], 3), "aaa… and 1 bytes more");
    }

    #[test]
    fn a_misspelt_name_is_known_and_another_is_none() {
        let names = ["install", "enable", "disable"];
        for (text, name) in
            [("instal", "install"), ("intsall", "install"), ("diasble", "disable"), ("enabled", "enable")]
        {
            assert_eq!(nearest(text, names), Some(name), "{text}");
        }
        assert_eq!(nearest("suspend", names), None);
        assert_eq!(nearest("ab", ["cd"]), None);
    }

    #[test]
    fn a_line_is_broken_between_words_only() {
        let word = "x".repeat(38);
        assert_eq!(wrapped(&format!("  {word} {word} b"), 4), format!("  {word} {word}\n    b"));
        assert_eq!(wrapped(&format!(" {word} {word} b"), 4), format!(" {word} {word} b"));
        let long = "x".repeat(100);
        assert_eq!(wrapped(&format!("a {long} b"), 0), format!("a\n{long}\nb"));
    }

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (given, token, expected) in [
            ("http://127.0.0.1:3000/seismic", false, "http://127.0.0.1:3000/seismic"),
            ("https://u:p@example.com/a?key=s3cr3t#x", false, "https://example.com/a?…"),
            ("http://127.0.0.1:3000/hook/0123456789abcdef", true, "http://127.0.0.1:3000/hook/…"),
            ("http://127.0.0.1:3000/hook/0123456789abcdef/", true, "http://127.0.0.1:3000/hook/…"),
        ] {
            assert_eq!(url(&given.parse().unwrap(), token), expected);
        }
    }
}
