//! Lines: a request as HTTP/1.1 writes it, header lines alone, and what `curl -v` prints.

use super::Transcript;

/// Whether `curl -v` printed it: a line tells what was sent. A request as it is may have such a line in its body.
pub(super) fn are_of_curl(text: &str) -> bool {
    let is_request = text.trim_start().lines().next().and_then(request_line).is_some();
    let is_sent = |line: &str| request_line(line).is_some() || header_line(line).is_some();
    !is_request && text.lines().filter_map(|line| line.strip_prefix("> ")).any(is_sent)
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
    // A header such as `Upgrade: h2c, HTTP/2.0` has a colon there.
    (version.starts_with("HTTP/") && !method.contains(':')).then(|| (method.to_owned(), target.to_owned()))
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
