//! Refused: a rejection, or the app's own mistake, as an error of actix-web.

use std::error::Error;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use lifecycle_core::securityscorecard::ActionError;
use lifecycle_core::{Rejection, Reply};

use crate::receive::{refusal, response};

/// Why an extractor refused a request; as an error of actix-web it answers with core's own bytes.
///
/// A route that wants to answer in its own way takes a `Result<Verified, Refused>`.
///
/// ```
/// use actix_web::ResponseError;
/// use lifecycle_actix::Refused;
/// use lifecycle_core::Rejection;
///
/// let refused = Refused::from(Rejection::SignatureMismatch);
/// assert_eq!(refused.error_response().status(), 401);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refused {
    /// The request to an action's URL was refused.
    Action(ActionError),
    /// The app has no receiver where it extracts [`Verified`](crate::Verified): its own mistake. 500.
    ReceiverMissing,
    /// The callback was refused.
    Rejected(Rejection),
}

impl Refused {
    /// The answer, in the same bytes from every adapter.
    pub fn reply(&self) -> Reply {
        match self {
            Self::Action(error) => error.reply(),
            Self::ReceiverMissing => Reply::problem(
                500,
                "receiver-missing",
                "This route has no receiver",
                Some(
                    "Give the app, the scope or the resource `.app_data(receiver)`, or wrap the route in `verify(receiver)`",
                ),
            ),
            Self::Rejected(rejection) => rejection.reply(),
        }
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.reply().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Rejected(rejection) => refusal(rejection, self.reply()),
            Self::Action(_) | Self::ReceiverMissing => response(self.reply()),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action(error) => error.fmt(f),
            Self::ReceiverMissing => f.write_str("no receiver: give the app `.app_data(receiver)`"),
            Self::Rejected(rejection) => rejection.fmt(f),
        }
    }
}

impl Error for Refused {}

impl From<ActionError> for Refused {
    fn from(error: ActionError) -> Self {
        Self::Action(error)
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}
