//! JSON: a HAR, a gateway's event, a simulator's delivery, or what a logger wrote.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use serde_json::{Map, Value};

use super::{Transcript, lines, time};
use crate::failure::Failure;

/// The members in which headers are found, the fuller ones first.
const HEADERS: [&str; 5] =
    ["multiValueHeaders", "headers", "rawHeaders", "requestHeaders", "request_headers"];

/// The members in which a body is found as text.
const BODIES: [&str; 6] = ["rawBody", "raw_body", "body", "requestBody", "request_body", "content"];

/// The members in which a target is found.
const TARGETS: [&str; 6] = ["url", "originalUrl", "uri", "rawPath", "target", "path"];

/// The members in which a time is found.
const TIMES: [&str; 8] = [
    "startedDateTime",
    "timeEpoch",
    "requestTimeEpoch",
    "created_at",
    "time",
    "timestamp",
    "@timestamp",
    "ts",
];

/// The members that are about the answer.
const ANSWERS: [&str; 3] = ["answer", "res", "response"];

/// The requests in one JSON document or several.
pub(super) fn read(text: &str) -> Result<Vec<Transcript>, Failure> {
    let documents: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    let documents = documents.map_err(|error| {
        Failure::new(
            format!("the saved request is neither JSON nor header lines: {error}"),
            "export the request again, or give plain header lines",
        )
    })?;
    let mut found = requests(&documents);
    if let ([], [document]) = (found.as_slice(), documents.as_slice()) {
        found.push(Transcript { headers: headers(document), ..Transcript::default() });
    }
    Ok(found)
}

/// The requests in lines of text that end with JSON.
pub(super) fn in_lines(text: &str) -> Vec<Transcript> {
    let documents = text.lines().filter_map(|line| {
        let (start, end) = (line.find('{')?, line.rfind('}')?);
        serde_json::from_str(line.get(start..=end)?).ok()
    });
    requests(&documents.collect::<Vec<Value>>())
}

fn requests(documents: &[Value]) -> Vec<Transcript> {
    let mut found = Found::default();
    for document in documents {
        collect(document, &mut found);
    }
    found.all
}

/// The requests in order, and by a hash of each where it is: a day's log holds too many to compare each with all others.
#[derive(Default)]
struct Found {
    all: Vec<Transcript>,
    places: HashMap<u64, usize>,
    hasher: RandomState,
}

impl Found {
    /// Leaves the last one out if it is there already.
    fn settle_last(&mut self) {
        let Some((last, before)) = self.all.split_last() else { return };
        let hash = self.hasher.hash_one((&last.target, &last.headers, &last.body));
        let same = self.places.get(&hash).and_then(|place| before.get(*place));
        if same.is_some_and(|same| same.is_same(last)) {
            self.all.pop();
        } else {
            self.places.insert(hash, before.len());
        }
    }
}

/// Finds each member with headers, however deep, that is no answer's, and what stands beside it or, in a log, above it.
fn collect(value: &Value, found: &mut Found) {
    let members = match value {
        Value::Array(items) => return items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => members,
        _ => return,
    };
    let before = found.all.len();
    if let Some(own) = raw(members).or_else(|| own(value, members)) {
        found.all.push(own);
    } else {
        let others = members.iter().filter(|(name, _)| !ANSWERS.contains(&name.as_str()));
        others.for_each(|(_, value)| collect(value, found));
    }
    if let [one] = &mut found.all[before..] {
        if one.body.is_none() && !one.is_body_parsed {
            (one.body, one.is_body_parsed) = body(value);
        }
        one.target = one.target.take().or_else(|| target(members));
        one.method = one.method.take().or_else(|| members.get("method")?.as_str().map(str::to_owned));
        one.at = one.at.or_else(|| moment(members));
        // A logger writes one line when a request comes and another when it is done.
        found.settle_last();
    }
}

/// The headers of this object, in the fullest form that it has. Where there is none of them, the body may be what proves it.
fn own(value: &Value, members: &Map<String, Value>) -> Option<Transcript> {
    let all = HEADERS.iter().filter_map(|name| members.get(*name)).map(headers);
    let headers = all.max_by_key(Vec::len)?;
    let is_request = !headers.is_empty() || body(value).0.is_some();
    is_request.then(|| Transcript { headers, ..Transcript::default() })
}

/// A whole request in base64, as ngrok keeps it.
fn raw(members: &Map<String, Value>) -> Option<Transcript> {
    let bytes = STANDARD.decode(members.get("raw")?.as_str()?).ok()?;
    let found = lines::read(std::str::from_utf8(&bytes).ok()?);
    (!found.headers.is_empty()).then_some(found)
}

/// The body of a HAR's request, of an API gateway's event or of a log's line; and whether it was parsed.
fn body(request: &Value) -> (Option<Vec<u8>>, bool) {
    if let Some(text) = request["postData"]["text"].as_str() {
        return (Some(text.as_bytes().to_vec()), false);
    }
    let is_base64 = request["isBase64Encoded"] == true || request["bodyEncoding"] == "base64";
    for name in BODIES {
        match &request[name] {
            Value::String(text) if is_base64 => return (STANDARD.decode(text).ok(), false),
            Value::String(text) => return (Some(text.as_bytes().to_vec()), false),
            Value::Array(_) | Value::Object(_) if name != "content" => return (None, true),
            _ => {}
        }
    }
    (None, false)
}

fn target(members: &Map<String, Value>) -> Option<String> {
    let path = TARGETS.iter().find_map(|name| members.get(*name)?.as_str())?;
    if path.contains('?') {
        return Some(path.to_owned());
    }
    if let Some(query) = members.get("rawQueryString").and_then(Value::as_str) {
        return Some(format!("{path}?{query}"));
    }
    let queries = ["queryStringParameters", "query"];
    let query = queries.iter().find_map(|name| members.get(*name)?.as_object());
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Some(path.to_owned()) };
    let mut pairs = Serializer::new(String::new());
    for (name, value) in query {
        if let Some(value) = value.as_str() {
            pairs.append_pair(name, value);
        }
    }
    Some(format!("{path}?{}", pairs.finish()))
}

/// The time of this object, or of the context that a gateway's event has.
fn moment(members: &Map<String, Value>) -> Option<SystemTime> {
    let of = |members: &Map<String, Value>| {
        TIMES.iter().find_map(|name| match members.get(*name)? {
            Value::String(text) => time(text),
            Value::Number(number) => time(&number.to_string()),
            _ => None,
        })
    };
    members.get("requestContext").and_then(Value::as_object).and_then(of).or_else(|| of(members))
}

/// `[{"name": .., "value": ..}]`, `[["name", "value"]]`, `["name", "value", ..]` or `{"name": "value"}`; a value may be a list of values.
fn headers(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let (pairs, _) = items.as_chunks::<2>();
            pairs.iter().filter_map(|[name, value]| Some((text(name)?, text(value)?))).collect()
        }
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
        Value::String(text) => lines::read(text).headers,
        _ => Vec::new(),
    }
}
