//! Shown: how text from outside is made fit for a terminal, and the styles that the program writes in.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use reqwest::Url;

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
