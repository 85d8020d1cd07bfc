//! Headline: what came of a click, in the words that an administrator would understand within five seconds.

use std::time::Duration;

use serde::Serialize;

use crate::delivery::{Delivery, Effect, Role, State};
use crate::platform::Platform;

/// A verdict to be read at a glance, and the sentence behind it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Headline {
    pub(crate) tone: Tone,
    pub(crate) label: &'static str,
    pub(crate) text: String,
}

/// How a headline feels.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tone {
    Bad,
    Good,
    Idle,
}

impl Headline {
    /// What one delivery to an app for a tenant came to.
    pub(crate) fn of(delivery: &Delivery, platform: Platform, tenant: &str) -> Self {
        let what = format!("{} for {tenant}", event(&delivery.request.event));
        let took = delivery.elapsed.map(duration).unwrap_or_default();
        let cause = delivery.cause.as_ref().map_or_else(String::new, |cause| cause.text.clone());
        let failed = match delivery.answer {
            Some(_) => format!("{cause} after {took}."),
            None if cause.ends_with('?') => cause,
            None => format!("{cause}."),
        };
        let again = match delivery.role {
            Role::Action | Role::Late => "",
            Role::Duplicate => " (the duplicate)",
            Role::Repeat => " (sent again)",
        };
        let (tone, label, text) = match (delivery.state, delivery.effect) {
            (State::Sending, _) => (Tone::Idle, "On its way", format!("{what} waits for its answer.")),
            (State::Held, _) => (
                Tone::Idle,
                "Held back",
                format!("{what} has not reached the app; to the administrator it timed out. Send it later."),
            ),
            (State::Acknowledged, Effect::Applied) => {
                (Tone::Good, "Went through", format!("{what}{again} went through in {took}."))
            }
            (State::Acknowledged, Effect::Blocked) if delivery.role == Role::Late => (
                Tone::Good,
                "Acknowledged",
                format!(
                    "{what} arrived late and was acknowledged in {took}; the administrator had given up."
                ),
            ),
            (State::Acknowledged, Effect::Blocked) => (
                Tone::Bad,
                "BLOCKED",
                format!("{what}{again} was acknowledged in {took}, but the other copy was not."),
            ),
            (State::Acknowledged, Effect::None) => {
                (Tone::Good, "Acknowledged", format!("{what}{again} was acknowledged in {took}."))
            }
            (State::Failed, Effect::None) => {
                let tells = platform.sender().sample(&delivery.request.event).is_some();
                let goes_on = delivery.role == Role::Action && tells && !platform.blocks();
                let rest = if goes_on { " The installation goes on." } else { "" };
                (Tone::Bad, "NOT ACKNOWLEDGED", format!("{what}{again}: {failed}{rest}"))
            }
            (State::Failed, _) if delivery.role == Role::Late => {
                (Tone::Bad, "NOT ACKNOWLEDGED", format!("{what} arrived late: {failed}"))
            }
            (State::Failed, _) => {
                let blocked = format!("{what}{again}: {failed} The administrator sees an error.");
                (Tone::Bad, "BLOCKED", blocked)
            }
        };
        Self { tone, label, text }
    }

    /// Of several copies the one that decides: the first that failed.
    pub(crate) fn of_batch(batch: &[Delivery], platform: Platform, tenant: &str) -> Option<Self> {
        let failed = batch.iter().find(|delivery| delivery.state == State::Failed);
        failed.or(batch.first()).map(|delivery| Self::of(delivery, platform, tenant))
    }
}

/// An event as a title: `Install`, `Action notify_channel`.
pub(crate) fn event(name: &str) -> String {
    if let Some(action) = name.strip_prefix("action:") {
        return format!("Action {action}");
    }
    if let Some(action) = name.strip_prefix("settings:") {
        return format!("Settings of {action}");
    }
    if name.contains('.') {
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

#[cfg(test)]
mod tests {
    use lifecycle_core::seismic;

    use super::*;
    use crate::delivery::{Answer, Cause, Request};
    use crate::moment::Moment;

    fn headline(role: Role, state: State, effect: Effect, cause: Option<Cause>) -> String {
        let answered = cause.as_ref().is_some_and(|cause| cause.text.starts_with("401"));
        let answer =
            answered.then(|| Answer { status: 401, headers: vec![], body: String::new(), truncated: false });
        let request =
            Request { event: "install".into(), url: String::new(), headers: vec![], body: String::new() };
        let delivery = Delivery {
            id: 1,
            app: 1,
            tenant: 1,
            request,
            batch: 1,
            repeats: None,
            role,
            created_at: Moment(0),
            state,
            effect,
            answer,
            cause,
            elapsed: Some(Duration::from_millis(12)),
        };
        let headline = Headline::of(&delivery, Platform::of(&seismic::PLATFORM), "Acme");
        format!("{}: {}", headline.label, headline.text)
    }

    #[test]
    fn a_headline_says_whether_an_administrator_was_blocked_and_why() {
        let mismatch = || Some(Cause::new("signature-mismatch", "401 signature-mismatch"));
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
                mismatch(),
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
                mismatch(),
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
            assert_eq!(headline(role, state, effect, cause), expected);
        }
    }

    #[test]
    fn a_time_is_short() {
        for (micros, text) in [(400, "0.4 ms"), (12_345, "12 ms"), (2_345_000, "2.3 s")] {
            assert_eq!(duration(Duration::from_micros(micros)), text);
        }
    }
}
