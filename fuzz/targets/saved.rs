//! Saved: the program's readers of saved requests. What was written as HAR, curl, raw HTTP, a gateway's event or a line of a log is read back
//! as it was.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fuzz::Request;
use libfuzzer_sys::fuzz_target;
use lifecycle_testing::curl_command;
use program::transcript::{Transcript, Wanted};
use serde_json::{Map, Value, json};

// The program has no library, and its readers lean on nothing of it but how a failure is told.
#[path = "../../crates/lifecycle-cli/src"]
mod program {
    pub(crate) mod transcript;
}

mod failure {
    pub(crate) struct Failure;

    impl Failure {
        pub(crate) fn new(_: impl Into<String>, _: impl Into<String>) -> Self {
            Self
        }
    }
}

const SIGNATURE: &str = "x-seismic-signature";
const NAMES: [&str; 4] = ["authorization", "content-length", "stripe-signature", SIGNATURE];

fuzz_target!(|data: &[u8]| {
    let [how, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let pick = Some(usize::from(how / 16)).filter(|pick| *pick > 0);
    assert!(read(text, pick) == read(text, pick), "it is read in one way");
    if let Some(genuine) = Request::read(text.as_bytes()).and_then(Genuine::of) {
        genuine.is_read_back(how % 5);
    }
});

fn read(text: &str, pick: Option<usize>) -> Option<Transcript> {
    let is_signed = |found: &Transcript| {
        found.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(SIGNATURE))
            || found.target.as_ref().is_some_and(|target| target.contains("jwt="))
    };
    Transcript::read(text, Wanted { names: &NAMES, is_signed: &is_signed, pick }).ok()
}

/// A request as platforms send them: its headers are plain text, each there once, and its body is text.
struct Genuine<'d> {
    method: &'d str,
    target: &'d str,
    headers: Vec<(&'d str, &'d str)>,
    body: &'d str,
}

impl<'d> Genuine<'d> {
    fn of(request: Request<'d>) -> Option<Self> {
        let Request { method, target, headers, body } = request;
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let is_value = |value: &[u8]| value.iter().all(|byte| *byte == b' ' || byte.is_ascii_graphic());
        let mut plain = Vec::new();
        for (name, value) in headers {
            let is_new = !plain.iter().any(|(own, _): &(&str, _)| own.eq_ignore_ascii_case(name));
            if !(is_name(name) && is_value(value) && is_new) {
                return None;
            }
            plain.push((name, std::str::from_utf8(value).ok()?));
        }
        if !plain.iter().any(|(name, _)| name.eq_ignore_ascii_case(SIGNATURE)) {
            plain.push((SIGNATURE, "aa"));
        }
        let body = std::str::from_utf8(body).ok()?;
        let is_request = !method.is_empty()
            && method.bytes().all(|byte| byte.is_ascii_uppercase())
            && target.starts_with('/')
            && target.bytes().all(|byte| byte.is_ascii_graphic())
            // A shell's operators, which the reader knows by the word alone.
            && !matches!(body, "|" | ";" | "&&");
        is_request.then_some(Self { method, target, headers: plain, body })
    }

    /// Writes it in one of the forms, and reads that.
    fn is_read_back(&self, form: u8) {
        let Self { method, target, body, .. } = self;
        let url = format!("https://app.example{target}");
        let (text, target) = match form {
            0 => (self.raw(), *target),
            1 => {
                let headers = self.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
                (curl_command(method, &url, headers, body.as_bytes()).expect("all of it is text"), &*url)
            }
            2 => {
                let headers: Vec<Value> =
                    self.headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
                let post = if body.is_empty() {
                    Value::Null
                } else {
                    json!({"mimeType": "application/json", "text": body})
                };
                let request = json!({"method": method, "url": url, "headers": headers, "postData": post});
                let entry = json!({"startedDateTime": "2026-12-01T08:30:00.000Z", "request": request, "response": {"headers": headers}});
                (json!({"log": {"entries": [entry]}}).to_string(), &*url)
            }
            3 => {
                let event = json!({
                    "version": "2.0", "rawPath": target, "headers": self.object(), "requestContext": {"http": {"method": method}},
                    "body": STANDARD.encode(body), "isBase64Encoded": true,
                });
                (event.to_string(), *target)
            }
            _ => {
                let request =
                    json!({"id": 1, "method": method, "url": target, "headers": self.object(), "body": body});
                let line = |message: &str| json!({"level": 30, "time": 1_796_113_800_000_u64, "req": request, "msg": message});
                (format!("{}\n{}\n", line("came"), line("done")), *target)
            }
        };
        let mut found = read(&text, None).unwrap_or_else(|| panic!("it is read: {text}"));
        let mut headers: Vec<(String, String)> =
            self.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        // Curl makes these two itself.
        let is_curls = |(name, value): &(String, String)| {
            name.eq_ignore_ascii_case("content-length")
                || (name.eq_ignore_ascii_case("host") && value == "app.example")
        };
        headers.retain(|header| form != 1 || !is_curls(header));
        if form > 2 {
            // The members of an object have no order.
            found.headers.sort();
            headers.sort();
        }
        assert_eq!(found.headers, headers, "{text}");
        assert_eq!(found.body.unwrap_or_default(), body.as_bytes(), "{text}");
        assert_eq!(found.target.as_deref(), Some(target), "{text}");
        assert!(!found.is_body_parsed && !found.is_picked, "{text}");
    }

    fn raw(&self) -> String {
        let lines: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{} {} HTTP/1.1\r\n{lines}\r\n{}", self.method, self.target, self.body)
    }

    fn object(&self) -> Map<String, Value> {
        self.headers.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
    }
}
