//! Lines: a request as HTTP/1.1 writes it, header lines alone, and what `curl -v` prints.

use super::Transcript;

/// Whether it is a line of `curl -v` about what was sent.
pub(super) fn is_sent(line: &str) -> bool {
    line.strip_prefix("> ").is_some_and(|line| request_line(line).is_some() || header_line(line).is_some())
}

/// What `curl -v` prints: what was sent is marked by `> `. It does not print the body that was sent.
pub(super) fn of_curl(text: &str) -> Transcript {
    let sent: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("> ")).collect();
    let (method, target) = sent.iter().find_map(|line| request_line(line)).unzip();
    let headers = sent.iter().filter_map(|line| header_line(line)).collect();
    Transcript { method, target, headers, ..Transcript::default() }
}

/// Header lines, with or without the request line before and the body after them.
pub(super) fn read(text: &str) -> Transcript {
    let mut found = Transcript::default();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n').or_else(|| (!rest.is_empty()).then_some((rest, "")))
    {
        rest = after;
        let line = line.trim_end_matches('\r');
        let has_begun = !found.headers.is_empty() || found.target.is_some();
        if line.trim().is_empty() && has_begun {
            break;
        }
        match request_line(line) {
            Some((method, target)) if !has_begun => {
                (found.method, found.target) = (Some(method), Some(target));
            }
            _ => found.headers.extend(header_line(line)),
        }
    }
    found.body = (!rest.is_empty()).then(|| rest.as_bytes().to_vec());
    found
}

/// Method and target.
fn request_line(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    version.starts_with("HTTP/").then(|| (method.to_owned(), target.to_owned()))
}

fn header_line(line: &str) -> Option<(String, String)> {
    if request_line(line).is_some() {
        return None;
    }
    let (name, value) = line.split_once(':')?;
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    is_name.then(|| (name.to_owned(), value.trim().to_owned()))
}
