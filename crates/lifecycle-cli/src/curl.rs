//! Curl: a request as a command line that sends the same.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Headers that curl makes itself.
const OWN: [&str; 3] = ["host", "content-length", "transfer-encoding"];

/// A command for a POSIX shell that sends this request: `None` where a header's value is not text. A body that cannot stand between quotes
/// comes by way of `base64`.
pub(crate) fn command<'h>(
    method: &str,
    url: &str,
    headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    body: &[u8],
) -> Option<String> {
    let mut command = format!("curl -i -X {} {}", quoted(method), quoted(url));
    let mut has_type = false;
    let mut is_chunked = false;
    for (name, value) in headers {
        let value = std::str::from_utf8(value).ok()?;
        has_type |= name.eq_ignore_ascii_case("content-type");
        is_chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        if !OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            // An empty value is written so; with a colon curl would leave the header out.
            let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
            let _ = write!(command, " \\\n  -H {}", quoted(&header)); // a String takes every write
        }
    }
    if is_chunked {
        command.push_str(" \\\n  -H 'Transfer-Encoding: chunked'");
    }
    if body.is_empty() {
        return Some(command);
    }
    if !has_type {
        command.push_str(" \\\n  -H 'Content-Type:'"); // curl would say that it is a form
    }
    Some(match std::str::from_utf8(body) {
        Ok(text) if !text.starts_with('@') && !text.contains('\0') => {
            format!("{command} \\\n  --data-binary {}", quoted(text))
        }
        _ => format!("printf %s {} | base64 -d | {command} \\\n  --data-binary @-", STANDARD.encode(body)),
    })
}

/// As one word of a POSIX shell.
fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curl(headers: &[(&str, &str)], body: &[u8]) -> String {
        let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        command("POST", "http://127.0.0.1:3000/x?a=b", headers, body).unwrap()
    }

    #[test]
    fn the_command_says_what_curl_would_do_otherwise() {
        let own = [("Host", "a"), ("Content-Length", "2"), ("X-Empty", ""), ("X-A", "it's")];
        assert_eq!(
            curl(&own, b"{}"),
            "curl -i -X POST 'http://127.0.0.1:3000/x?a=b' \\\n  -H 'X-Empty;' \\\n  -H 'X-A: it'\\''s' \\\n  \
             -H 'Content-Type:' \\\n  --data-binary '{}'"
        );
    }

    #[test]
    fn a_body_that_no_quotes_hold_comes_by_base64() {
        for body in [&b"@file"[..], b"\xff"] {
            let command = curl(&[("content-type", "a/b")], body);
            assert!(command.starts_with("printf %s ") && command.ends_with("--data-binary @-"), "{command}");
        }
    }
}
