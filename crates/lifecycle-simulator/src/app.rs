//! App: what is registered with the marketplace, as it is stored, shown and answered.

use std::collections::BTreeMap;

use lifecycle_core::Ack;
use lifecycle_securityscorecard::Manifest;
use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::platform::Platform;

/// A registered app.
#[expect(clippy::struct_field_names, reason = "`app_id` is the platforms' own name for it")]
#[derive(Clone, Debug, Serialize)]
pub(crate) struct App {
    pub(crate) id: i64,
    pub(crate) name: String,
    /// The id by which the platform names the app in what it sends.
    pub(crate) app_id: String,
    #[serde(flatten)]
    pub(crate) registration: Registration,
    /// Which signing secrets count; where the simulator has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signing: Option<Signing>,
    pub(crate) created_at: Moment,
}

impl App {
    pub(crate) fn ack(&self) -> &'static Ack {
        self.platform().core().ack()
    }

    pub(crate) fn platform(&self) -> Platform {
        self.registration.platform
    }

    pub(crate) fn callbacks(&self) -> Option<&Callbacks> {
        match &self.registration.details {
            Details::Callbacks(callbacks) => Some(callbacks),
            Details::Manifest(_) => None,
        }
    }

    pub(crate) fn scorecard(&self) -> Option<&ScorecardApp> {
        match &self.registration.details {
            Details::Manifest(app) => Some(app),
            Details::Callbacks(_) => None,
        }
    }

    /// The addresses that it is called at, each once.
    pub(crate) fn addresses(&self) -> Vec<&str> {
        let mut addresses: Vec<&str> = match &self.registration.details {
            Details::Callbacks(callbacks) => callbacks.urls.values().map(String::as_str).collect(),
            Details::Manifest(app) => vec![app.manifest_url.as_str()],
        };
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }
}

/// What is registered, and with which platform.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Registration {
    pub(crate) platform: Platform,
    #[serde(flatten)]
    pub(crate) details: Details,
}

/// How an app is registered.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Details {
    /// URLs of callbacks.
    Callbacks(Callbacks),
    /// A manifest, which names the hook, the installation page and the actions.
    Manifest(Box<ScorecardApp>),
}

/// An app that is called at URLs.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Callbacks {
    /// A URL for each event, by its name; they may be the same.
    pub(crate) urls: BTreeMap<String, String>,
    /// The version that an install gets.
    pub(crate) version: String,
}

/// An app of SecurityScorecard: its manifest, with every address absolute.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ScorecardApp {
    pub(crate) manifest_url: String,
    pub(crate) manifest: Manifest,
}

/// Which signing secrets count, by their number: the first secret of an app is 1.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Signing {
    pub(crate) current: i64,
    /// The secret before, while a rotation lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<PreviousSecret>,
}

/// The secret that a rotation replaced.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PreviousSecret {
    pub(crate) number: i64,
    pub(crate) until: Moment,
}
