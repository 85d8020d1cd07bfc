//! SecurityScorecard: an unsigned installation hook, and the actions of an app; with the feature
//! `securityscorecard-install` also its manifest and its browser installation flow.

mod action_error;
mod action_request;
mod action_secrets;
mod hook;
#[cfg(feature = "securityscorecard-install")]
mod install;

pub use action_error::ActionError;
pub use action_request::{ACTION_HEADER, APP_ID_HEADER, ActionRequest};
pub use action_secrets::{ActionSecrets, SECRETS_HEADER};
pub use hook::{ACK, APP_INSTALLED, Hook, HookEvent, Installed, InstalledApp, InstallingUser, PLATFORM};
#[cfg(feature = "securityscorecard-install")]
pub use install::{
    Action, Auth, BoundState, DeclaredSecret, Description, Developer, DisplaySettings, HeroImage,
    INSTALLATION_DATA_URL, InstallForm, InstallPage, InstallPageError, InstallQuery, InstallState,
    InstallStates, InstallationAnswer, InstallationData, InstallationId, InstallationIdError, Manifest,
    ManifestProblem, ManifestProblemKind, ManifestProblems, Reference, Severity, Signal, StateError,
    WebUrlError,
};
