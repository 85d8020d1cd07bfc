//! Verdict: what a marketplace would make of an answer, by its acknowledgement policy.

use std::time::Duration;

use lifecycle_core::{Ack, AckFailure};
use serde::Deserialize;

use crate::client::{Answered, Exchange, Lost};
use crate::shown::one_line;

/// What a marketplace would make of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// The whole of it in words.
    pub(crate) text: String,
}

/// How it ended for whoever waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The action went through.
    Acknowledged,
    /// The action was blocked or, where the platform blocks nothing, the callback was not received.
    Blocked,
    /// A callback that does not come from the platform was taken for one.
    ForgeryAccepted,
    /// A callback that does not come from the platform was refused.
    Refused,
    /// What the platform would have seen is not known.
    Undecided,
}

impl Outcome {
    /// The name that JSON uses.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Blocked => "blocked",
            Self::ForgeryAccepted => "forgery-accepted",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
        }
    }
}

/// What the sender had in mind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Intent {
    /// A callback that no receiver may take: unsigned, or changed after signing.
    Forged,
    /// One that it has to take.
    Genuine,
}

/// Judges an exchange.
pub(crate) fn judge(ack: &Ack, exchange: &Exchange, intent: Intent) -> Verdict {
    let (outcome, text) = match intent {
        Intent::Forged => forged(exchange),
        Intent::Genuine => genuine(ack, exchange),
    };
    Verdict { outcome, text }
}

/// A success, of whatever kind and however late, says that the callback was believed, and an error that it was not.
fn forged(exchange: &Exchange) -> (Outcome, String) {
    let after = after(exchange);
    let undecided = |why: String| {
        (Outcome::Undecided, format!("it is not known whether a forged callback is refused: {why}"))
    };
    if let Some(doubt) = doubt(exchange) {
        return undecided(doubt);
    }
    let answered = match &exchange.result {
        Err(Lost::Closed) => return undecided(closed(&after)),
        Err(Lost::TimedOut) => return undecided(timed_out(exchange)),
        Ok(answered) => answered,
    };
    let status = answered.status;
    match status {
        200..300 => (Outcome::ForgeryAccepted, format!("A FORGED CALLBACK WAS ACCEPTED: {status}, {after}")),
        400.. => {
            let code = code(answered).map(|code| format!(" {code}")).unwrap_or_default();
            let remark = match status {
                404 | 405 => "; if that is not the route of callbacks, it proves nothing",
                _ => "",
            };
            (Outcome::Refused, format!("refused, as it has to be: {status}{code}, {after}{remark}"))
        }
        _ => undecided(format!("{status} is neither an acknowledgement nor a refusal, {after}")),
    }
}

fn genuine(ack: &Ack, exchange: &Exchange) -> (Outcome, String) {
    if let Some(doubt) = doubt(exchange) {
        return (Outcome::Undecided, format!("it is not known what the app answers: {doubt}"));
    }
    let (good, why) = match &exchange.result {
        Err(Lost::Closed) => (false, closed(&after(exchange))),
        Err(Lost::TimedOut) if let Some(deadline) = ack.deadline().filter(|own| exchange.took < *own) => {
            let gave_up = format!(
                "gave up after {}, before the platform would, which waits {}: give --timeout {} or more",
                millis(exchange.took),
                millis(deadline),
                deadline.as_millis()
            );
            return (Outcome::Undecided, gave_up);
        }
        Err(Lost::TimedOut) => (false, timed_out(exchange)),
        Ok(answered) => answer(ack, answered, exchange.took),
    };
    match (good, ack.failure() == AckFailure::Blocks) {
        (true, true) => (Outcome::Acknowledged, format!("the administrator's action went through: {why}")),
        (true, false) => (Outcome::Acknowledged, format!("acknowledged: {why}")),
        (false, true) => (Outcome::Blocked, format!("the administrator would have been blocked: {why}")),
        (false, false) => (Outcome::Blocked, format!("not acknowledged: {why}")),
    }
}

