//! Check: what came back against what had to come back.

use std::time::Duration;

use lifecycle_testing::{self as testing, Reason};
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Exactness};
use crate::connection::{Followed, Lost};
use crate::exchange::Exchanged;
use crate::fixture::Request;
use crate::privacy::{private_part, redacted};
use crate::response::Response;
use crate::signing::{SecretName, sender};
use crate::target::Target;
use crate::template::{TemplateError, Values};

/// In which way an answer is wrong, as far as that tells the cause.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Symptom {
    /// A success where it has to be refused.
    Accepted,
    /// The right status with something else that is wrong, or what the handler saw.
    Content,
    /// It is right, and came late.
    Late,
    /// The connection goes on after an answer that came before the end of the request.
    LeftOpen,
    /// There is no answer.
    NoAnswer,
    /// Another success than the platform takes.
    OtherSuccess,
    /// It holds something private.
    Private,
    /// No success where it has to be accepted.
    Refused,
}

/// One way in which a case went wrong.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Difference {
    /// In which way.
    pub symptom: Symptom,
    /// What was looked at, such as `request 1: status`.
    pub what: String,
    /// What had to be.
    pub expected: String,
    /// What was.
    pub got: String,
}

impl Difference {
    pub(crate) fn new(
        symptom: Symptom,
        what: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self { symptom, what: what.into(), expected: expected.into(), got: got.into() }
    }

    /// Whether the answer was right and only came late.
    pub(crate) fn is_lateness(&self) -> bool {
        self.symptom == Symptom::Late
    }
}

/// Compares one answer. `answer` is `None` where the HTTP server below the adapter has to refuse.
pub(crate) fn check(
    request: &Request,
    answer: Option<&Answer>,
    exchanged: &Exchanged,
    target: &Target,
    values: &Values<'_>,
) -> Result<Vec<Difference>, TemplateError> {
    let response = match &exchanged.answer {
        Ok(response) => response,
        Err(Lost::Closed) if request.or_closed || answer.is_none() => return Ok(Vec::new()),
        Err(lost) => {
            return Ok(vec![Difference::new(Symptom::NoAnswer, "answer", "an answer", describe(lost))]);
        }
    };
    let mut differences = Vec::new();
    match answer {
        None if response.status >= 400 => {}
        None => differences.push(Difference::new(
            Symptom::Accepted,
            "status",
            "4xx or 5xx",
            response.status.to_string(),
        )),
        Some(answer) if target.exactness == Exactness::Verdict => {
            verdict(request, answer, response, values, &mut differences)?;
        }
        Some(answer) => {
            let values = Values { body: &exchanged.body, ..*values };
            bytes(answer, request.method == "HEAD", response, &values, &mut differences)?;
        }
    }
    if answer.is_some()
        && let Some(followed) = exchanged.followed
    {
        closing(followed, request, response, &mut differences);
    }
    if exchanged.took.as_millis() > u128::from(request.within_ms) {
        let took = format!("{} ms", exchanged.took.as_millis());
        differences.push(Difference::new(
            Symptom::Late,
            "time",
            format!("at most {} ms", request.within_ms),
            took,
        ));
    }
    if let Some(name) = private_part(&text(response), exchanged, target, values) {
        differences.push(Difference::new(Symptom::Private, "privacy", "nothing private in the answer", name));
    }
    for difference in &mut differences {
        difference.got = redacted(&difference.got, exchanged, target, values);
    }
    Ok(differences)
}

/// An answer before the end of the request's body ends the connection, and says so: what still comes cannot be told from
/// that body, by the server or by a proxy in front.
fn closing(followed: Followed, request: &Request, response: &Response, differences: &mut Vec<Difference>) {
    let closes = response.headers.iter().filter(|(name, _)| name == "connection");
    let closes: Vec<String> = closes.map(|(_, value)| value.to_ascii_lowercase()).collect();
    if request.version == "1.1" && closes != ["close"] {
        let expected = "\"close\", as the body has not come to its end";
        differences.push(Difference::new(
            Symptom::LeftOpen,
            "header connection",
            expected,
            format!("{closes:?}"),
        ));
    }
    let got = match followed {
        Followed::End => return,
        Followed::Bytes => "more bytes",
        Followed::Silence => "it stays open",
    };
    differences.push(Difference::new(
        Symptom::LeftOpen,
        "after the answer",
        "the end of the connection",
        got,
    ));
}

fn describe(lost: &Lost) -> String {
    match lost {
        Lost::Closed => "the connection was closed".into(),
        Lost::Malformed(why) => why.clone(),
        Lost::TimedOut => "nothing in time".into(),
        Lost::Unreachable(_, why) => format!("unreachable: {why}"),
    }
}

