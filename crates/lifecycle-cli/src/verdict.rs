//! Verdict: what a marketplace would make of an answer, in words.

use std::time::Duration;

use lifecycle_core::{Ack, AckFailure};
use lifecycle_testing::{Answer, Consequence, Judgement, Reason};
use serde::Deserialize;

use crate::client::{Answered, Exchange, Lost};
use crate::shown::one_line;

/// What a marketplace would make of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// The whole of it in words.
    pub(crate) text: String,
    /// The same for a line among others.
    pub(crate) short: String,
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

/// How a platform judges an answer to what it sent, or that there was none after this time.
pub(crate) struct Judge<'a> {
    pub(crate) ack: &'a Ack,
    pub(crate) of: &'a dyn Fn(Option<Answer<'_>>, Duration) -> Judgement,
}

impl Judge<'_> {
    /// Judges an exchange.
    pub(crate) fn verdict(&self, exchange: &Exchange, intent: Intent) -> Verdict {
        match intent {
            Intent::Forged => forged(exchange),
            Intent::Genuine => self.genuine(exchange),
        }
    }

    fn genuine(&self, exchange: &Exchange) -> Verdict {
        if let Some(doubt) = doubt(exchange) {
            return Verdict::undecided(format!("it is not known what the app answers: {doubt}"));
        }
        let answered = exchange.result.as_ref().ok();
        let judged = (self.of)(answered.map(Answered::answer), exchange.took);
        let later = self.ack.deadline().filter(|own| exchange.took < *own);
        if let (Err(Lost::TimedOut), Some(deadline)) = (&exchange.result, later) {
            return Verdict::undecided(format!(
                "gave up after {}, before the platform would, which waits {}: give --timeout {} or more",
                millis(exchange.took),
                millis(deadline),
                deadline.as_millis()
            ));
        }
        let mut why = match &exchange.result {
            Err(Lost::Closed) => closed(&after(exchange)),
            Err(Lost::TimedOut) => timed_out(exchange),
            Ok(answered) => because(judged.reason, answered, exchange),
        };
        let blocks = self.ack.failure() == AckFailure::Blocks;
        let (outcome, short, long) = match judged.consequence {
            Consequence::Accepted => {
                why.push_str(&self.haste(exchange.took));
                let long = if blocks { "the administrator's action went through" } else { "acknowledged" };
                return Verdict::new(Outcome::Acknowledged, why.clone(), long, &why);
            }
            Consequence::Blocked if blocks => {
                (Outcome::Blocked, "blocked", "the administrator would have been blocked".to_owned())
            }
            Consequence::Blocked => {
                (Outcome::Blocked, "not taken", "the platform would not take this URL".to_owned())
            }
            Consequence::Retried { at_most } => {
                let long = format!("not acknowledged, and sent again for {}", span(at_most));
                (Outcome::Blocked, "not acknowledged", long)
            }
            _ => (Outcome::Blocked, "not acknowledged", "not acknowledged, and not sent again".to_owned()),
        };
        Verdict::new(outcome, format!("{short}: {why}"), &long, &why)
    }

    /// How near the deadline an answer came, where that is near: a busy minute may block what was in time today.
    fn haste(&self, took: Duration) -> String {
        match self.ack.deadline() {
            Some(deadline) if took > deadline * 2 / 3 => {
                format!(", only {} before the deadline", millis(deadline.saturating_sub(took)))
            }
            _ => String::new(),
        }
    }
}

impl Verdict {
    fn new(outcome: Outcome, short: String, long: &str, why: &str) -> Self {
        Self { outcome, text: format!("{long}: {why}"), short }
    }

    fn undecided(text: String) -> Self {
        Self { outcome: Outcome::Undecided, short: text.clone(), text }
    }
}

