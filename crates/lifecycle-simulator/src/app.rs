//! App: what is registered with the marketplace, as it is stored, shown and answered.

use lifecycle_core::{Ack, EventKind, securityscorecard, seismic};
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
    /// Which signing secrets count; for platforms that sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signing: Option<Signing>,
    pub(crate) created_at: Moment,
}

impl App {
    pub(crate) fn ack(&self) -> &'static Ack {
        self.registration.platform().sender().platform().ack()
    }

    pub(crate) fn seismic(&self) -> Option<&SeismicApp> {
        match &self.registration {
            Registration::Callbacks(app) => Some(app),
            Registration::Manifest(_) => None,
        }
    }

    pub(crate) fn scorecard(&self) -> Option<&ScorecardApp> {
        match &self.registration {
            Registration::Manifest(app) => Some(app),
            Registration::Callbacks(_) => None,
        }
    }
}

/// What is registered, under the name of the platform where that is done so.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "platform")]
pub(crate) enum Registration {
    /// URLs of callbacks, which are signed.
    #[serde(rename = "seismic")]
    Callbacks(SeismicApp),
    /// A manifest, which names the hook, the installation page and the actions.
    #[serde(rename = "securityscorecard")]
    Manifest(Box<ScorecardApp>),
}

impl Registration {
    pub(crate) fn platform(&self) -> Platform {
        match self {
            Self::Callbacks(_) => Platform::of(&seismic::PLATFORM),
            Self::Manifest(_) => Platform::of(&securityscorecard::PLATFORM),
        }
    }
}

/// An app of Seismic.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct SeismicApp {
    pub(crate) urls: CallbackUrls,
    /// The version that an install gets.
    pub(crate) version: String,
}

/// A URL for each event; they may be the same.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct CallbackUrls {
    pub(crate) install: String,
    pub(crate) enable: String,
    pub(crate) upgrade: String,
    pub(crate) disable: String,
    pub(crate) uninstall: String,
}

impl CallbackUrls {
    pub(crate) fn of(&self, kind: &EventKind) -> Option<&str> {
        match kind {
            EventKind::Install => Some(&self.install),
            EventKind::Enable => Some(&self.enable),
            EventKind::Upgrade => Some(&self.upgrade),
            EventKind::Disable => Some(&self.disable),
            EventKind::Uninstall => Some(&self.uninstall),
            _ => None,
        }
    }
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
