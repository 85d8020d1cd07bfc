//! Why an action is refused, with its HTTP status and its stable code.

use lifecycle_core::{Reply, RequestBody};

/// Why a request to an action's URL is refused. No secret's value is ever in it.
///
/// It converts to a [`Reply`], so a route may return it as it is.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// A relevant header is repeated with different values, or is too long. 400.
    #[error("the header {0} is ambiguous or too long")]
    InvalidHeader(&'static str),
    /// The secrets header is not JSON of a known shape, names a key twice, or is repeated with different values. 400.
    #[error("the secrets header is not a JSON object of distinct keys")]
    MalformedSecrets,
    /// There is no secrets header, so nothing tells whose action this is. 401.
    #[error("the secrets header is missing")]
    MissingSecrets,
    /// Secrets that the app cannot do without are missing or blank: the user installed before they were declared, or
    /// left them out. Only a new installation can supply them. 403.
    #[error("required secrets are missing: {}; the user has to install the app again", .missing.join(", "))]
    ReinstallRequired {
        /// Their keys, in the order of the manifest.
        missing: Vec<String>,
    },
    /// The secrets header is larger than [`ActionSecrets::MAX_LEN`](crate::ActionSecrets::MAX_LEN). 431.
    #[error("the secrets header is too large")]
    SecretsTooLarge,
    /// The request names another app, or none. 422.
    #[error("the action is meant for another app")]
    UnexpectedApp,
}

impl ActionError {
    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::InvalidHeader(_) | Self::MalformedSecrets => 400,
            Self::MissingSecrets => 401,
            Self::ReinstallRequired { .. } => 403,
            Self::UnexpectedApp => 422,
            Self::SecretsTooLarge => 431,
        }
    }

    /// The stable, machine-readable code of the answer.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidHeader(_) => "invalid-header",
            Self::MalformedSecrets => "malformed-secrets",
            Self::MissingSecrets => "missing-secrets",
            Self::ReinstallRequired { .. } => "reinstall-required",
            Self::SecretsTooLarge => "secrets-too-large",
            Self::UnexpectedApp => "unexpected-app",
        }
    }

    /// One sentence for people.
    pub fn title(&self) -> &'static str {
        match self {
            Self::InvalidHeader(_) => "A header is ambiguous or not text",
            Self::MalformedSecrets => "The app's secrets cannot be read",
            Self::MissingSecrets => "The app's secrets are missing",
            Self::ReinstallRequired { .. } => "The app has to be installed again",
            Self::SecretsTooLarge => "The app's secrets are too large",
            Self::UnexpectedApp => "The action is meant for another app",
        }
    }

    /// The answer: RFC 9457 problem details. Its detail names the keys that are missing, never a value.
    ///
    /// It closes the connection, as a request is refused by its headers and its body may still come. Where that was read
    /// to its end, [`Reply::after`] says so and keeps the connection.
    pub fn reply(&self) -> Reply {
        let detail = match self {
            Self::ReinstallRequired { .. } => Some(self.to_string()),
            _ => None,
        };
        let reply = Reply::problem(self.status(), self.code(), self.title(), detail.as_deref());
        reply.after(RequestBody::Unread)
    }
}

impl From<ActionError> for Reply {
    fn from(error: ActionError) -> Self {
        error.reply()
    }
}
