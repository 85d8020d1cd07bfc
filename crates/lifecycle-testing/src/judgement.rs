//! Judgement: what an answer means to a platform, and so to the administrator.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use lifecycle_core::{Ack, AckFailure};

use crate::draft::Draft;
use crate::keys::SigningKeys;
use crate::sender::Expected;

/// What an app answered. `Debug` shows the status only.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The value of `content-type`.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// What an answer means.
///
/// ```
/// use lifecycle_core::seismic;
/// use lifecycle_testing::{Answer, Consequence, Sender};
/// use std::time::Duration;
///
/// let seismic = Sender::of(&seismic::PLATFORM).expect("it is one of the registry's");
/// let answer = Answer { status: 200, content_type: None, body: b"" };
/// let judged = seismic.judge(Some(answer), Duration::from_millis(12));
/// assert_eq!(judged.consequence, Consequence::Blocked);
/// assert_eq!(judged.reason.to_string(), "200 where 202 is required");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Judgement {
    /// What becomes of the action.
    pub consequence: Consequence,
    /// Why.
    pub reason: Reason,
}

/// What becomes of an administrator's action and of the event that tells of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Consequence {
    /// The platform takes the event as received.
    Accepted,
    /// The action does not happen. Of a handshake: the URL is not taken.
    Blocked,
    /// The action has happened, and the platform does not tell of it again.
    Lost,
    /// The action has happened, and the platform sends the event again.
    Retried {
        /// How long after the event its last attempt may come.
        at_most: Duration,
    },
}

/// Why an answer has its [`Consequence`]. Its text is one clause.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The status is one that the platform takes, and came in time.
    Acknowledged(u16),
    /// The answer to a handshake does not have what was asked for.
    Challenge,
    /// The platform wants a content type, and there is none.
    ContentType,
    /// It came later than the platform waits, or would have.
    Late {
        /// How long the platform waits.
        deadline: Duration,
    },
    /// There was no answer.
    NoAnswer,
    /// A redirect, which the platform does not follow.
    Redirect(u16),
    /// Another status than the platform takes.
    Status {
        /// What it was.
        got: u16,
        /// The acknowledgement.
        expected: u16,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acknowledged(status) => write!(f, "{status}"),
            Self::Challenge => f.write_str("the answer does not give the challenge back"),
            Self::ContentType => f.write_str("no content type where one is required"),
            Self::Late { deadline } => write!(f, "later than {} ms", deadline.as_millis()),
            Self::NoAnswer => f.write_str("no answer"),
            Self::Redirect(status) => write!(f, "redirect {status}: the platform follows none"),
            Self::Status { got, expected } => write!(f, "{got} where {expected} is required"),
        }
    }
}

impl Judgement {
    pub(crate) fn of(
        ack: &Ack,
        success: &RangeInclusive<u16>,
        answer: Option<Answer<'_>>,
        elapsed: Duration,
    ) -> Self {
        let late = ack.deadline().filter(|deadline| elapsed > *deadline);
        let reason = match (answer, late) {
            (_, Some(deadline)) => Reason::Late { deadline },
            (None, None) => Reason::NoAnswer,
            (Some(answer), None) => read(ack, success, answer),
        };
        let consequence = match (reason, ack.failure()) {
            (Reason::Acknowledged(_), _) => Consequence::Accepted,
            (_, AckFailure::Blocks) => Consequence::Blocked,
            (Reason::Redirect(got) | Reason::Status { got, .. }, _) if ack.is_final(got) => Consequence::Lost,
            (_, AckFailure::Retried { at_most }) => Consequence::Retried { at_most },
            _ => Consequence::Lost,
        };
        Self { consequence, reason }
    }

    /// The same of a handshake: it is not sent again, and its answer has to have what was asked for.
    pub(crate) fn of_handshake(
        self,
        expected: Expected,
        sent: &Draft,
        keys: Option<&SigningKeys>,
        answer: Option<Answer<'_>>,
    ) -> Self {
        if self.consequence != Consequence::Accepted {
            return Self { consequence: Consequence::Blocked, ..self };
        }
        let is_met = match expected {
            Expected::Acknowledgement => true,
            Expected::Echo(member) => echoes(member, sent, answer),
            Expected::Mac { text, plain, mac } => {
                let challenge = sent.read(text);
                let signed = challenge.as_deref().zip(keys).and_then(|(text, keys)| keys.mac(text));
                let answered: serde_json::Value =
                    answer.and_then(|answer| serde_json::from_slice(answer.body).ok()).unwrap_or_default();
                signed.is_some()
                    && answered[plain].as_str() == challenge.as_deref()
                    && answered[mac].as_str() == signed.as_deref()
            }
        };
        if is_met { self } else { Self { consequence: Consequence::Blocked, reason: Reason::Challenge } }
    }
}

fn read(ack: &Ack, success: &RangeInclusive<u16>, answer: Answer<'_>) -> Reason {
    let status = answer.status;
    if (300..400).contains(&status) {
        return Reason::Redirect(status);
    }
    if !success.contains(&status) {
        return Reason::Status { got: status, expected: ack.status() };
    }
    if ack.content_type().is_some() && !answer.content_type.is_some_and(|value| value.contains('/')) {
        return Reason::ContentType;
    }
    Reason::Acknowledged(status)
}

/// As plain text, as a member of a JSON object, or as that of a form: challenges have no letter that a form escapes.
fn echoes(member: &str, sent: &Draft, answer: Option<Answer<'_>>) -> bool {
    let (Some(challenge), Some(answer)) = (sent.read(member), answer) else { return false };
    let Ok(text) = std::str::from_utf8(answer.body) else { return false };
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    text.trim() == challenge || json[member] == *challenge || text.trim() == format!("{member}={challenge}")
}
