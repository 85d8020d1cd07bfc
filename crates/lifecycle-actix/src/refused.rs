//! Refused: a rejection, or the app's own mistake, as an error of actix-web.

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
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The request to an action's URL was refused.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// A route takes [`Verified`](crate::Verified) and has no receiver. The app's own mistake: 500, `receiver-missing`.
    #[error(
        "give the app, the scope or the resource `.app_data(receiver)`, or wrap the route in `verify(receiver)`"
    )]
    ReceiverMissing,
    /// The callback was refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

impl Refused {
    /// The answer.
    pub fn reply(&self) -> Reply {
        match self {
            Self::Action(error) => error.reply(),
            Self::ReceiverMissing => {
                let cure = self.to_string();
                Reply::problem(500, "receiver-missing", "This route has no receiver", Some(&cure))
            }
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
