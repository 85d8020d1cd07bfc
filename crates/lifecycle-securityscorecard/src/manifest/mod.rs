//! Manifest: the public JSON document that describes an app to SecurityScorecard.

mod display;
mod part;
mod problem;
mod resolution;
mod spelling;
mod validation;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use display::{Description, Developer, DisplaySettings, HeroImage};
pub use part::{Action, Auth, DeclaredSecret, Reference, Severity, Signal};
pub use problem::{ManifestProblem, ManifestProblemKind, ManifestProblems};

use lifecycle_core::Reply;

/// A manifest: built in code, or read from JSON in any spelling that the platform's pages and example apps show.
///
/// Reading accepts the documented snake case keys, those in camel case that its example apps have (`displaySettings` with `logoUrl`
/// and `homepageUrl`, `websiteUrl`, `longDescription` and `sentBy` of a signal), and the old flat form (a `description` string
/// beside `long_description`; `logo_url`, `homepage` and `bg_color` at the top; `developer` as a string). Writing gives
/// snake case. Keys that are not known survive at every level, in `unknown`, except inside values that are kept as JSON
/// anyway. Reading is lenient, so that [`validate`](Self::validate) can list everything that is wrong at once.
///
/// The members are public and any of them may be set. In a literal, end with `..Default::default()`: members are added
/// as the platform adds keys. Do not put a key in `unknown` that has a member of its own. `Debug` shows no address: that of
/// the hook ends in its token.
///
/// ```
/// use lifecycle_securityscorecard::{Action, DeclaredSecret, Manifest};
///
/// let manifest = Manifest {
///     hook_url: Some("hook/0123456789abcdef0123456789abcdef".into()),
///     install_url: Some("install".into()),
///     secrets: vec![DeclaredSecret::required("ACCESS_TOKEN", "A token of your chat workspace")],
///     actions: vec![Action::new("notify_channel", "Notify Channel", "actions/notify_channel")],
///     ..Manifest::new("Acme Notifier", "acme_notifier")
/// };
/// manifest.validate()?;
///
/// // Relative addresses are understood, but absolute ones are safest to publish.
/// let published = manifest.resolve("https://example.com/my-app/manifest.json")?;
/// assert_eq!(published.install_url.as_deref(), Some("https://example.com/my-app/install"));
/// assert_eq!(published.required_secrets().collect::<Vec<_>>(), ["ACCESS_TOKEN"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, remote = "Self")] // so that reading can nest flat keys first: spelling.rs
pub struct Manifest {
    /// The app's name, unique in the marketplace; at most [`MAX_NAME`](Self::MAX_NAME) characters.
    pub name: String,
    /// The prefix of the app's signal ids, in snake case.
    pub namespace: String,
    /// The manifest's own address. Only the platform's command-line tool reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the marketplace says about the app.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "spelling::nullable")]
    pub description: Description,
    /// How the marketplace shows the app.
    #[serde(
        alias = "displaySettings",
        skip_serializing_if = "is_default",
        deserialize_with = "spelling::nullable"
    )]
    pub display_settings: DisplaySettings,
    /// Who offers the app.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "spelling::nullable")]
    pub developer: Developer,
    /// Where the platform posts `app.installed`. Nothing is signed: end it with a [`HookToken`](lifecycle_core::HookToken).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook_url: Option<String>,
    /// Where the installing user's browser is sent; see [`InstallPage`](crate::InstallPage).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_url: Option<String>,
    /// The values that the platform stores for each user and sends with each action.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "spelling::nullable")]
    pub secrets: Vec<DeclaredSecret>,
    /// OAuth on behalf of the user; advised against unless needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// What a user's rule can make the app do.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "spelling::nullable")]
    pub actions: Vec<Action>,
    /// What the app may report about a company.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "spelling::nullable")]
    pub signals: Vec<Signal>,
    /// Keys that are not known here, kept as they were read; of a number with more than 17 digits, the last ones may change.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Manifest {
    /// The most characters of a name.
    pub const MAX_NAME: usize = 26;
    /// The most characters of a short description.
    pub const MAX_SHORT_DESCRIPTION: usize = 100;

    /// A manifest with what every app needs.
    pub fn new(name: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self { name: name.into(), namespace: namespace.into(), ..Self::default() }
    }

    /// The keys of the secrets without which an installation is not complete.
    pub fn required_secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().filter(|secret| secret.value_required).map(|secret| secret.key.as_str())
    }

    /// The answer to a request for the manifest: 200 and JSON.
    pub fn reply(&self) -> Reply {
        let body = serde_json::to_vec(self).unwrap_or_default(); // every map here has string keys: it always serializes
        Reply::new(200, "application/json", body)
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manifest")
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .field("secrets", &self.secrets.len())
            .field("actions", &self.actions)
            .field("signals", &self.signals)
            .finish_non_exhaustive()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests;
