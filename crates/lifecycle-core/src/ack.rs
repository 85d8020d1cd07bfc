//! Ack: what a platform takes as received, by when, and what happens to an event whose answer is something else.

use std::time::Duration;

use crate::rejection::Rejection;
use crate::reply::Reply;

/// What a platform takes as received, by when, and what happens to an event whose answer is something else.
///
/// ```
/// use lifecycle_core::{AckFailure, seismic};
/// use std::time::Duration;
///
/// let ack = seismic::PLATFORM.ack();
/// assert_eq!((ack.status(), ack.deadline()), (202, Some(Duration::from_secs(3))));
/// assert_eq!(ack.failure(), AckFailure::Blocks);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ack {
    status: u16,
    content_type: Option<&'static str>,
    deadline: Option<Duration>,
    failure: AckFailure,
    /// From the first to the last of them.
    finals: Option<(u16, u16)>,
}

/// What an answer that is late, or not the acknowledgement, means on a platform.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AckFailure {
    /// The administrator who waits for it is blocked: the action does not happen.
    Blocks,
    /// The action has happened, and the platform does not report it again.
    Lost,
    /// The action has happened, and the platform sends the event again.
    Retried {
        /// How long after the event its last attempt may come.
        at_most: Duration,
    },
}

impl Ack {
    /// Acknowledges with this status and no body. No deadline is known, and what fails is [lost](AckFailure::Lost).
    pub const fn new(status: u16) -> Self {
        Self { status, content_type: None, deadline: None, failure: AckFailure::Lost, finals: None }
    }

    /// The media type that the platform wants to see, even though the body is empty.
    #[must_use]
    pub const fn with_content_type(mut self, media_type: &'static str) -> Self {
        self.content_type = Some(media_type);
        self
    }

    /// The platform gives up on an answer after this time, counted from when it sends.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// What an answer that is late, or not the acknowledgement, means.
    #[must_use]
    pub const fn with_failure(mut self, failure: AckFailure) -> Self {
        self.failure = failure;
        self
    }

    /// With a status from `first` to `last` the platform does not send the event again, and takes it for refused where an action waits
    /// for the answer. So what is no fault of the sender's is never answered with one of them, such as a [late body](Self::late_body).
    #[must_use]
    pub const fn with_finals(mut self, first: u16, last: u16) -> Self {
        self.finals = Some((first, last));
        self
    }

    /// The status that acknowledges: also for a duplicate and for an unknown kind of event.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The media type of the acknowledgement; `None` where none is sent.
    pub fn content_type(&self) -> Option<&'static str> {
        self.content_type
    }

    /// How long the platform waits for the answer; `None` where it does not say.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// What an answer that is late, or not the acknowledgement, means.
    pub fn failure(&self) -> AckFailure {
        self.failure
    }

    /// Whether this status ends it, whatever [`failure`](Self::failure) says of others.
    ///
    /// ```
    /// use lifecycle_core::Ack;
    ///
    /// let ack = Ack::new(200).with_finals(400, 499);
    /// assert!(ack.is_final(401) && !ack.is_final(503));
    /// ```
    pub fn is_final(&self, status: u16) -> bool {
        self.finals.is_some_and(|(first, last)| (first..=last).contains(&status))
    }

    /// What a request is rejected with whose body is not complete in time: where 408 is final, [`Rejection::BodyLate`].
    pub fn late_body(&self) -> Rejection {
        let is_final = self.is_final(Rejection::BodyTimeout.status());
        if is_final { Rejection::BodyLate } else { Rejection::BodyTimeout }
    }

    /// The acknowledgement.
    pub fn reply(&self) -> Reply {
        match self.content_type {
            None => Reply::empty(self.status),
            Some(media_type) => Reply::new(self.status, media_type, ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_has_a_content_type_only_where_the_platform_wants_one() {
        let bare = Ack::new(202).reply();
        assert_eq!((bare.status(), bare.headers().count()), (202, 0));
        let typed = Ack::new(204).with_content_type("application/json").reply();
        assert_eq!(typed.headers().collect::<Vec<_>>(), [("content-type", "application/json")]);
        assert!(typed.body().is_empty());
    }
}
