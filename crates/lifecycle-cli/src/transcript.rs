//! Transcript: the headers and, where it is there, the body of a request that was saved in one of the usual forms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::failure::Failure;

/// A saved request.
#[derive(Clone, Default, Eq, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Transcript {
    /// In order, the names as written.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, if the form has one.
    pub(crate) body: Option<Vec<u8>>,
    /// Whether the form has it as JSON that was read already, so that its bytes are lost.
    pub(crate) is_body_parsed: bool,
}

impl Transcript {
    /// Recognises and reads: the output of `curl -v`, a HAR file or a part of one, a JSON object of headers, lines of JSON that a
    /// logger such as pino wrote, or plain header lines, after which a body may follow.
    /// Of several requests in one file, the one is meant that has one of the headers of `signed`.
    pub(crate) fn read(text: &str, signed: &[&str]) -> Result<Self, Failure> {
        let text = text.trim_start_matches('\u{feff}');
        let transcript = match text.trim_start().chars().next() {
            Some('{' | '[') => from_json(text, signed)?,
            _ if text.lines().any(is_curl_line) => from_curl(text),
            _ => from_lines(text),
        };
        if transcript.headers.is_empty() {
            return Err(Failure::new(
                "there are no headers in the headers file",
                "give header lines, the output of curl -v, or an exported HAR",
            ));
        }
        Ok(transcript)
    }

    fn has_one_of(&self, names: &[&str]) -> bool {
        self.headers.iter().any(|(name, _)| names.iter().any(|own| own.eq_ignore_ascii_case(name)))
    }
}

fn is_curl_line(line: &str) -> bool {
    line.strip_prefix("> ").is_some_and(|line| request_line(line) || header_line(line).is_some())
}

/// What `curl -v` prints: what was sent is marked by `> `. It does not print the body that was sent.
fn from_curl(text: &str) -> Transcript {
    let sent = text.lines().filter_map(|line| line.strip_prefix("> "));
    Transcript { headers: sent.filter_map(header_line).collect(), ..Transcript::default() }
}

fn from_lines(text: &str) -> Transcript {
    let mut headers = Vec::new();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n').or_else(|| (!rest.is_empty()).then_some((rest, "")))
    {
        rest = after;
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() && !headers.is_empty() {
            break;
        }
        headers.extend(header_line(line));
    }
    let body = (!rest.is_empty()).then(|| rest.as_bytes().to_vec());
    Transcript { headers, body, is_body_parsed: false }
}

fn request_line(line: &str) -> bool {
    line.split_whitespace().nth(2).is_some_and(|version| version.starts_with("HTTP/"))
}

fn header_line(line: &str) -> Option<(String, String)> {
    if request_line(line) {
        return None;
    }
    let (name, value) = line.split_once(':')?;
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    is_name.then(|| (name.to_owned(), value.trim().to_owned()))
}

fn from_json(text: &str, signed: &[&str]) -> Result<Transcript, Failure> {
    let next = "export the request again, or give plain header lines";
    let documents: Vec<Value> =
        serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().map_err(|error| {
            Failure::new(format!("the headers file is neither JSON nor header lines: {error}"), next)
        })?;
    let mut found = Vec::new();
    for document in &documents {
        collect(document, &mut found);
    }
    if let ([], [document]) = (found.as_slice(), documents.as_slice()) {
        found.push(Transcript { headers: headers(document), ..Transcript::default() });
    }
    let signed: Vec<&Transcript> = found.iter().filter(|transcript| transcript.has_one_of(signed)).collect();
    match (signed.as_slice(), found.as_slice()) {
        ([one], _) => Ok(Transcript::clone(one)),
        ([], [one]) => Ok(one.clone()),
        ([], []) => Ok(Transcript::default()),
        (signed, all) => Err(Failure::new(
            format!("the file holds {} requests, {} of them signed", all.len(), signed.len()),
            "leave only the one that you mean in it",
        )),
    }
}

/// Finds each member `headers`, however deep, that is no answer's, and the body beside it or, in a log, above it.
fn collect(value: &Value, found: &mut Vec<Transcript>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => {
            let before = found.len();
            let own = members.get("headers").map(headers).filter(|own| !own.is_empty());
            match own {
                Some(headers) => found.push(Transcript { headers, ..Transcript::default() }),
                None => members
                    .iter()
                    .filter(|(name, _)| !matches!(name.as_str(), "res" | "response"))
                    .for_each(|(_, value)| collect(value, found)),
            }
            if let [one] = &mut found[before..]
                && one.body.is_none()
                && !one.is_body_parsed
            {
                (one.body, one.is_body_parsed) = body(value);
            }
            // A logger writes one line when a request comes and another when it is done.
            if found[before..].iter().all(|new| found[..before].contains(new)) {
                found.truncate(before);
            }
        }
        _ => {}
    }
}

/// The body of a HAR's request, of an API gateway's event or of a log's line; and whether it was parsed.
fn body(request: &Value) -> (Option<Vec<u8>>, bool) {
    let posted = request["postData"]["text"].as_str().or(request["rawBody"].as_str());
    match (posted, &request["body"]) {
        (Some(text), _) => (Some(text.as_bytes().to_vec()), false),
        (None, Value::String(text)) if request["isBase64Encoded"] == true => {
            (STANDARD.decode(text).ok(), false)
        }
        (None, Value::String(text)) => (Some(text.as_bytes().to_vec()), false),
        (None, Value::Array(_) | Value::Object(_)) => (None, true),
        (None, _) => (None, false),
    }
}

