//! `VerifiedRejection`: why a filter refused a request, as a rejection of warp, and its way to an answer.

use lifecycle_core::{Reply, Unhandled};
use warp::Rejection as Reject;
use warp::reply::Response;

use crate::response::response;

/// Why [`verified`](crate::verified()) or [`require_enabled`](crate::require_enabled())
/// refused a request. [`recover`] makes the answer
/// of it; an app that has a `recover` of its own finds it by `rejection.find::<VerifiedRejection>()`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VerifiedRejection {
    /// The app is not enabled for the request's tenant, or the gate cannot tell: what it answers.
    Gate(Reply),
    /// The callback was rejected, or it is a handshake. It is recorded by then.
    Unhandled(Unhandled),
}

impl VerifiedRejection {
    /// The answer, in the same bytes from every adapter.
    pub fn reply(&self) -> Reply {
        match self {
            Self::Gate(reply) => reply.clone(),
            Self::Unhandled(unhandled) => unhandled.reply(),
        }
    }
}

impl warp::reject::Reject for VerifiedRejection {}

/// Answers what is [`VerifiedRejection`] and passes other rejections on. For `Filter::recover`, on the route itself.
///
/// # Errors
/// The rejection itself when it is not a [`VerifiedRejection`].
pub async fn recover(rejection: Reject) -> Result<Response, Reject> {
    match rejection.find::<VerifiedRejection>() {
        Some(refused) => Ok(response(refused.reply())),
        None => Err(rejection),
    }
}
