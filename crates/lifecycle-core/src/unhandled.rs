//! `Unhandled`: a request that no handler sees.

use std::fmt;

use crate::rejected_request::RejectedRequest;
use crate::rejection::Rejection;
use crate::reply::Reply;
use crate::verifier::RequestOutcome;

/// A request that no handler sees, and its answer: a handshake, or one that was rejected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unhandled {
    /// The platform tries out the URL. It is verified, and this is what the platform wants to see.
    Handshake(Reply),
    /// It was rejected.
    Rejected(RejectedRequest),
}

impl Unhandled {
    /// The answer.
    pub fn reply(&self) -> Reply {
        self.outcome().reply()
    }

    /// Why it was rejected, if it was.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Handshake(_) => None,
            Self::Rejected(rejected) => Some(&rejected.rejection),
        }
    }

    /// How it ended, for [`Verifier::record`](crate::Verifier::record).
    pub fn outcome(&self) -> RequestOutcome<'_> {
        RequestOutcome::of(Err(self))
    }
}

impl From<RejectedRequest> for Unhandled {
    fn from(rejected: RejectedRequest) -> Self {
        Self::Rejected(rejected)
    }
}

/// The body counts as unread.
impl From<Rejection> for Unhandled {
    fn from(rejection: Rejection) -> Self {
        RejectedRequest::from(rejection).into()
    }
}

impl fmt::Display for Unhandled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(_) => f.write_str("the platform tries out the URL"),
            Self::Rejected(rejected) => rejected.fmt(f),
        }
    }
}

impl std::error::Error for Unhandled {}
