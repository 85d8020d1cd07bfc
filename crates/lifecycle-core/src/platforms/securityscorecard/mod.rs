//! SecurityScorecard: an unsigned installation hook, a browser installation flow, a manifest, and actions.

mod action_error;
mod action_request;
mod action_secrets;
mod hook;
mod install_page;
mod install_query;
mod install_states;
mod installation_data;
mod installation_id;
mod manifest;
mod web_url;

pub use action_error::ActionError;
pub use action_request::{ACTION_HEADER, APP_ID_HEADER, ActionRequest};
pub use action_secrets::{ActionSecrets, SECRETS_HEADER};
pub use hook::{ACK, APP_INSTALLED, Hook, HookEvent, Installed, InstalledApp, InstallingUser, PLATFORM};
pub use install_page::{INSTALLATION_DATA_URL, InstallForm, InstallPage, InstallPageError};
pub use install_query::InstallQuery;
pub use install_states::{BoundState, InstallState, InstallStates, StateError};
pub use installation_data::{InstallationAnswer, InstallationData};
pub use installation_id::{InstallationId, InstallationIdError};
pub use manifest::{
    Action, Auth, DeclaredSecret, Description, Developer, DisplaySettings, HeroImage, Manifest,
    ManifestProblem, ManifestProblemKind, ManifestProblems, Reference, Severity, Signal,
};
pub use web_url::WebUrlError;
