//! Headline: what came of a click, in the words that an administrator would understand within five seconds.

use std::fmt;
use std::time::Duration;

use lifecycle_core::AckFailure;
use serde::Serialize;

use crate::bidi::isolated;
use crate::delivery::{Delivery, Effect, Role, State};
use crate::forgery::{Duty, Forgery};
use crate::platform::Platform;

/// A verdict to be read at a glance, and the sentence behind it: the event, for whom, and what came of it. The name of a tenant
/// stands by itself, as it may be written from right to left.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Headline {
    pub(crate) tone: Tone,
    pub(crate) label: &'static str,
    pub(crate) event: String,
    /// Empty where it is about no tenant.
    pub(crate) tenant: String,
    pub(crate) rest: String,
}

/// How a headline feels.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tone {
    Bad,
    Good,
    Idle,
    /// It went well, and not by much.
    Warn,
}

impl fmt::Display for Headline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label, self.event)?;
        if !self.tenant.is_empty() {
            write!(f, " for {}", isolated(&self.tenant))?;
        }
        f.write_str(&self.rest)
    }
}

impl Headline {
    /// What one delivery to an app for a tenant came to.
    pub(crate) fn of(delivery: &Delivery, platform: Platform, tenant: &str) -> Self {
        let is_handshake = platform.is_handshake(&delivery.request.event);
        let took = delivery.elapsed.map(duration).unwrap_or_default();
        let (tone, label, rest) = match delivery.forgery {
            Some(forgery) => of_forgery(delivery, forgery, &took),
            None => of_genuine(delivery, platform, is_handshake, &took),
        };
        let event = match delivery.forgery {
            Some(forgery) => format!("{} ({})", forgery.title(), event(&delivery.request.event)),
            None if is_handshake => format!("Handshake {}", delivery.request.event),
            None => event(&delivery.request.event),
        };
        let tenant = if is_handshake { String::new() } else { tenant.to_owned() };
        Self { tone, label, event, tenant, rest }
    }

    /// Whether it is as it should be, or nothing can be said against it.
    pub(crate) fn is_good(&self) -> bool {
        self.tone != Tone::Bad
    }

    /// Of several copies the one that decides: the first that failed, or that is still on its way.
    pub(crate) fn of_batch(batch: &[Delivery], platform: Platform, tenant: &str) -> Option<Self> {
        let deciding = |state| batch.iter().find(|delivery| delivery.state == state);
        let delivery = deciding(State::Sending).or_else(|| deciding(State::Failed)).or(batch.first());
        delivery.map(|delivery| Self::of(delivery, platform, tenant))
    }
}

