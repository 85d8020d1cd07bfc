//! Transcript: the headers and, where it is there, the body of a request that was saved in one of the usual forms.

use lifecycle_core::seismic;
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
}

impl Transcript {
    /// Recognises and reads: the output of `curl -v`, a HAR file or a part of one, a JSON object of headers, or plain
    /// header lines, after which a body may follow.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let text = text.trim_start_matches('\u{feff}');
        let transcript = match text.trim_start().chars().next() {
            Some('{' | '[') => from_json(text)?,
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

    fn is_signed(&self) -> bool {
        let is_signature =
            |name: &str| seismic::SCHEME.headers().iter().any(|own| own.eq_ignore_ascii_case(name));
        self.headers.iter().any(|(name, _)| is_signature(name))
    }
}

fn is_curl_line(line: &str) -> bool {
    line.strip_prefix("> ").is_some_and(|line| request_line(line) || header_line(line).is_some())
}

/// What `curl -v` prints: what was sent is marked by `> `. It does not print the body that was sent.
fn from_curl(text: &str) -> Transcript {
    let sent = text.lines().filter_map(|line| line.strip_prefix("> "));
    Transcript { headers: sent.filter_map(header_line).collect(), body: None }
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
    Transcript { headers, body }
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

fn from_json(text: &str) -> Result<Transcript, Failure> {
    let next = "export the request again, or give plain header lines";
    let document: Value = serde_json::from_str(text).map_err(|error| {
        Failure::new(format!("the headers file is neither JSON nor header lines: {error}"), next)
    })?;
    let mut found = Vec::new();
    collect(&document, &mut found);
    let signed: Vec<&Transcript> = found.iter().filter(|transcript| transcript.is_signed()).collect();
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

/// Finds requests in a HAR, in one of its entries, in a request, in a list of headers, or in an object of headers.
fn collect(value: &Value, found: &mut Vec<Transcript>) {
    let parts = [&value["log"]["entries"], &value["entries"]];
    if let Some(entries) = parts.into_iter().find_map(Value::as_array) {
        for entry in entries {
            collect(entry, found);
        }
        return;
    }
    if value["request"].is_object() {
        return collect(&value["request"], found);
    }
    if value["headers"].is_object() || value["headers"].is_array() {
        let headers = headers(&value["headers"]);
        return found.push(Transcript { headers, body: posted(&value["postData"]) });
    }
    match value {
        Value::Array(items) if items.iter().any(|item| item["request"].is_object()) => {
            for item in items {
                collect(item, found);
            }
        }
        _ => found.push(Transcript { headers: headers(value), body: None }),
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

fn posted(data: &Value) -> Option<Vec<u8>> {
    Some(data["text"].as_str()?.as_bytes().to_vec())
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
            let transcript = Transcript::read(form).unwrap();
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
    fn what_holds_no_request_or_too_many_is_refused() {
        let two = r#"[{"request":{"headers":{"X-Seismic-Signature":"a"}}},{"request":{"headers":{"X-Seismic-Signature":"b"}}}]"#;
        for (text, complaint) in [
            ("", "no headers"),
            ("hello\nworld", "no headers"),
            ("{", "neither JSON"),
            ("[1]", "no headers"),
            (two, "2 requests"),
        ] {
            let failure = Transcript::read(text).unwrap_err().to_string();
            assert!(failure.contains(complaint), "{text}: {failure}");
        }
    }
}
