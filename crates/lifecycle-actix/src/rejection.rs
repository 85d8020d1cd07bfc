//! `VerifiedRejection`: a rejection, or the app's own mistake, as an error of actix-web.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use lifecycle_core::{RejectedRequest, Reply, RequestBody, Unhandled};

use crate::receive::response;

/// Why an extractor rejected a request; as an error of actix-web it answers with core's own bytes.
///
/// A route that wants to answer in its own way takes a `Result<Verified, VerifiedRejection>`.
///
/// ```
/// use actix_web::ResponseError;
/// use lifecycle_actix::VerifiedRejection;
/// use lifecycle_core::{RejectedRequest, Rejection};
///
/// let rejected = VerifiedRejection::from(RejectedRequest::after_body(Rejection::SignatureMismatch));
/// assert_eq!(rejected.error_response().status(), 401);
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifiedRejection {
    /// The callback was rejected, or it is a handshake.
    #[error(transparent)]
    Unhandled(#[from] Unhandled),
    /// A route takes [`Verified`](crate::Verified) and has no verifier. The app's own mistake: 500, `verifier-missing`.
    #[error("{CURE}")]
    VerifierMissing,
}

const CURE: &str =
    "give the app, the scope or the resource `.app_data(verifier)`, or wrap the route in `verify(verifier)`";

impl VerifiedRejection {
    /// The answer.
    pub fn reply(&self) -> Reply {
        match self {
            Self::Unhandled(unhandled) => unhandled.reply(),
            Self::VerifierMissing => Reply::verifier_missing(CURE).after(RequestBody::Unread),
        }
    }
}

impl From<RejectedRequest> for VerifiedRejection {
    fn from(rejected: RejectedRequest) -> Self {
        Self::Unhandled(rejected.into())
    }
}

impl ResponseError for VerifiedRejection {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.reply().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        response(self.reply())
    }
}
