//! `VerifiedRejection`: why a filter rejected a request, as a rejection of warp, and the answer to it.

use lifecycle_core::{Reply, Unhandled};
use warp::Rejection as Reject;
use warp::reply::Response;

use crate::response::response;

/// Why [`verified`](crate::verified()) or [`require_enabled`](crate::require_enabled()) rejected a request. [`recover`] makes
/// the answer of it; an app with another `recover` finds it by `rejection.find::<VerifiedRejection>()`.
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
        Some(rejected) => Ok(response(rejected.reply())),
        None => Err(rejection),
    }
}
