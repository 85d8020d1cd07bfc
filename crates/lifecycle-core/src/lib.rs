//! Models and verification of app-lifecycle callbacks, for any web framework.

pub mod platforms;
mod reply;
mod secret;

pub use platforms::securityscorecard;
pub use reply::{PROBLEM_JSON, Reply};
pub use secret::{HookToken, Secret, SecretError, SecretId, Secrets, SigningSecret};
