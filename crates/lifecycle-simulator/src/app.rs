//! App: what is registered with the marketplace, as it is stored, shown and answered.

use lifecycle_core::{Ack, EventKind, securityscorecard, seismic};
use lifecycle_securityscorecard::Manifest;
use serde::{Deserialize, Serialize};

use crate::moment::Moment;

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
        self.registration.platform().ack()
    }

    pub(crate) fn seismic(&self) -> Option<&SeismicApp> {
        match &self.registration {
            Registration::Seismic(app) => Some(app),
            Registration::SecurityScorecard(_) => None,
        }
    }

    pub(crate) fn scorecard(&self) -> Option<&ScorecardApp> {
        match &self.registration {
            Registration::SecurityScorecard(app) => Some(app),
            Registration::Seismic(_) => None,
        }
    }
}

/// What is registered depends on the platform.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "platform", rename_all = "lowercase")]
pub(crate) enum Registration {
    Seismic(SeismicApp),
    SecurityScorecard(Box<ScorecardApp>),
}

impl Registration {
    pub(crate) fn platform(&self) -> Platform {
        match self {
            Self::Seismic(_) => Platform::Seismic,
            Self::SecurityScorecard(_) => Platform::SecurityScorecard,
        }
    }
}

/// The platforms that are simulated.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Platform {
    Seismic,
    SecurityScorecard,
}

impl Platform {
    pub(crate) fn ack(self) -> &'static Ack {
        match self {
            Self::Seismic => seismic::PLATFORM.ack(),
            Self::SecurityScorecard => securityscorecard::PLATFORM.ack(),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Seismic => seismic::PLATFORM.name(),
            Self::SecurityScorecard => securityscorecard::PLATFORM.name(),
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Seismic, Self::SecurityScorecard].into_iter().find(|platform| platform.name() == name)
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