/// `[{"name": .., "value": ..}]`, `[["name", "value"]]` or `{"name": "value"}`; a value may be a list of values.
fn headers(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Value::Array(items) => items
            .iter()
            .filter_map(|item| {
                let (name, value) =
                    if item.is_array() { (&item[0], &item[1]) } else { (&item["name"], &item["value"]) };
                Some((text(name)?, text(value)?))
            })
            .collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| {
                let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                values.iter().filter_map(text).map(|value| (name.clone(), value)).collect::<Vec<_>>()
            })
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_form_gives_the_same_headers() {
        let curl = "*   Trying 127.0.0.1:3000...\n> POST /seismic HTTP/1.1\n> Host: localhost:3000\n\
            > X-Seismic-Signature: aa\n> \n* upload completely sent off\n< HTTP/1.1 401 Unauthorized\n\
            < x-seismic-signature: from-the-answer\n";
        let lines = "Host: localhost:3000\r\nX-Seismic-Signature: aa\r\n";
        let raw = format!("POST /seismic HTTP/1.1\r\n{lines}\r\n{{\"a\":\r\n1}}");
        let list =
            r#"[{"name":"Host","value":"localhost:3000"},{"name":"X-Seismic-Signature","value":"aa"}]"#;
        let request = format!(r#"{{"method":"POST","headers":{list},"postData":{{"text":"{{\"a\":1}}"}}}}"#);
        let har = format!(
            r#"{{"log":{{"entries":[{{"request":{request}}},{{"request":{{"headers":[{{"name":"A","value":"b"}}]}}}}]}}}}"#
        );
        let object = r#"{"Host":"localhost:3000","X-Seismic-Signature":["aa"]}"#;
        let pairs = r#"[["Host","localhost:3000"],["X-Seismic-Signature","aa"]]"#;
        for (form, body) in [
            (curl, None),
            (lines, None),
            (&raw, Some("{\"a\":\r\n1}")),
            (list, None),
            (&request, Some(r#"{"a":1}"#)),
            (&har, Some(r#"{"a":1}"#)),
            (object, None),
            (pairs, None),
        ] {
            let transcript = Transcript::read(form, &["x-seismic-signature"]).unwrap();
            let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            assert_eq!(
                transcript.headers,
                [pair("Host", "localhost:3000"), pair("X-Seismic-Signature", "aa")],
                "{form}"
            );
            assert_eq!(transcript.body.as_deref(), body.map(str::as_bytes), "{form}");
        }
    }

    #[test]
    fn a_log_and_a_gateways_event_hold_headers_and_body_somewhere() {
        let req = r#""req":{"id":1,"method":"POST","url":"/seismic","headers":{"host":"a","x-seismic-signature":"aa"}"#;
        let res = r#""res":{"statusCode":401,"headers":{"content-type":"application/problem+json"}}"#;
        let came = format!(r#"{{"level":30,"time":1,"hostname":"h",{req}}},"msg":"request"}}"#);
        let done =
            format!(r#"{{"level":30,"time":2,"hostname":"h",{req}}},{res},"msg":"request completed"}}"#);
        let with_body = format!(r#"{{"level":30,{req},"body":"{{\"a\":1}}"}},{res}}}"#);
        let body_above = format!(r#"{{"level":30,{req}}},"body":"{{\"a\":1}}",{res}}}"#);
        let body_parsed = format!(r#"{{"level":30,{req},"body":{{"a":1}}}},{res}}}"#);
        let event = r#"{"version":"2.0","headers":{"host":"a","x-seismic-signature":"aa"},"requestContext":{"http":{"method":"POST"}},
            "body":"eyJhIjoxfQ==","isBase64Encoded":true}"#;
        for (form, body, is_body_parsed) in [
            (done.as_str(), None, false),
            (&format!("{came}\n{done}\n"), None, false),
            (&with_body, Some(r#"{"a":1}"#), false),
            (&body_above, Some(r#"{"a":1}"#), false),
            (&body_parsed, None, true),
            (event, Some(r#"{"a":1}"#), false),
        ] {
            let transcript = Transcript::read(form, &["x-seismic-signature"]).unwrap();
            let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            assert_eq!(transcript.headers, [pair("host", "a"), pair("x-seismic-signature", "aa")], "{form}");
            assert_eq!(transcript.body.as_deref(), body.map(str::as_bytes), "{form}");
            assert_eq!(transcript.is_body_parsed, is_body_parsed, "{form}");
        }
    }

    #[test]
    fn what_holds_no_request_or_too_many_is_refused() {
        let two = r#"[{"request":{"headers":{"X-Seismic-Signature":"a"}}},{"request":{"headers":{"X-Seismic-Signature":"b"}}}]"#;
        for (text, complaint) in [
            ("", "no headers"),
            ("hello\nworld", "no headers"),
            ("{", "neither JSON"),
            ("[1]", "no headers"),
            (r#"{"level":30,"time":1}"#, "no headers"),
            (two, "2 requests"),
        ] {
            let failure = Transcript::read(text, &["x-seismic-signature"]).unwrap_err().to_string();
            assert!(failure.contains(complaint), "{text}: {failure}");
        }
    }
}
