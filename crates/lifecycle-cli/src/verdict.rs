//! Verdict: what a marketplace would make of an answer, by its acknowledgement policy.

use std::time::Duration;

use lifecycle_core::AckPolicy;
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
}

impl Outcome {
    /// The name that JSON uses.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Blocked => "blocked",
            Self::ForgeryAccepted => "forgery-accepted",
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
pub(crate) fn judge(ack: &AckPolicy, exchange: &Exchange, intent: Intent) -> Verdict {
    let took = millis(exchange.took);
    let (good, why) = match &exchange.result {
        Err(Lost::Closed) => (false, format!("the connection was closed without an answer, after {took}")),
        Err(Lost::TimedOut) => (false, format!("no answer within {took}")),
        Ok(answered) => answer(ack, answered, exchange.took),
    };
    let text = match (good, intent, ack.failure_blocks_action()) {
        (true, Intent::Forged, _) => format!("a forged callback was accepted: {why}"),
        (true, Intent::Genuine, true) => format!("the administrator's action went through: {why}"),
        (true, Intent::Genuine, false) => format!("acknowledged: {why}"),
        (false, _, true) => format!("the administrator would have been blocked: {why}"),
        (false, _, false) => format!("not acknowledged: {why}"),
    };
    let outcome = match (good, intent) {
        (true, Intent::Forged) => Outcome::ForgeryAccepted,
        (true, Intent::Genuine) => Outcome::Acknowledged,
        (false, _) => Outcome::Blocked,
    };
    Verdict { outcome, text }
}

/// Whether the platform takes the answer as received, and why or why not.
fn answer(ack: &AckPolicy, answered: &Answered, took: Duration) -> (bool, String) {
    let after = format!("after {}", millis(took));
    let status = answered.status;
    let late = ack.deadline_after().filter(|deadline| took > *deadline);
    let success = ack.success();
    // A platform that blocks nobody and documents no status is content with any success.
    let is_success = status == success || (!ack.failure_blocks_action() && (200..300).contains(&status));
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
    use lifecycle_core::{securityscorecard, seismic};

    fn exchange(status: u16, body: &'static str, took: u64) -> Exchange {
        let answered = Answered { status, body: body.into() };
        Exchange { result: Ok(answered), took: Duration::from_millis(took) }
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
    fn a_forgery_that_is_accepted_is_never_well() {
        let verdict = judge(&seismic::ACK, &exchange(202, "", 12), Intent::Forged);
        assert_eq!(verdict.outcome, Outcome::ForgeryAccepted);
        assert_eq!(verdict.text, "a forged callback was accepted: 202, after 12 ms");
        let refused = judge(&seismic::ACK, &exchange(401, "", 12), Intent::Forged);
        assert_eq!(refused.outcome, Outcome::Blocked);
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
            (Lost::Closed, "the connection was closed without an answer, after 7 ms"),
            (Lost::TimedOut, "no answer within 7 ms"),
        ] {
            let exchange = Exchange { result: Err(lost), took: Duration::from_millis(7) };
            let verdict = judge(&seismic::ACK, &exchange, Intent::Genuine);
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