/// Why what came back may be a proxy's own word. Over TLS it cannot be, and no proxy writes the codes of problem documents.
fn doubt(exchange: &Exchange) -> Option<String> {
    let proxy = exchange.proxy.as_ref().filter(|proxy| proxy.sees_answers)?;
    let after = after(exchange);
    match &exchange.result {
        Ok(answered) if matches!(answered.status, 407 | 502..=504) && code(answered).is_none() => {
            Some(format!("{}, {after}, may be the answer of the proxy {proxy} in its place", answered.status))
        }
        Err(Lost::Closed) => {
            Some(format!("the proxy {proxy} closed the connection without an answer, {after}"))
        }
        _ => None,
    }
}

fn after(exchange: &Exchange) -> String {
    format!("after {}", millis(exchange.took))
}

fn closed(after: &str) -> String {
    format!("the connection was closed without an answer, {after}")
}

fn timed_out(exchange: &Exchange) -> String {
    format!("no answer within {}", millis(exchange.took))
}

/// Whether the platform takes the answer as received, and why or why not.
fn answer(ack: &Ack, answered: &Answered, took: Duration) -> (bool, String) {
    let after = format!("after {}", millis(took));
    let status = answered.status;
    let late = ack.deadline().filter(|deadline| took > *deadline);
    let success = ack.status();
    // A platform that blocks nobody and documents no status is content with any success.
    let is_success =
        status == success || (ack.failure() != AckFailure::Blocks && (200..300).contains(&status));
    match (is_success, late) {
        (true, None) => (true, format!("{status}, {after}")),
        (true, Some(deadline)) => (false, format!("{status} came {after}, later than {}", millis(deadline))),
        (false, _) => {
            let code = code(answered).map(|code| format!(" {code}")).unwrap_or_default();
            let remark = match status {
                200..300 => format!(" instead of {success}"),
                300..400 => ", a redirect, which the platform does not follow".into(),
                _ => String::new(),
            };
            (false, format!("{status}{code}{remark}, {after}"))
        }
    }
}

