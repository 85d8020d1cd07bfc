//! Fixture: what is sent, what must come back and what the handler must have seen, as read from one file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::body::{Body, Edit};
use crate::message::Framing;
use crate::route::{Route, RouteKind};

/// One case of the contract. `fixtures/README.md` explains each field.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// The file's name without its ending.
    #[serde(skip)]
    pub id: String,
    /// The address of the JSON Schema, for editors.
    #[serde(default, rename = "$schema")]
    pub schema: Option<String>,
    /// The rule that this case guards; printed when it fails.
    pub why: String,
    /// The platform whose routes it is sent to.
    pub platform: String,
    /// The kinds of route that it is sent to.
    pub routes: Vec<RouteKind>,
    /// Only to routes that take one of these events; empty for all.
    #[serde(default)]
    pub events: Vec<String>,
    /// Whether a receiver meets such requests daily, seldom, or has to refuse one.
    pub kind: FixtureKind,
    /// What the subject must be able to do beyond receiving.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Environment variables that the subject is started with; `null` removes one.
    #[serde(default)]
    pub settings: BTreeMap<String, Option<String>>,
    /// How the requests share connections.
    #[serde(default)]
    pub connections: Connections,
    /// The requests, in order.
    pub requests: Vec<Request>,
    /// What the handler must have seen, in order, and nothing else.
    pub seen: Vec<Seen>,
}

impl Fixture {
    /// Whether this case is sent to this route.
    pub fn applies_to(&self, route: &Route) -> bool {
        self.platform == route.platform
            && self.routes.contains(&route.kind)
            && (self.events.is_empty()
                || route.event.as_ref().is_some_and(|event| self.events.contains(event)))
    }

    /// Whether a header is signed with this secret.
    pub(crate) fn signs_with(&self, secret: &str) -> bool {
        let placeholder = format!("{{{{sign {secret}");
        let is_signed =
            |header: &Header| matches!(&header.1, HeaderValue::Text(text) if text.contains(&placeholder));
        self.requests
            .iter()
            .any(|request| request.path.contains(&placeholder) || request.headers.iter().any(is_signed))
    }

    /// Whether sending it takes a second or more, by pauses or by waiting for a deadline.
    pub(crate) fn is_slow(&self) -> bool {
        self.requests.iter().any(|request| {
            request.framing.pause_ms > 0
                || request.framing.stop.is_some()
                || matches!(
                    request.answer.as_deref(),
                    Some("body-late" | "body-timeout" | "deadline-exceeded")
                )
        })
    }
}

/// How common the requests of a case are.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum FixtureKind {
    /// What the platform sends every day.
    Common,
    /// At least one request must be refused.
    Rejected,
    /// Unusual but valid: it must be accepted.
    Unusual,
}

/// What a subject must be able to do so that a case makes sense.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Need {
    /// It takes callbacks about any app, and not those of one that it expects alone.
    AnyApp,
    /// Its JSON parser takes thousands of nested arrays. RFC 8259, section 9, lets a parser set a limit.
    DeepJson,
    /// Its handler refuses, fails or sleeps when the `tenant` member says `refuse-me`, `fail-me` or `sleep-me`.
    ScriptedHandler,
    /// A path that is written otherwise, such as with a slash behind it, is another path to its router. To many routers it is the same.
    StrictPaths,
}

/// How the requests of a case share connections.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Connections {
    /// All at the same moment, each on its own connection.
    Concurrent,
    /// One after the other, each on its own connection.
    #[default]
    Each,
    /// One after the other on one connection.
    KeepAlive,
    /// All written at once on one connection.
    Pipelined,
}

/// One request and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The method, sent as written.
    #[serde(default = "post")]
    pub method: String,
    /// The request target; a template.
    #[serde(default = "route_path")]
    pub path: String,
    /// The HTTP version.
    #[serde(default = "http_1_1")]
    pub version: String,
    /// What stands for `{token}` in the route's path; a template.
    #[serde(default = "configured_token")]
    pub token: String,
    /// The headers, in order, names in the case that is sent. `Host` and the body's length are added.
    #[serde(default)]
    pub headers: Vec<Header>,
    /// The body that is signed; none by default.
    #[serde(default)]
    pub body: Option<Body>,
    /// The claims of the token, where that is the platform's proof; those of the body's sample by default.
    #[serde(default)]
    pub claims: Option<Body>,
    /// The header of that token as JSON, in place of the platform's own; a template.
    #[serde(default)]
    pub jose: Option<String>,
    /// What happens to the body between signing and sending.
    #[serde(default)]
    pub tamper: Vec<Edit>,
    /// How the body is put on the wire.
    #[serde(default)]
    pub framing: Framing,
    /// The answer, by its name in `answers.json`.
    #[serde(default)]
    pub answer: Option<String>,
    /// The answer in full, where no named one fits.
    #[serde(default)]
    pub response: Option<Answer>,
    /// The HTTP server below the adapter refuses: any 4xx or 5xx, or a closed connection.
    #[serde(default)]
    pub refused_by_server: bool,
    /// The connection may be closed in place of the answer.
    #[serde(default)]
    pub or_closed: bool,
    /// The longest time from the first byte sent to the last byte of the answer, in milliseconds.
    #[serde(default = "platform_deadline")]
    pub within_ms: u64,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: post(),
            path: route_path(),
            version: http_1_1(),
            token: configured_token(),
            headers: Vec::new(),
            body: None,
            claims: None,
            jose: None,
            tamper: Vec::new(),
            framing: Framing::default(),
            answer: None,
            response: None,
            refused_by_server: false,
            or_closed: false,
            within_ms: platform_deadline(),
        }
    }
}

fn post() -> String {
    "POST".into()
}

fn route_path() -> String {
    "{{route}}".into()
}

fn http_1_1() -> String {
    "1.1".into()
}

fn configured_token() -> String {
    "{{token}}".into()
}

fn platform_deadline() -> u64 {
    3000
}

/// A header's name and value.
#[derive(Clone, Debug, Deserialize)]
pub struct Header(pub String, pub HeaderValue);

/// A header's value: text with placeholders, or bytes that are not text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum HeaderValue {
    /// A template.
    Text(String),
    /// Any bytes.
    Bytes {
        /// The bytes in base64.
        base64: String,
    },
}

/// A delivery that the handler must have seen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The number of the request that it came by, from 1; by default its own place in the list.
    #[serde(default)]
    pub request: Option<usize>,
    /// Deliveries with the same label have the same idempotency key; different labels, different keys.
    #[serde(default)]
    pub key: Option<String>,
    /// Members of the delivery, each compared exactly; strings are templates.
    pub fields: Map<String, Value>,
}
