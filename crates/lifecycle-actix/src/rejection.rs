//! `VerifiedRejection`: a rejection, or the app's own mistake, as an error of actix-web.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use lifecycle_core::{RejectedRequest, Reply, RequestBody, Unhandled};

use crate::receive::response;

/// Why an extractor refused a request; as an error of actix-web it answers with core's own bytes.
///
/// A route that wants to answer in its own way takes a `Result<Verified, VerifiedRejection>`.
///
/// ```
/// use actix_web::ResponseError;
/// use lifecycle_actix::VerifiedRejection;
/// use lifecycle_core::{RejectedRequest, Rejection};
///
/// let refused = VerifiedRejection::from(RejectedRequest::after_body(Rejection::SignatureMismatch));
/// assert_eq!(refused.error_response().status(), 401);
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifiedRejection {
    /// The platform tries out the URL: no failure, and the route has nothing to do. The reply is what the platform wants to see.
    #[error("the platform tries out the URL")]
    Handshake(Reply),
    /// A route takes [`Verified`](crate::Verified) and has no verifier. The app's own mistake: 500, `verifier-missing`.
    #[error(
        "give the app, the scope or the resource `.app_data(verifier)`, or wrap the route in `verify(verifier)`"
    )]
    VerifierMissing,
    /// The callback was refused.
    #[error(transparent)]
    Rejected(#[from] RejectedRequest),
}

impl VerifiedRejection {
    /// The answer.
    pub fn reply(&self) -> Reply {
        match self {
            Self::VerifierMissing => {
                let cure = self.to_string();
                Reply::problem(500, "verifier-missing", "This route has no verifier", Some(&cure))
                    .after(RequestBody::Unread)
            }
            Self::Handshake(reply) => reply.clone(),
            Self::Rejected(rejected) => rejected.reply(),
        }
    }
}

impl From<Unhandled> for VerifiedRejection {
    fn from(unhandled: Unhandled) -> Self {
        match unhandled {
            Unhandled::Handshake(reply) => Self::Handshake(reply),
            Unhandled::Rejected(rejected) => Self::Rejected(rejected),
        }
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
