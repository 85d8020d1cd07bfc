//! What the marketplace shows of an app: its description, its looks, and who offers it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::spelling;

/// The texts about an app.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Description {
    /// One line; at most [`Manifest::MAX_SHORT_DESCRIPTION`](super::Manifest::MAX_SHORT_DESCRIPTION) characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short: Option<String>,
    /// The whole text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long: Option<String>,
    /// Keys that are not known here, kept as they were read.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// How an app looks in the marketplace. Relative addresses resolve against the manifest's own.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct DisplaySettings {
    /// A colour such as `#0A7B83`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_color: Option<String>,
    /// A colour such as `#FFFFFF`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary_color: Option<String>,
    /// The icon; the platform's pages do not say in which form, so it is not validated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// A PNG-24 with transparency, 600 by 600 pixels.
    #[serde(alias = "logoUrl", skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// Pictures or videos on the app's own page.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "spelling::nullable")]
    pub hero_images: Vec<HeroImage>,
    /// The app's home page.
    #[serde(alias = "homepageUrl", skip_serializing_if = "Option::is_none")]
    pub homepage_url: Option<String>,
    /// Where users find help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help_url: Option<String>,
    /// Keys that are not known here, kept as they were read.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// A picture, an animation or a YouTube video on an app's page.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct HeroImage {
    /// The caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Where it is.
    pub url: String,
    /// Keys that are not known here, kept as they were read.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Who offers an app.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Developer {
    /// The company's or person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their web site.
    #[serde(alias = "websiteUrl", skip_serializing_if = "Option::is_none")]
    pub website_url: Option<String>,
    /// Their privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy_url: Option<String>,
    /// Their terms of use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms_of_use_url: Option<String>,
    /// Keys that are not known here, kept as they were read.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}
