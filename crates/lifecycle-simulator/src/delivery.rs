//! Delivery: one request to an app, the answer, and what became of the action.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bidi;
use crate::forgery::Forgery;
use crate::moment::Moment;
use crate::occurrence::Occurrence;

/// A request to an app, as it is stored and shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Delivery {
    pub(crate) id: i64,
    pub(crate) app: i64,
    pub(crate) tenant: i64,
    #[serde(flatten)]
    pub(crate) request: Request,
    /// What happened, from which the request was written.
    #[serde(skip)]
    pub(crate) occurrence: Option<Occurrence>,
    /// What is wrong with the request, if it is not what the platform would send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) forgery: Option<Forgery>,
    /// The first delivery of the same click; itself, if it is the first.
    pub(crate) batch: i64,
    /// The delivery that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repeats: Option<i64>,
    pub(crate) role: Role,
    pub(crate) created_at: Moment,
    pub(crate) state: State,
    pub(crate) effect: Effect,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<Answer>,
    /// Why it counts as it does: a stable name, and in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Cause>,
    /// From sending to the end of the answer, or to giving up.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "in_milliseconds",
        rename = "elapsed_ms"
    )]
    pub(crate) elapsed: Option<Duration>,
}

/// What is sent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Request {
    /// The event, such as `install`, `app.installed` or `action:notify_channel`.
    pub(crate) event: String,
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: String,
}

/// A header of a request, fit to be shown: the value of a secret one is replaced.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: String,
    /// What to know about it, such as which secret signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

impl Header {
    pub(crate) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), note: None }
    }
}

/// Why a request is sent.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// An administrator or user acts; the answer may decide whether it happens.
    Action,
    /// The same bytes as the action, sent beside it.
    Duplicate,
    /// It was held back, and sent after the administrator had given up.
    Late,
    /// The same bytes, sent again later.
    Repeat,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Answered as the platform wants it, in time.
    Acknowledged,
    /// Not answered, late, or answered otherwise.
    Failed,
    /// Kept back, to be sent later.
    Held,
    /// On its way.
    Sending,
}

/// What became of the action.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Effect {
    /// It went through.
    Applied,
    /// It did not happen.
    Blocked,
    /// Nothing depended on this delivery.
    None,
}

/// What the app answered.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<Header>,
    /// The body as text, as far as it was read.
    pub(crate) body: String,
    /// Whether there was more of the body than is kept.
    pub(crate) truncated: bool,
}

impl Answer {
    /// As a platform judges it.
    pub(crate) fn judged(&self) -> lifecycle_testing::Answer<'_> {
        let content_type = self.header("content-type");
        lifecycle_testing::Answer { status: self.status, content_type, body: self.body.as_bytes() }
    }

    /// What a problem document says of the cause.
    pub(crate) fn problem_detail(&self) -> Option<String> {
        let problem: Value = serde_json::from_str(&self.body).ok()?;
        problem.get("detail")?.as_str().map(first_line).filter(|detail| !detail.is_empty())
    }

    /// The first line of a body that is neither a problem document nor a page.
    pub(crate) fn first_line(&self) -> Option<String> {
        let is_page = self.header("content-type").is_some_and(|value| value.contains("html"));
        let is_text = !is_page && !self.body.trim_start().starts_with(['{', '<']);
        is_text.then(|| first_line(&self.body)).filter(|line| !line.is_empty())
    }

    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
    }

    /// The stable code of a problem document, if the app sends one.
    pub(crate) fn problem_code(&self) -> Option<String> {
        let problem: Value = serde_json::from_str(&self.body).ok()?;
        let code = problem.get("code")?.as_str()?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        (!code.is_empty() && code.len() <= 64 && code.bytes().all(plain)).then(|| code.to_owned())
    }
}

/// Why a delivery counts as it does.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Cause {
    pub(crate) code: String,
    pub(crate) text: String,
}

impl Cause {
    pub(crate) fn new(code: &str, text: impl Into<String>) -> Self {
        Self { code: code.to_owned(), text: text.into() }
    }
}

/// At most 200 characters of it.
fn first_line(text: &str) -> String {
    let shown = |c: &char| !c.is_control() && !bidi::is_control(*c);
    text.trim().lines().next().unwrap_or_default().chars().filter(shown).take(200).collect()
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn in_milliseconds<S: serde::Serializer>(
    elapsed: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    elapsed.map(|elapsed| (elapsed.as_secs_f64() * 100_000.0).round() / 100.0).serialize(serializer)
}