/// What the platform would notice: whether what has to be refused is, and whether it takes the answer to all else.
fn verdict(
    request: &Request,
    answer: &Answer,
    response: &Response,
    values: &Values<'_>,
    differences: &mut Vec<Difference>,
) -> Result<(), TemplateError> {
    let status = response.status;
    if !answer.is_success() {
        if status < 400 {
            differences.push(Difference::new(Symptom::Accepted, "status", "4xx or 5xx", status.to_string()));
        }
        return Ok(());
    }
    match reason(request, response, values)? {
        Some(Reason::Challenge) => {
            let got = "an answer without it";
            differences.push(Difference::new(Symptom::Content, "body", "what the trial asked for", got));
        }
        // A platform that takes any success says so in its writing half.
        Some(Reason::Acknowledged(_) | Reason::ContentType) => {}
        _ if status == answer.status => {}
        _ => differences.push(other_status(answer, status)),
    }
    Ok(())
}

/// How the platform takes an answer, where it is the one that sends.
fn reason(
    request: &Request,
    response: &Response,
    values: &Values<'_>,
) -> Result<Option<Reason>, TemplateError> {
    let own = sender(&values.route.platform).filter(|_| values.route.kind.takes_events());
    let Some(sender) = own else { return Ok(None) };
    let content_type = response.header("content-type");
    let answer = testing::Answer { status: response.status, content_type, body: &response.body };
    let sample = request.body.as_ref().map(|body| body.written(values)).transpose()?.flatten();
    let judgement = match sample {
        None => sender.judge(Some(answer), Duration::ZERO), // lateness is compared apart
        Some(sample) => {
            let keys = SecretName::Current.keys(sender.platform(), values.credentials);
            keys.iter().fold(sample, testing::Sample::judged_by).judge(Some(answer), Duration::ZERO)
        }
    };
    Ok(Some(judgement.reason))
}

fn other_status(answer: &Answer, status: u16) -> Difference {
    let symptom = match (answer.is_success(), status) {
        (true, 200..300) => Symptom::OtherSuccess,
        (true, _) => Symptom::Refused,
        (false, ..400) => Symptom::Accepted,
        (false, _) => Symptom::Content,
    };
    Difference::new(symptom, "status", answer.status.to_string(), status.to_string())
}

fn bytes(
    answer: &Answer,
    to_head: bool,
    response: &Response,
    values: &Values<'_>,
    differences: &mut Vec<Difference>,
) -> Result<(), TemplateError> {
    if response.status != answer.status {
        differences.push(other_status(answer, response.status));
    }
    for (name, expected) in &answer.headers {
        let got: Vec<&str> =
            response.headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect();
        let expected = expected.as_ref().map(|template| values.render(template)).transpose()?;
        if got != expected.iter().map(String::as_str).collect::<Vec<_>>() {
            let shown = expected.map_or("no such header".into(), |value| format!("{value:?}"));
            differences.push(Difference::new(
                Symptom::Content,
                format!("header {name}"),
                shown,
                format!("{got:?}"),
            ));
        }
    }
    for (name, parts) in &answer.header_contains {
        let got = response.header(name).unwrap_or_default();
        for part in parts {
            if !got.contains(part.as_str()) {
                differences.push(Difference::new(
                    Symptom::Content,
                    format!("header {name}"),
                    format!("contains {part:?}"),
                    format!("{got:?}"),
                ));
            }
        }
    }
    if to_head {
        return Ok(()); // an answer to HEAD has no body, whatever it says about one
    }
    let body = String::from_utf8_lossy(&response.body);
    if let Some(expected) = &answer.body {
        let expected = values.render(expected)?;
        if expected != body {
            differences.push(Difference::new(
                Symptom::Content,
                "body",
                format!("{expected:?}"),
                format!("{:?}", shorten(&body)),
            ));
        }
    }
    for part in &answer.body_contains {
        let part = values.render(part)?;
        if !body.contains(&part) {
            differences.push(Difference::new(
                Symptom::Content,
                "body",
                format!("contains {part:?}"),
                format!("{:?}", shorten(&body)),
            ));
        }
    }
    for part in &answer.body_lacks {
        let part = values.render(part)?;
        if body.contains(&part) {
            differences.push(Difference::new(
                Symptom::Content,
                "body",
                format!("lacks {part:?}"),
                "it is there",
            ));
        }
    }
    Ok(())
}

fn text(response: &Response) -> String {
    let headers = response.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
    headers.chain([String::from_utf8_lossy(&response.body).into_owned()]).collect()
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