/// The stable code of a problem document (RFC 9457), if the answer is one.
pub(crate) fn code(answered: &Answered) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        code: String,
    }

    let problem: Problem = serde_json::from_slice(&answered.body).ok()?;
    let is_code = !problem.code.is_empty()
        && problem.code.len() <= 64
        && problem.code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    is_code.then(|| one_line(&problem.code))
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Proxy;
    use lifecycle_core::{securityscorecard, seismic};

    fn exchange(status: u16, body: &'static str, took: u64) -> Exchange {
        let answered = Answered { status, body: body.into() };
        Exchange { result: Ok(answered), proxy: None, took: Duration::from_millis(took) }
    }

    fn unanswered(lost: Lost, took: u64) -> Exchange {
        Exchange { result: Err(lost), proxy: None, took: Duration::from_millis(took) }
    }

    #[test]
    fn seismic_takes_only_its_status_and_only_in_time() {
        let problem = r#"{"title":"t","code":"signature-mismatch"}"#;
        for (status, body, took, expected) in [
            (202, "", 12, "the administrator's action went through: 202, after 12 ms"),
            (202, "", 3000, "the administrator's action went through: 202, after 3000 ms"),
            (
                202,
                "",
                3001,
                "the administrator would have been blocked: 202 came after 3001 ms, later than 3000 ms",
            ),
            (200, "", 12, "the administrator would have been blocked: 200 instead of 202, after 12 ms"),
            (
                401,
                problem,
                12,
                "the administrator would have been blocked: 401 signature-mismatch, after 12 ms",
            ),
            (500, "<html>", 12, "the administrator would have been blocked: 500, after 12 ms"),
            (
                307,
                "",
                12,
                "the administrator would have been blocked: 307, a redirect, which the platform does not follow, after 12 ms",
            ),
        ] {
            assert_eq!(judge(&seismic::ACK, &exchange(status, body, took), Intent::Genuine).text, expected);
        }
    }

    #[test]
    fn a_forged_callback_is_accepted_by_any_success_and_refused_by_any_error() {
        let problem = r#"{"title":"t","code":"signature-mismatch"}"#;
        for (status, body, took, outcome, expected) in [
            (202, "", 12, Outcome::ForgeryAccepted, "A FORGED CALLBACK WAS ACCEPTED: 202, after 12 ms"),
            (202, "", 9000, Outcome::ForgeryAccepted, "A FORGED CALLBACK WAS ACCEPTED: 202, after 9000 ms"),
            (200, "", 12, Outcome::ForgeryAccepted, "A FORGED CALLBACK WAS ACCEPTED: 200, after 12 ms"),
            (
                401,
                problem,
                12,
                Outcome::Refused,
                "refused, as it has to be: 401 signature-mismatch, after 12 ms",
            ),
            (
                404,
                "",
                12,
                Outcome::Refused,
                "refused, as it has to be: 404, after 12 ms; if that is not the route of callbacks, it proves nothing",
            ),
            (
                307,
                "",
                12,
                Outcome::Undecided,
                "it is not known whether a forged callback is refused: \
                 307 is neither an acknowledgement nor a refusal, after 12 ms",
            ),
        ] {
            let verdict = judge(&seismic::ACK, &exchange(status, body, took), Intent::Forged);
            assert_eq!((verdict.outcome, verdict.text.as_str()), (outcome, expected));
        }
        for lost in [Lost::Closed, Lost::TimedOut] {
            let verdict = judge(&seismic::ACK, &unanswered(lost, 3001), Intent::Forged);
            assert_eq!(verdict.outcome, Outcome::Undecided, "the handler may have run: {}", verdict.text);
        }
    }

    #[test]
    fn who_gives_up_before_the_platform_knows_nothing() {
        let early = judge(&seismic::ACK, &unanswered(Lost::TimedOut, 1001), Intent::Genuine);
        assert_eq!(early.outcome, Outcome::Undecided);
        assert_eq!(
            early.text,
            "gave up after 1001 ms, before the platform would, which waits 3000 ms: give --timeout 3000 or more"
        );
        let late = judge(&seismic::ACK, &unanswered(Lost::TimedOut, 3000), Intent::Genuine);
        assert_eq!(late.outcome, Outcome::Blocked);
    }

    #[test]
    fn what_a_proxy_may_have_answered_is_not_held_against_the_app() {
        let problem = r#"{"title":"t","code":"unavailable"}"#;
        for (status, body, url, outcome) in [
            (503, "", "http://app.example/", Outcome::Undecided),
            (407, "", "http://app.example/", Outcome::Undecided),
            (503, problem, "http://app.example/", Outcome::Blocked),
            (401, "", "http://app.example/", Outcome::Blocked),
            (202, "", "http://app.example/", Outcome::Acknowledged),
            (503, "", "https://app.example/", Outcome::Blocked),
        ] {
            let mut exchange = exchange(status, body, 12);
            exchange.proxy = Some(Proxy::new("proxy.example:3128", &url.parse().unwrap()));
            let verdict = judge(&seismic::ACK, &exchange, Intent::Genuine);
            assert_eq!(verdict.outcome, outcome, "{status} {body} {url}");
            let names_it = verdict.text.contains("may be the answer of the proxy proxy.example:3128");
            assert_eq!(names_it, outcome == Outcome::Undecided, "{}", verdict.text);
        }
    }

    #[test]
    fn a_platform_that_blocks_nobody_is_content_with_any_success() {
        for (status, outcome) in [
            (200, Outcome::Acknowledged),
            (204, Outcome::Acknowledged),
            (302, Outcome::Blocked),
            (404, Outcome::Blocked),
        ] {
            let verdict = judge(&securityscorecard::ACK, &exchange(status, "", 9000), Intent::Genuine);
            assert_eq!(verdict.outcome, outcome, "{}", verdict.text);
            assert!(!verdict.text.contains("blocked"), "{}", verdict.text);
        }
    }

    #[test]
    fn no_answer_blocks() {
        for (lost, expected) in [
            (Lost::Closed, "the connection was closed without an answer, after 3001 ms"),
            (Lost::TimedOut, "no answer within 3001 ms"),
        ] {
            let verdict = judge(&seismic::ACK, &unanswered(lost, 3001), Intent::Genuine);
            assert_eq!(verdict.text, format!("the administrator would have been blocked: {expected}"));
        }
    }

    #[test]
    fn only_a_plain_code_is_repeated() {
        let answered = |body| Answered { status: 401, body };
        assert_eq!(code(&answered(r#"{"code":"stale"}"#.into())).as_deref(), Some("stale"));
        assert_eq!(code(&answered("{\"code\":\"\\u001b[2J\"}".into())), None);
        assert_eq!(code(&answered(r#"{"code":7}"#.into())), None);
        assert_eq!(code(&answered("".into())), None);
    }
}
