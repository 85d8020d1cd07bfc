//! Show: one case, as the bytes that are sent and as a command for curl.

use std::fmt::Write;

use lifecycle_conformance::{Fixture, Sent, Suite, Target};
use lifecycle_testing::curl_command;
use serde_json::{Value, json};

use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::shown::{DIM, HEADING, visible};

/// How much of a body is shown.
const MOST: usize = 4096;

pub(super) fn show(suite: &Suite, target: &Target, id: &str) -> Result<Answer, Failure> {
    let unknown = || {
        let platforms: Vec<&str> = target.credentials.keys().map(String::as_str).collect();
        let message = format!("there is no case {id} of {}", platforms.join(" and "));
        Failure::new(message, "see `lifecycle conformance --list` for their names")
    };
    let fixture = suite.fixtures().iter().find(|fixture| fixture.id == id).ok_or_else(unknown)?;
    let sent = suite.sent(fixture, target).ok_or_else(|| {
        let kinds: Vec<&str> = fixture.routes.iter().map(|kind| kind.name()).collect();
        Failure::new(
            format!("{id} is not sent to this server"),
            format!(
                "it is for {} and {}; those of rotation need --previous-secret-file",
                fixture.platform,
                kinds.join(", ")
            ),
        )
    })?;
    Ok(Answer {
        text: text(suite, fixture, target, &sent),
        json: document(fixture, target, &sent),
        exit: Exit::Well,
    })
}

fn text(suite: &Suite, fixture: &Fixture, target: &Target, sent: &[Sent]) -> String {
    let group = suite.group(fixture);
    let mut text = String::new();
    // A String takes every write.
    let _ = writeln!(text, "{HEADING}{}{HEADING:#} ({}, {})", fixture.id, group.level, fixture.platform);
    let _ = writeln!(text, "{}\n-> {}", fixture.why, group.remedy);
    for (place, one) in sent.iter().enumerate() {
        let expected = one.expected.map_or("4xx or 5xx".to_owned(), |status| status.to_string());
        let _ = writeln!(text, "\n{HEADING}Request {}{HEADING:#}, to be answered {expected}", place + 1);
        let _ = writeln!(text, "{}", visible(&one.bytes, MOST));
        match command(target, one) {
            Some(command) => drop(writeln!(text, "\n{command}")),
            None => drop(writeln!(text, "\n{DIM}curl cannot send that{DIM:#}")),
        }
    }
    text
}

fn document(fixture: &Fixture, target: &Target, sent: &[Sent]) -> Value {
    let one = |sent: &Sent| json!({"bytes": visible(&sent.bytes, MOST), "curl": command(target, sent), "expected": sent.expected});
    json!({"fixture": fixture.id, "why": fixture.why, "requests": sent.iter().map(one).collect::<Vec<_>>()})
}

fn command(target: &Target, sent: &Sent) -> Option<String> {
    if !sent.is_ordinary {
        return None;
    }
    let end = sent.bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let mut lines = sent.bytes[..end].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let start = std::str::from_utf8(lines.next()?).ok()?;
    let (method, rest) = start.split_once(' ')?;
    let path = rest.strip_suffix(" HTTP/1.1")?;
    let header = |line: &'_ [u8]| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((std::str::from_utf8(&line[..colon]).ok()?.to_owned(), line[colon + 1..].trim_ascii().to_vec()))
    };
    let headers: Vec<(String, Vec<u8>)> = lines.map(header).collect::<Option<_>>()?;
    let url = format!("http://{}{path}", target.address);
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    curl_command(method, &url, headers, &sent.body)
}
