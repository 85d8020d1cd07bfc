//! Curl: a request as a command that sends the same.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest body that stands in the command itself, in bytes. Linux takes no argument of 128 KiB, in which quotes take four places.
const LONGEST: usize = 32 * 1024;

/// From this size on curl would wait up to a second for `100 Continue`, which few servers send.
const EXPECTED: usize = 1024;

/// A command for a POSIX shell with which curl sends this request: method, target, headers and body are the same, save `host` where the URL tells
/// it, and what curl adds: `user-agent` and `accept`, where they are not given. A body that no terminal would leave as it is, with control
/// characters or without a meaning as UTF-8, is written as base64, for which the command needs the program `base64`.
///
/// `None` where curl cannot send it: a header's value is not text.
///
/// ```
/// let headers = [("content-type", b"application/json".as_slice()), ("x-trace", b"")];
/// let command = lifecycle_testing::curl_command("POST", "http://127.0.0.1:3000/github", headers, b"{\"a\":1}");
/// let expected = "curl -i -X POST http://127.0.0.1:3000/github \\\n  -H 'content-type: application/json' \\\n  \
///                 -H 'x-trace;' \\\n  --data-binary '{\"a\":1}'";
/// assert_eq!(command.as_deref(), Some(expected));
/// ```
pub fn curl_command<'h>(
    method: &str,
    url: &str,
    headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    body: &[u8],
) -> Option<String> {
    let method = if method == "HEAD" { "--head".to_owned() } else { format!("-X {}", quoted(method)) };
    let mut command = format!("curl -i{} {method} {}", url_options(url), quoted(url));
    let (mut has_type, mut is_chunked) = (false, false);
    for (name, value) in headers {
        let value = std::str::from_utf8(value).ok()?;
        has_type |= name.eq_ignore_ascii_case("content-type");
        is_chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        let is_known = name.eq_ignore_ascii_case("content-length")
            || (name.eq_ignore_ascii_case("host") && value == authority(url));
        if is_known {
            continue; // curl makes it itself
        }
        // An empty value is written so; with a colon curl would leave the header out.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        option(&mut command, "-H", &header);
    }
    // Without one curl would not tell the length of an empty body, nor end a chunked one.
    if body.is_empty() && method != "-X POST" && !is_chunked {
        return Some(command);
    }
    if !has_type {
        option(&mut command, "-H", "Content-Type:"); // curl would say that it is a form
    }
    if body.len() >= EXPECTED {
        option(&mut command, "-H", "Expect:");
    }
    match std::str::from_utf8(body) {
        Ok(text) if body.len() <= LONGEST && stays(text) => {
            option(&mut command, "--data-binary", text);
            Some(command)
        }
        _ => Some(format!(
            "printf %s {} | base64 -d | {command} \\\n  --data-binary @-",
            STANDARD.encode(body)
        )),
    }
}

/// What keeps curl from reading more into a URL than a browser does: brackets as a pattern, dots as steps between folders.
fn url_options(url: &str) -> String {
    let globbed = if url.contains(['[', ']', '{', '}']) { " --globoff" } else { "" };
    let stepping = if url.contains("/.") { " --path-as-is" } else { "" };
    format!("{globbed}{stepping}")
}

/// Host and port of a URL.
fn authority(url: &str) -> &str {
    let after = url.split_once("://").map_or(url, |(_, after)| after);
    after.split(['/', '?', '#']).next().unwrap_or(after)
}

/// Whether a text means itself behind `--data-binary`, also where it is pasted into a terminal.
fn stays(text: &str) -> bool {
    !text.starts_with('@') && !text.chars().any(|letter| letter.is_control() && letter != '\n')
}

fn option(command: &mut String, name: &str, value: &str) {
    let _ = write!(command, " \\\n  {name} {}", quoted(value)); // a String takes every write
}

/// As one word of a POSIX shell.
fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
