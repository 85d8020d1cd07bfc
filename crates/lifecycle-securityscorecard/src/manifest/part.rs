//! What an app takes part in: its secrets, OAuth, actions and signals.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::spelling;

/// A value that the platform asks for at installation, stores for that user, and sends with each action.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct DeclaredSecret {
    /// Its name, such as `ACCESS_TOKEN`: the form field, and the key in the header of an action.
    pub key: String,
    /// What the user is to enter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the installation is incomplete without it.
    pub value_required: bool,
    /// Keys that are not known here, kept as they were read.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl DeclaredSecret {
    /// A secret without which the installation is not complete.
    pub fn required(key: impl Into<String>, description: impl Into<String>) -> Self {
        Self { value_required: true, ..Self::optional(key, description) }
    }

    /// A secret that the user may leave empty.
    pub fn optional(key: impl Into<String>, description: impl Into<String>) -> Self {
        Self { key: key.into(), description: Some(description.into()), ..Self::default() }
    }
}

/// OAuth on behalf of the installing user.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Auth {
    /// Where the browser comes back with a one-time `code`.
    pub redirect_uri: String,
    /// What the app asks to do, such as `user:read`. The platform may add scopes.
    #[serde(deserialize_with = "spelling::nullable")]
    pub scopes: Vec<String>,
    /// Keys that are not known here, kept as they were read.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// Something that a user's rule can make the app do, by a `POST` to its URL.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Action {
    /// In snake case, unique in the manifest.
    pub id: String,
    /// What users see.
    pub name: String,
    /// Where the platform posts when the rule fires.
    pub url: String,
    /// Where the platform asks for the settings to show in its rule builder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings_url: Option<String>,
    /// The settings themselves, where they are the same for everybody; not beside `settings_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Value>,
    /// Keys that are not known here, kept as they were read.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Action {
    /// An action without settings.
    pub fn new(id: impl Into<String>, name: impl Into<String>, url: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), url: url.into(), ..Self::default() }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Action").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A kind of finding that the app may report about a company.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Signal {
    /// `<namespace>.<signal>`, both in snake case.
    pub id: String,
    /// What users see.
    pub name: String,
    /// How much it matters.
    pub severity: Severity,
    /// The scorecard factor that it belongs to. Factors come and go, so any text is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<String>,
    /// What it means, in a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_description: Option<String>,
    /// What it means.
    #[serde(alias = "longDescription", skip_serializing_if = "Option::is_none")]
    pub long_description: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recommendation: Option<String>,
    /// The user name that may send it, beside the app's creator.
    #[serde(alias = "sentBy", skip_serializing_if = "Option::is_none")]
    pub sent_by: Option<String>,
    /// Where to read more.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "spelling::nullable")]
    pub references: Vec<Reference>,
    /// Keys that are not known here, kept as they were read.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How much a signal matters. An app may only send the first two.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// For information.
    #[default]
    Info,
    /// Something good.
    Positive,
    /// Any other text; [`Manifest::validate`](crate::Manifest::validate) refuses it.
    #[serde(untagged)]
    Other(String),
}

/// A link of a signal.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Reference {
    /// Where it leads.
    pub link: String,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Keys that are not known here, kept as they were read.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}