type Verdict = (Tone, &'static str, String);

fn of_genuine(delivery: &Delivery, platform: Platform, is_handshake: bool, took: &str) -> Verdict {
    let failed = failure(delivery, took);
    let again = match delivery.role {
        Role::Action | Role::Late => "",
        Role::Duplicate => " (the duplicate)",
        Role::Repeat => " (sent again)",
    };
    match (delivery.state, delivery.effect) {
        (State::Sending, _) => {
            let limit = duration(platform.deadline()).replace(".0", "");
            (
                Tone::Idle,
                "Waiting for the app",
                format!("{again} is on its way; the app has {limit} to answer."),
            )
        }
        (State::Held, _) => (
            Tone::Idle,
            "Held back",
            " has not reached the app; to the administrator it timed out. Send it later.".to_owned(),
        ),
        (State::Acknowledged, Effect::Applied) if platform.blocks() => {
            let (tone, spare) = spare(delivery, platform);
            (tone, "Went through", format!("{again} went through in {took}{spare}."))
        }
        (State::Acknowledged, Effect::Blocked) if delivery.role == Role::Late => (
            Tone::Good,
            "Acknowledged",
            format!(" arrived late and was acknowledged in {took}; the administrator had given up."),
        ),
        (State::Acknowledged, Effect::Blocked) => {
            (Tone::Bad, "BLOCKED", format!("{again} was acknowledged in {took}, but the other copy was not."))
        }
        (State::Acknowledged, _) if is_handshake => {
            (Tone::Good, "URL taken", format!(" was answered as the platform wants it, in {took}."))
        }
        (State::Acknowledged, _) => {
            let (tone, spare) = spare(delivery, platform);
            (tone, "Acknowledged", format!("{again} was acknowledged in {took}{spare}."))
        }
        (State::Failed, _) if is_handshake => {
            (Tone::Bad, "URL NOT TAKEN", format!(": {failed} The platform does not let this URL be saved."))
        }
        (State::Failed, _) if delivery.role == Role::Late => {
            (Tone::Bad, "NOT ACKNOWLEDGED", format!(" arrived late: {failed}"))
        }
        (State::Failed, Effect::Blocked) if platform.blocks() => {
            (Tone::Bad, "BLOCKED", format!("{again}: {failed} The administrator sees an error."))
        }
        (State::Failed, _) => lost(delivery, platform, again, &failed),
    }
}

/// What nobody waited for: the action has happened, and the app does not know.
fn lost(delivery: &Delivery, platform: Platform, again: &str, failed: &str) -> Verdict {
    let tells = platform.sample(&delivery.request.event).is_some();
    if platform.blocks() || !tells || delivery.role != Role::Action {
        return (Tone::Bad, "NOT ACKNOWLEDGED", format!("{again}: {failed}"));
    }
    let title = platform.title();
    if let AckFailure::Retried { at_most } = platform.core().ack().failure() {
        let at_most = long(at_most);
        let rest =
            format!("{again}: {failed} It has happened, and {title} sends it again for up to {at_most}.");
        return (Tone::Warn, "RETRIED", rest);
    }
    let rest = format!("{again}: {failed} It has happened, and {title} does not tell of it again.");
    (Tone::Bad, "LOST", rest)
}

fn of_forgery(delivery: &Delivery, forgery: Forgery, took: &str) -> Verdict {
    let status = delivery.answer.as_ref().map(|answer| answer.status);
    let failed = failure(delivery, took);
    let took_it = matches!(status, Some(200..300));
    match (forgery.duty(), status) {
        _ if delivery.state == State::Sending => {
            (Tone::Idle, "Waiting for the app", " is on its way.".to_owned())
        }
        (Duty::Refuse, _) if took_it => {
            let rest = format!(
                ": the app took it with {} in {took}. Anybody could send this.",
                status.unwrap_or_default()
            );
            (Tone::Bad, "FORGERY ACCEPTED", rest)
        }
        (Duty::Refuse | Duty::Take, Some(404 | 405)) => {
            (Tone::Idle, "Nothing proven", format!(": {failed} No callback is answered at this URL."))
        }
        (Duty::Refuse, Some(400..500)) => (Tone::Good, "Refused, as it has to be", format!(": {failed}")),
        (Duty::Refuse, _) => {
            (Tone::Idle, "Nothing proven", format!(": {failed} The app did not refuse it, it failed."))
        }
        (Duty::Take, _) if delivery.state == State::Acknowledged => {
            (Tone::Good, "Taken, as it has to be", format!(" was acknowledged in {took}."))
        }
        (Duty::Take, _) => {
            (Tone::Bad, "NOT TAKEN", format!(": {failed} A new kind of event must not fail at this app."))
        }
        (Duty::Judge, _) => {
            let rest = format!(
                ": the app answered {} in {took}. Look at what it made of it.",
                status.map_or_else(|| "nothing".to_owned(), |status| status.to_string())
            );
            (Tone::Idle, "Up to you", rest)
        }
        (Duty::Answer, None) if delivery.cause.as_ref().is_some_and(|cause| cause.code == "late") => {
            (Tone::Bad, "STILL WAITING", format!(": {failed} Give bodies a time limit."))
        }
        (Duty::Answer, None) => (Tone::Good, "Cut off, as it has to be", format!(": {failed}")),
        (Duty::Answer, _) if took_it => {
            (Tone::Bad, "TAKEN", format!(": the app took half of a body in {took}."))
        }
        (Duty::Answer, _) => (Tone::Good, "Cut off, as it has to be", format!(": {failed}")),
    }
}

/// The cause as a sentence.
fn failure(delivery: &Delivery, took: &str) -> String {
    let cause = delivery.cause.as_ref().map_or_else(String::new, |cause| cause.text.clone());
    match delivery.answer {
        Some(_) => format!("{cause} after {took}."),
        None if cause.ends_with('?') => cause,
        None => format!("{cause}."),
    }
}

/// An answer in the last third of the time is told so.
fn spare(delivery: &Delivery, platform: Platform) -> (Tone, String) {
    let Some(limit) = platform.core().ack().deadline() else { return (Tone::Good, String::new()) };
    let spare = limit.saturating_sub(delivery.elapsed.unwrap_or_default());
    if spare * 3 > limit {
        return (Tone::Good, String::new());
    }
    (Tone::Warn, format!(", with {} to spare", duration(spare)))
}

/// An event as a title: `Install`, `Action notify_channel`.
pub(crate) fn event(name: &str) -> String {
    if let Some(action) = name.strip_prefix("action:") {
        return format!("Action {action}");
    }
    if let Some(action) = name.strip_prefix("settings:") {
        return format!("Settings of {action}");
    }
    if !lifecycle_core::EventKind::from_name(name).is_known() {
        return name.to_owned();
    }
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A time such as `0.4 ms`, `12 ms` or `2.3 s`.
pub(crate) fn duration(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        micros @ 1_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{:.1} s", time.as_secs_f32()),
    }
}

/// A time such as `5 min`, `36 h` or `3 days`.
pub(crate) fn long(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use lifecycle_core::{github, seismic, slack};

    use super::*;
    use crate::delivery::{Answer, Cause, Request};
    use crate::moment::Moment;

    fn delivery(role: Role, state: State, effect: Effect, cause: Option<Cause>) -> Delivery {
        let answered = cause.as_ref().and_then(|cause| cause.text[..3].parse().ok());
        let answer =
            answered.map(|status| Answer { status, headers: vec![], body: String::new(), truncated: false });
        let request = Request {
            event: "install".into(),
            method: "POST".into(),
            url: String::new(),
            headers: vec![],
            body: String::new(),
        };
        Delivery {
            id: 1,
            app: 1,
            tenant: 1,
            request,
            occurrence: None,
            forgery: None,
            batch: 1,
            repeats: None,
            role,
            created_at: Moment(0),
            state,
            effect,
            answer,
            cause,
            elapsed: Some(Duration::from_millis(12)),
        }
    }

    fn headline(delivery: &Delivery) -> String {
        Headline::of(delivery, Platform::of(&seismic::PLATFORM), "Acme").to_string()
    }

    fn mismatch() -> Cause {
        Cause::new("signature-mismatch", "401 signature-mismatch")
    }

    #[test]
    fn a_headline_says_whether_an_administrator_was_blocked_and_why() {
        let late = || Some(Cause::new("late", "no answer within 3 s"));
        let refused =
            || Some(Cause::new("connection-refused", "connection refused: is the app running at x:1?"));
        for (role, state, effect, cause, expected) in [
            (
                Role::Action,
                State::Acknowledged,
                Effect::Applied,
                None,
                "Went through: Install for Acme went through in 12 ms.",
            ),
            (
                Role::Action,
                State::Failed,
                Effect::Blocked,
                Some(mismatch()),
                "BLOCKED: Install for Acme: 401 signature-mismatch after 12 ms. The administrator sees an error.",
            ),
            (
                Role::Action,
                State::Failed,
                Effect::Blocked,
                late(),
                "BLOCKED: Install for Acme: no answer within 3 s. The administrator sees an error.",
            ),
            (
                Role::Action,
                State::Failed,
                Effect::Blocked,
                refused(),
                "BLOCKED: Install for Acme: connection refused: is the app running at x:1? The administrator sees an error.",
            ),
            (
                Role::Repeat,
                State::Acknowledged,
                Effect::None,
                None,
                "Acknowledged: Install for Acme (sent again) was acknowledged in 12 ms.",
            ),
            (
                Role::Duplicate,
                State::Failed,
                Effect::Blocked,
                Some(mismatch()),
                "BLOCKED: Install for Acme (the duplicate): 401 signature-mismatch after 12 ms. The administrator sees an error.",
            ),
            (
                Role::Late,
                State::Acknowledged,
                Effect::Blocked,
                None,
                "Acknowledged: Install for Acme arrived late and was acknowledged in 12 ms; the administrator had given up.",
            ),
        ] {
            assert_eq!(headline(&delivery(role, state, effect, cause)), expected);
        }
    }

    #[test]
    fn an_answer_in_the_last_third_of_the_time_is_no_plain_success() {
        let mut slow = delivery(Role::Action, State::Acknowledged, Effect::Applied, None);
        slow.elapsed = Some(Duration::from_millis(2_600));
        let headline = Headline::of(&slow, Platform::of(&seismic::PLATFORM), "Acme");
        assert_eq!(headline.tone, Tone::Warn);
        assert!(headline.to_string().ends_with("in 2.6 s, with 400 ms to spare."), "{headline}");
    }

    #[test]
    fn each_platform_has_its_own_word_for_an_event_that_did_not_arrive() {
        let failed = delivery(Role::Action, State::Failed, Effect::Applied, Some(mismatch()));
        let told = |platform| Headline::of(&failed, Platform::of(platform), "Acme").to_string();
        assert!(told(&github::PLATFORM).starts_with("LOST: "), "{}", told(&github::PLATFORM));
        let mut uninstalled = failed.clone();
        uninstalled.request.event = "uninstall".into();
        let slack = Headline::of(&uninstalled, Platform::of(&slack::PLATFORM), "Acme").to_string();
        assert!(slack.starts_with("RETRIED: ") && slack.ends_with("for up to 24 h."), "{slack}");
    }

    #[test]
    fn a_forgery_that_is_refused_is_good_and_one_that_is_taken_is_bad() {
        let mut refused = delivery(Role::Action, State::Failed, Effect::None, Some(mismatch()));
        refused.forgery = Some(Forgery::Unsigned);
        assert!(headline(&refused).starts_with("Refused, as it has to be: Unsigned (Install) for Acme: 401"));
        let mut taken = refused.clone();
        taken.answer.as_mut().unwrap().status = 200;
        assert!(headline(&taken).starts_with("FORGERY ACCEPTED: "), "also where the platform wants 202");
        taken.answer.as_mut().unwrap().status = 404;
        assert!(headline(&taken).starts_with("Nothing proven: "), "{}", headline(&taken));
    }

    #[test]
    fn a_time_is_short() {
        for (micros, text) in [(400, "0.4 ms"), (12_345, "12 ms"), (2_345_000, "2.3 s")] {
            assert_eq!(duration(Duration::from_micros(micros)), text);
        }
        assert_eq!(
            [30, 300, 129_600, 259_200].map(|s| long(Duration::from_secs(s))),
            ["30 s", "5 min", "36 h", "3 days"]
        );
    }
}
