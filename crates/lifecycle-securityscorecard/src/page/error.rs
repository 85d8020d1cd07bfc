//! What keeps an installation page from being made: a mistake of the app, not of a visitor.

use crate::{ManifestProblems, WebUrlError};
use lifecycle_core::Reply;

/// Why an installation page cannot be made or rendered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InstallPageError {
    /// The name of the installation id's field is empty or the key of a secret.
    #[error("the name of the installation id's field is empty or the key of a secret")]
    Parameter,
    /// A value that the app fills in has a control character, such as a line break: a form would change it.
    #[error("the value for the secret {0} has a control character, which a form would change; encode it")]
    PrefilledCharacters(String),
    /// The keys of the manifest's secrets cannot be the fields of a form.
    #[error("the manifest's secrets cannot be asked for:\n{0}")]
    Secrets(#[from] ManifestProblems),
    /// The app fills in a secret that its manifest does not declare; the platform would not keep it.
    #[error("the manifest declares no secret {0}")]
    Undeclared(String),
    /// An address cannot be used.
    #[error("the address {0}")]
    Url(#[from] WebUrlError),
}

impl InstallPageError {
    /// The answer where this happens during a visit: 500, without the particulars, which belong in the app's log.
    pub fn reply(&self) -> Reply {
        Reply::problem(500, "misconfigured", "The installation page cannot be shown", None)
    }
}

impl From<InstallPageError> for Reply {
    fn from(error: InstallPageError) -> Self {
        error.reply()
    }
}
