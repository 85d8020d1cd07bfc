#![doc = include_str!("../README.md")]

mod action_error;
mod action_request;
mod action_secrets;
mod installation_data;
mod installation_id;
mod manifest;
mod page;
mod query;
mod states;
mod web_url;

pub use action_error::ActionError;
pub use action_request::{ACTION_HEADER, APP_ID_HEADER, ActionRequest};
pub use action_secrets::{ActionSecrets, SECRETS_HEADER};
pub use installation_data::{InstallationAnswer, InstallationData};
pub use installation_id::{InstallationId, InstallationIdError};
pub use manifest::{
    Action, Auth, DeclaredSecret, Description, Developer, DisplaySettings, HeroImage, Manifest,
    ManifestProblem, ManifestProblemKind, ManifestProblems, Reference, Severity, Signal,
};
pub use page::{INSTALLATION_DATA_URL, InstallForm, InstallPage, InstallPageError};
pub use query::InstallQuery;
pub use states::{BoundState, InstallState, InstallStates, StateError};
pub use web_url::WebUrlError;
