//! Saved requests: a genuine one of every platform is recognised and matches, in whatever form it was saved.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Held, signing};
use crate::recognition::{header_names, is_signed};
use crate::request_headers::{Request, RequestArgs};
use crate::transcript::{Transcript, Wanted};

/// A request in a form that people save.
type Form = (&'static str, fn(&Request, &str) -> String);

fn object(request: &Request) -> Value {
    Value::Object(
        request
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect::<Map<_, _>>(),
    )
}

fn list(request: &Request) -> Value {
    request.headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn text(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

fn target(request: &Request) -> &str {
    request.target.as_deref().unwrap()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn curl(request: &Request, method: &str) -> String {
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| format!(" \\\n  -H {}", quoted(&format!("{name}: {value}"))));
    let data = if request.body.is_empty() {
        String::new()
    } else {
        format!(" \\\n  --data-raw {}", quoted(&text(request)))
    };
    format!(
        "curl -sSL -X {method} {}{}{data} \\\n  --compressed --max-time 5",
        quoted(&format!("https://app.example{}", target(request))),
        headers.collect::<String>()
    )
}

const FORMS: &[Form] = &[
    ("raw HTTP", |request, method| {
        let lines = request.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        format!(
            "{method} {} HTTP/1.1\r\nHost: app.example\r\n{}\r\n{}",
            target(request),
            lines.collect::<String>(),
            text(request)
        )
    }),
    ("curl", curl),
    ("curl for Windows", |request, method| {
        let caret = |text: &str| {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            let carets: String = escaped
                .chars()
                .flat_map(|letter| {
                    let special = "^&|<>()\"%!".contains(letter);
                    special.then_some('^').into_iter().chain([letter])
                })
                .collect();
            format!("^\"{carets}^\"")
        };
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| format!(" ^\r\n  -H {}", caret(&format!("{name}: {value}"))));
        let data = if request.body.is_empty() {
            String::new()
        } else {
            format!(" ^\r\n  --data-raw {}", caret(&text(request)))
        };
        format!(
            "curl -X {method} {}{}{data}",
            caret(&format!("https://app.example{}", target(request))),
            headers.collect::<String>()
        )
    }),
    ("curl with its body in base64", |request, method| {
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| format!(" -H {}", quoted(&format!("{name}: {value}"))));
        let command =
            format!("curl -i -X {method} {}{}", quoted(target(request)), headers.collect::<String>());
        if request.body.is_empty() {
            command
        } else {
            format!("printf %s {} | base64 -d | {command} --data-binary @-", STANDARD.encode(&request.body))
        }
    }),
    ("HAR", |request, method| {
        let mut own = json!({"method": method, "url": format!("https://app.example{}", target(request)), "headers": list(request)});
        if !request.body.is_empty() {
            own["postData"] = json!({"mimeType": "application/json", "text": text(request)});
        }
        let other = json!({"method": "GET", "url": "https://app.example/", "headers": [{"name": "accept", "value": "*/*"}]});
        json!({"log": {"entries": [{"request": other, "response": {"headers": []}}, {"request": own, "response": {"headers": list(request)}}]}}).to_string()
    }),
    ("Lambda, version 1", |request, method| {
        let (path, query) = target(request).split_once('?').unwrap_or((target(request), ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let query: Map<String, Value> = pairs.map(|(name, value)| (name.to_owned(), value.into())).collect();
        let many: Map<String, Value> =
            request.headers.iter().map(|(name, value)| (name.clone(), json!([value]))).collect();
        json!({
            "resource": "/x", "path": path, "httpMethod": method, "headers": object(request), "multiValueHeaders": many,
            "queryStringParameters": if query.is_empty() { Value::Null } else { Value::Object(query) },
            "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
            "body": if request.body.is_empty() { Value::Null } else { text(request).into() }, "isBase64Encoded": false,
        })
        .to_string()
    }),
    ("Lambda, version 2, base64", |request, method| {
        let (path, query) = target(request).split_once('?').unwrap_or((target(request), ""));
        json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": object(request),
            "requestContext": {"http": {"method": method, "path": path}},
            "body": STANDARD.encode(&request.body), "isBase64Encoded": true,
        })
        .to_string()
    }),
    ("pino", |request, method| {
        let own = json!({"id": 1, "method": method, "url": target(request), "headers": object(request), "body": text(request)});
        let res = json!({"statusCode": 401, "headers": {"content-type": "application/problem+json"}});
        let came = json!({"level": 30, "hostname": "h", "req": own, "msg": "came"});
        let done = json!({"level": 30, "hostname": "h", "req": own, "res": res, "msg": "done"});
        format!("{came}\n{done}\n")
    }),
    ("JSON behind a container's prefix", |request, method| {
        let own = json!({"method": method, "url": target(request), "headers": object(request), "body": text(request)});
        format!("app-1  | listening\napp-1  | {}\n", json!({"msg": "request", "request": own}))
    }),
    ("Node's rawHeaders", |request, method| {
        let raw: Vec<&str> =
            request.headers.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect();
        json!({"method": method, "url": target(request), "rawHeaders": raw, "rawBody": text(request)})
            .to_string()
    }),
    ("a line of Python's log", |request, method| {
        let headers: Vec<String> =
            request.headers.iter().map(|(name, value)| format!("'{name}': '{value}'")).collect();
        format!(
            "2026-12-01 08:30:00,123 INFO webhooks: \"{method} {} HTTP/1.1\" headers={{{}}} body={}\n",
            target(request),
            headers.join(", "),
            json!(text(request))
        )
    }),
    ("a line of logfmt", |request, method| {
        let headers: Vec<String> = request
            .headers
            .iter()
            .map(|(name, value)| format!("http_{}=\"{value}\"", name.replace('-', "_")))
            .collect();
        format!(
            "level=info msg=\"{method} {} HTTP/1.1\" {} body={}",
            target(request),
            headers.join(" "),
            json!(text(request))
        )
    }),
    ("the simulator's delivery", |request, method| {
        json!({
            "id": 30, "app": 1, "tenant": 1, "event": "install", "method": method,
            "url": format!("http://127.0.0.1:3000{}", target(request)), "headers": list(request), "body": text(request),
            "state": "failed", "answer": {"status": 401, "headers": list(request), "body": "{}", "truncated": false},
        })
        .to_string()
    }),
    ("ngrok", |request, method| {
        let raw = FORMS[0].1(request, method);
        json!({"uri": "/http", "request": {"method": method, "headers": {"X": ["y"]}, "raw": STANDARD.encode(raw)}}).to_string()
    }),
];

#[test]
fn a_genuine_request_of_every_platform_matches_in_every_form_that_it_is_saved_in() {
    let folder = tempfile::tempdir().unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for sender in signing() {
        let mut held = Held::genuine(sender);
        held.request.headers.insert(0, ("user-agent".into(), "Webhooks/1.0".into()));
        let method = sender.platform().method().as_str();
        for (place, (name, write)) in FORMS.iter().enumerate() {
            let file = folder.path().join(format!("{place}.txt"));
            std::fs::write(&file, write(&held.request, method)).unwrap();
            count += 1;
            let read = arguments(file).read(None);
            let found = match &read {
                Ok((_, recognised)) if recognised.sender.platform().name() != sender.platform().name() => {
                    format!("taken for {:?}", recognised.sender)
                }
                Ok((request, _)) => {
                    let causes = Held { request: request.clone(), ..held.clone() }.causes();
                    if causes == Some(BTreeSet::new()) {
                        continue;
                    }
                    format!("{causes:?}")
                }
                Err(failure) => failure.to_string(),
            };
            wrong.push(format!("{sender:?} {name}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {count}: {wrong:#?}", wrong.len());
    assert!(count >= 200, "{count} cases");
}

#[test]
fn what_is_cut_anywhere_is_read_or_refused_and_no_panic() {
    for sender in
        signing().filter(|sender| ["bigcommerce", "stripe", "wix"].contains(&sender.platform().name()))
    {
        let held = Held::genuine(sender);
        for (_, write) in FORMS {
            let text = write(&held.request, sender.platform().method().as_str());
            for length in (0..text.len()).step_by(29).filter(|length| text.is_char_boundary(*length)) {
                let wanted = Wanted { names: &header_names(), is_signed: &is_signed, pick: None };
                let _ = Transcript::read(&text[..length], wanted);
            }
        }
    }
}

fn arguments(file: PathBuf) -> RequestArgs {
    RequestArgs {
        body: None,
        signature: None,
        header: Vec::new(),
        headers: Some(file),
        pick: None,
        url: None,
        at: None,
        delivery: None,
        simulator: String::new(),
    }
}
