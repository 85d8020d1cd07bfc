//! What an app needs to be installed from SecurityScorecard's marketplace: its manifest, the page at `install_url`, and
//! what comes and goes between the browser and the platform.

mod installation_data;
mod installation_id;
mod manifest;
mod page;
mod query;
mod states;
mod web_url;

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