/// A success, of whatever kind and however late, says that the callback was believed, and an error that it was not.
fn forged(exchange: &Exchange) -> Verdict {
    let after = after(exchange);
    let undecided = |why: String| {
        Verdict::undecided(format!("it is not known whether a forged callback is refused: {why}"))
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
        200..300 => {
            let why = format!("{status}, {after}");
            let short = format!("FORGERY ACCEPTED: {why}");
            Verdict::new(Outcome::ForgeryAccepted, short, "A FORGED CALLBACK WAS ACCEPTED", &why)
        }
        400.. => {
            let code = code(answered).map(|code| format!(" {code}")).unwrap_or_default();
            let remark = match status {
                404 | 405 => "; if that is not the route of callbacks, it proves nothing",
                _ => "",
            };
            let why = format!("{status}{code}, {after}{remark}");
            Verdict::new(Outcome::Refused, format!("refused: {why}"), "refused, as it has to be", &why)
        }
        _ => undecided(format!("{status} is neither an acknowledgement nor a refusal, {after}")),
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

/// Why an answer is judged as it is, with its status and time.
fn because(reason: Reason, answered: &Answered, exchange: &Exchange) -> String {
    let (status, after) = (answered.status, after(exchange));
    match reason {
        Reason::Late { deadline } => format!("{status} came {after}, later than {}", millis(deadline)),
        Reason::Redirect(_) => format!("{status}, a redirect, which the platform does not follow, {after}"),
        Reason::Status { expected, .. } if (200..300).contains(&status) => {
            format!("{status} instead of {expected}, {after}")
        }
        Reason::Status { .. } => {
            let code = code(answered).map(|code| format!(" {code}")).unwrap_or_default();
            format!("{status}{code}, {after}")
        }
        Reason::Acknowledged(_) => format!("{status}, {after}"),
        other => format!("{status}, {other}, {after}"),
    }
}

/// In the largest unit that is whole.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
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
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::platform;
    use crate::proxy::Proxy;

    /// What a platform makes of it.
    fn judge(platform: &str, exchange: &Exchange, intent: Intent) -> Verdict {
        let sender = platform::named(platform).unwrap();
        let judge = Judge { ack: sender.platform().ack(), of: &|answer, took| sender.judge(answer, took) };
        judge.verdict(exchange, intent)
    }

    fn exchange(status: u16, body: &'static str, took: u64) -> Exchange {
        let answered = Answered { status, headers: HeaderMap::new(), body: body.into() };
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
            (202, "", 2000, "the administrator's action went through: 202, after 2000 ms"),
            (
                202,
                "",
                2600,
                "the administrator's action went through: 202, after 2600 ms, only 400 ms before the deadline",
            ),
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
            assert_eq!(judge("seismic", &exchange(status, body, took), Intent::Genuine).text, expected);
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
            let verdict = judge("seismic", &exchange(status, body, took), Intent::Forged);
            assert_eq!((verdict.outcome, verdict.text.as_str()), (outcome, expected));
        }
        for lost in [Lost::Closed, Lost::TimedOut] {
            let verdict = judge("seismic", &unanswered(lost, 3001), Intent::Forged);
            assert_eq!(verdict.outcome, Outcome::Undecided, "the handler may have run: {}", verdict.text);
        }
    }

    #[test]
    fn who_gives_up_before_the_platform_knows_nothing() {
        let early = judge("seismic", &unanswered(Lost::TimedOut, 1001), Intent::Genuine);
        assert_eq!(early.outcome, Outcome::Undecided);
        assert_eq!(
            early.text,
            "gave up after 1001 ms, before the platform would, which waits 3000 ms: give --timeout 3000 or more"
        );
        let late = judge("seismic", &unanswered(Lost::TimedOut, 3000), Intent::Genuine);
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
            let verdict = judge("seismic", &exchange, Intent::Genuine);
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
            let verdict = judge("securityscorecard", &exchange(status, "", 9000), Intent::Genuine);
            assert_eq!(verdict.outcome, outcome, "{}", verdict.text);
            assert!(!verdict.text.contains("blocked"), "{}", verdict.text);
        }
    }

    #[test]
    fn what_follows_is_told_as_the_platform_does_it() {
        for (platform, status, expected) in [
            ("github", 500, "not acknowledged, and not sent again: 500, after 12 ms"),
            ("github", 202, "acknowledged: 202, after 12 ms"),
            ("slack", 503, "not acknowledged, and sent again for 24 h: 503, after 12 ms"),
            (
                "stripe",
                302,
                "not acknowledged, and sent again for 72 h: 302, a redirect, which the platform does not follow, after 12 ms",
            ),
            (
                "discord",
                204,
                "not acknowledged, and sent again for 10 min: 204, no content type where one is required, after 12 ms",
            ),
        ] {
            assert_eq!(judge(platform, &exchange(status, "", 12), Intent::Genuine).text, expected);
        }
        let discord = platform::named("discord").unwrap();
        let ping = discord.handshake().unwrap();
        let of = &|answer: Option<Answer<'_>>, took| ping.judge(answer, took);
        let verdict =
            Judge { ack: discord.platform().ack(), of }.verdict(&exchange(401, "", 12), Intent::Genuine);
        assert_eq!(verdict.text, "the platform would not take this URL: 401, after 12 ms");
    }

    #[test]
    fn no_answer_blocks() {
        for (lost, expected) in [
            (Lost::Closed, "the connection was closed without an answer, after 3001 ms"),
            (Lost::TimedOut, "no answer within 3001 ms"),
        ] {
            let verdict = judge("seismic", &unanswered(lost, 3001), Intent::Genuine);
            assert_eq!(verdict.text, format!("the administrator would have been blocked: {expected}"));
        }
    }

    #[test]
    fn only_a_plain_code_is_repeated() {
        let answered = |body| Answered { status: 401, headers: HeaderMap::new(), body };
        assert_eq!(code(&answered(r#"{"code":"stale"}"#.into())).as_deref(), Some("stale"));
        assert_eq!(code(&answered("{\"code\":\"\\u001b[2J\"}".into())), None);
        assert_eq!(code(&answered(r#"{"code":7}"#.into())), None);
        assert_eq!(code(&answered("".into())), None);
    }
}
