//! Verdict: what an answer means to the platform, by its acknowledgement policy.

use std::time::Duration;

use lifecycle_core::{Ack, AckFailure};
use serde_json::Value;

use crate::courier::Sent;
use crate::delivery::{Answer, Cause};

/// How long is waited where the platform names no deadline.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the platform waits for an answer.
pub(crate) fn deadline(ack: &Ack) -> Duration {
    ack.deadline().unwrap_or(PATIENCE)
}

/// Whether an exchange counts as acknowledged, and why if not.
pub(crate) fn judge(ack: &Ack, sent: &Sent) -> Result<(), Cause> {
    let answer = sent.answer.as_ref().map_err(Clone::clone)?;
    if answer.status == ack.status() {
        return Ok(());
    }
    // Where no action waits, the platform names no exact status: any success will do.
    if ack.failure() != AckFailure::Blocks && (200..300).contains(&answer.status) {
        return Ok(());
    }
    Err(refusal(ack, answer))
}

fn refusal(ack: &Ack, answer: &Answer) -> Cause {
    let status = answer.status;
    match status {
        200..300 => Cause::new("wrong-status", format!("{status} where {} is required", ack.status())),
        300..400 => Cause::new("redirect", format!("redirect {status}: the platform follows none")),
        _ => match problem_code(answer) {
            Some(code) => Cause::new(&code, format!("{status} {code}")),
            None => Cause::new("error-status", format!("status {status}")),
        },
    }
}

/// The stable code of a problem document, if the app sends one.
fn problem_code(answer: &Answer) -> Option<String> {
    let problem: Value = serde_json::from_str(&answer.body).ok()?;
    let code = problem.get("code")?.as_str()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (!code.is_empty() && code.len() <= 64 && code.bytes().all(plain)).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lifecycle_core::{securityscorecard, seismic};

    fn judged(ack: &Ack, status: u16, body: &str) -> Option<(String, String)> {
        let answer = Answer { status, headers: vec![], body: body.into(), truncated: false };
        let sent = Sent { answer: Ok(answer), elapsed: Duration::ZERO };
        judge(ack, &sent).err().map(|cause| (cause.code, cause.text))
    }

    #[test]
    fn only_the_exact_acknowledgement_lets_an_action_through() {
        let ack = seismic::PLATFORM.ack();
        let mismatch = r#"{"title":"x","status":401,"code":"signature-mismatch"}"#;
        for (status, body, code, text) in [
            (200, "", "wrong-status", "200 where 202 is required"),
            (204, "", "wrong-status", "204 where 202 is required"),
            (302, "", "redirect", "redirect 302: the platform follows none"),
            (401, mismatch, "signature-mismatch", "401 signature-mismatch"),
            (401, "", "error-status", "status 401"),
            (500, "<h1>Oops</h1>", "error-status", "status 500"),
            (500, r#"{"code":7}"#, "error-status", "status 500"),
            (500, r#"{"code":"<script>"}"#, "error-status", "status 500"),
        ] {
            assert_eq!(judged(ack, status, body), Some((code.into(), text.into())), "{status} {body}");
        }
        assert_eq!(judged(ack, 202, "anything"), None);
    }

    #[test]
    fn where_nothing_waits_any_success_will_do() {
        let ack = securityscorecard::PLATFORM.ack();
        assert_eq!(judged(ack, 200, ""), None);
        assert_eq!(judged(ack, 204, ""), None);
        assert_eq!(judged(ack, 404, "").unwrap().0, "error-status");
    }
}
