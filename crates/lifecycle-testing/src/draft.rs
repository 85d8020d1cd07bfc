//! Draft: a request that is being written, from the vendor's sample.

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::body::Body;
use crate::keys::unix_seconds;
use crate::sender::Template;

/// A request that is being written. Members are named by their paths, such as `installation.account.id`, those of a token's claims
/// with `claims.` in front. Only those that the sample has are changed: one function fills all samples of a platform. `Debug` shows
/// nothing of it.
#[derive(Clone)]
pub struct Draft {
    event: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    body: Option<Body>,
    claims: Option<Body>,
}

impl Draft {
    /// # Panics
    /// When the sample is no JSON object.
    pub(crate) fn new(template: &Template) -> Self {
        let object = |text: &str| serde_json::from_str(text).expect("a sample is a JSON object");
        let body = (!template.body.is_empty()).then(|| object(template.body));
        let headers = body.iter().map(|_| &("content-type", "application/json")).chain(template.headers);
        Self {
            event: template.event,
            headers: headers.map(|(name, value)| (*name, (*value).to_owned())).collect(),
            body,
            claims: template.claims.map(object),
        }
    }

    /// The body as JSON on one line; empty where there is none.
    pub(crate) fn body_text(&self) -> String {
        self.body.as_ref().map_or_else(String::new, json)
    }

    /// The claims of the token as JSON on one line, if there is one.
    pub(crate) fn claims_text(&self) -> Option<String> {
        self.claims.as_ref().map(json)
    }

    /// Gives a member this value; a new one comes last.
    pub(crate) fn set(&mut self, path: &str, value: &Value) {
        let (object, path) = self.object(path);
        object.set(path, value);
    }

    /// Makes a member a text with its JSON in it.
    pub(crate) fn make_text(&mut self, path: &str) {
        if let Some(value) = self.get(path) {
            self.set(path, &value.get().into());
        }
    }

    /// The name of the event on the platform.
    pub fn event(&self) -> &'static str {
        self.event
    }

    /// Whether the sample has this member.
    pub fn has(&self, path: &str) -> bool {
        self.get(path).is_some()
    }

    /// Adds a header, its name in lower case, in place of the sample's own.
    pub fn header(&mut self, name: &'static str, value: impl Into<String>) {
        self.headers.retain(|(own, _)| *own != name);
        self.headers.push((name, value.into()));
    }

    /// Gives a member this text; `None` leaves it as it is.
    pub fn text(&mut self, path: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.value(path, &text.into());
        }
    }

    /// Gives a member this id as a number, or as text where it is none, which no platform whose ids are numbers sends.
    pub fn number(&mut self, path: &str, digits: Option<&str>) {
        if let Some(digits) = digits {
            self.value(path, &digits.parse::<u64>().map_or_else(|_| digits.into(), Value::from));
        }
    }

    /// Gives a member this time in RFC 3339 with so many digits behind the second; where the sample has a number, in seconds
    /// since the epoch, or in milliseconds if the sample's has 13 digits.
    pub fn time(&mut self, path: &str, time: SystemTime, digits: usize) {
        if let Some(before) = self.get(path) {
            let value = match before.get() {
                text if text.starts_with('"') => rfc3339(time, digits).into(),
                millis if millis.len() >= 13 => (unix_seconds(time) * 1000 + subsecond_millis(time)).into(),
                _ => unix_seconds(time).into(),
            };
            self.set(path, &value);
        }
    }

    /// Gives a member this JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&mut self, path: &str, text: String) {
        if self.has(path) {
            let (object, path) = self.object(path);
            object.set_raw(path, RawValue::from_string(text).expect("it is JSON"));
        }
    }

    /// Leaves a member out.
    pub fn remove(&mut self, path: &str) {
        let (object, path) = self.object(path);
        object.remove(path);
    }

    /// The text that a member has.
    pub fn read(&self, path: &str) -> Option<String> {
        serde_json::from_str(self.get(path)?.get()).ok()
    }

    fn value(&mut self, path: &str, value: &Value) {
        if self.has(path) {
            self.set(path, value);
        }
    }

    fn get(&self, path: &str) -> Option<Box<RawValue>> {
        match (path.strip_prefix("claims."), &self.claims) {
            (Some(claim), Some(claims)) => claims.get(claim),
            _ => self.body.as_ref()?.get(path),
        }
    }

    /// The object that a path leads into, and the way within it.
    fn object<'p>(&mut self, path: &'p str) -> (&mut Body, &'p str) {
        match (path.strip_prefix("claims."), &mut self.claims) {
            (Some(claim), Some(claims)) => (claims, claim),
            _ => (self.body.get_or_insert_default(), path),
        }
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Draft")
    }
}

fn json(object: &Body) -> String {
    serde_json::to_string(object).expect("an object of raw values serializes")
}

fn subsecond_millis(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_millis().into()
}

/// The time in UTC, with so many digits behind the second.
pub(crate) fn rfc3339(time: SystemTime, digits: usize) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    format!("{time:.digits$}")
}
