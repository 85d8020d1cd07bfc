//! The extractors for axum, over axum-core: an axum release does not need one of this crate.

use std::error::Error;
use std::fmt;
use std::ops::Deref;

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use lifecycle_core::securityscorecard::{ActionError, ActionRequest};
use lifecycle_core::{Delivery, Reply};

use crate::receive::header_lines;
use crate::response::response;

/// The delivery that a [`LifecycleLayer`](crate::LifecycleLayer) has verified. An extractor of the body may follow it.
///
/// ```
/// use axum::{Router, body::Bytes, http::StatusCode, routing::post};
/// use lifecycle_core::{Receiver, Secret, seismic};
/// use lifecycle_tower::{LifecycleLayer, axum::Verified};
///
/// async fn install(Verified(delivery): Verified, body: Bytes) -> StatusCode {
///     assert_eq!(delivery.body(), &body);
///     StatusCode::ACCEPTED
/// }
///
/// let receiver = Receiver::new(&seismic::PLATFORM, Secret::new("s3cr3t")?);
/// let app: Router = Router::new().route("/seismic", post(install).layer(LifecycleLayer::new(receiver)));
/// # Ok::<(), lifecycle_core::SecretError>(())
/// ```
///
/// # Errors
/// [`Refused::LayerMissing`].
#[derive(Clone, Debug)]
pub struct Verified(pub Delivery);

impl<S: Sync> FromRequestParts<S> for Verified {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        parts.extensions.get::<Delivery>().cloned().map(Self).ok_or(Refused::LayerMissing)
    }
}

impl Deref for Verified {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        &self.0
    }
}

/// What the headers of a request to a SecurityScorecard action's URL say. An extractor of the body may follow it.
///
/// ```
/// use axum::{Router, http::StatusCode, routing::post};
/// use lifecycle_tower::axum::{Action, Refused};
///
/// async fn notify_channel(action: Action) -> Result<StatusCode, Refused> {
///     action.expect_app("6f1c2a0e")?;
///     Ok(StatusCode::OK)
/// }
///
/// let app: Router = Router::new().route("/actions/notify_channel", post(notify_channel));
/// ```
#[derive(Clone, Debug)]
pub struct Action(pub ActionRequest);

impl<S: Sync> FromRequestParts<S> for Action {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        Ok(Self(ActionRequest::read(header_lines(&parts.headers))?))
    }
}

impl Deref for Action {
    type Target = ActionRequest;

    fn deref(&self) -> &ActionRequest {
        &self.0
    }
}

/// Why an extractor refused a request. A route that wants to answer in its own way takes a `Result<Verified, Refused>`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refused {
    /// The request to an action's URL was refused.
    Action(ActionError),
    /// No layer has verified the request, and the route takes [`Verified`]: the app's own mistake. 500.
    LayerMissing,
}

impl Refused {
    /// The answer, in the same bytes from every adapter.
    pub fn reply(&self) -> Reply {
        match self {
            Self::Action(error) => error.reply(),
            Self::LayerMissing => Reply::problem(
                500,
                "layer-missing",
                "This route is not verified",
                Some("Add a `LifecycleLayer` to the route: its handler takes `Verified`"),
            ),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        response(self.reply()).into_response()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action(error) => error.fmt(f),
            Self::LayerMissing => f.write_str("not verified: add a `LifecycleLayer` to the route"),
        }
    }
}

impl Error for Refused {}

impl From<ActionError> for Refused {
    fn from(error: ActionError) -> Self {
        Self::Action(error)
    }
}
