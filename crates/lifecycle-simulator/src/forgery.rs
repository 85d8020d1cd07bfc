//! Forgery: what an attacker, or a bad network, would send, and what a receiver has to make of it.

use lifecycle_core::Proof;
use serde::{Deserialize, Serialize};

use crate::platform::Platform;

/// A request that is not quite what the platform sends.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Forgery {
    ChangedBody,
    SlowBody,
    Stale,
    SwappedHeader,
    UnknownKind,
    UnknownSecret,
    Unsigned,
}

/// What a receiver has to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Duty {
    /// To answer in time, whatever it answers.
    Answer,
    /// To be judged by what the app makes of it.
    Judge,
    Refuse,
    Take,
}

impl Forgery {
    const ALL: [Self; 7] = [
        Self::ChangedBody,
        Self::Unsigned,
        Self::UnknownSecret,
        Self::Stale,
        Self::SwappedHeader,
        Self::UnknownKind,
        Self::SlowBody,
    ];

    /// Those that make sense on a platform.
    pub(crate) fn on(platform: Platform) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |forgery| forgery.suits(platform))
    }

    pub(crate) fn suits(self, platform: Platform) -> bool {
        let is_signed = !matches!(platform.core().proof(), Proof::UnguessableUrl);
        match self {
            Self::ChangedBody | Self::Unsigned | Self::UnknownSecret => is_signed,
            // Without a limit to its age a request may come at any time.
            Self::Stale => is_signed && platform.is_aged(),
            Self::SwappedHeader => platform.swapped_header().is_some(),
            Self::UnknownKind => platform.sender().unknown("x").is_some(),
            Self::SlowBody => platform.core().max_body() > 0,
        }
    }

    /// A few words, to be followed by `for` and a tenant.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::ChangedBody => "Changed after signing",
            Self::SlowBody => "A body that never ends",
            Self::Stale => "Signed a month ago",
            Self::SwappedHeader => "Another event's header",
            Self::UnknownKind => "An unknown kind of event",
            Self::UnknownSecret => "Signed by an unknown key",
            Self::Unsigned => "Unsigned",
        }
    }

    /// What it shows.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::ChangedBody => {
                "One letter is another one than was signed. An app that verifies re-written JSON, or nothing, takes it."
            }
            Self::SlowBody => {
                "Half of the body comes, and then nothing. An app without a time limit holds the connection for ever."
            }
            Self::Stale => "A genuine request, captured and sent again much later.",
            Self::SwappedHeader => {
                "The body is signed; the header that names its event is not, and names another one. See what your app makes of it."
            }
            Self::UnknownKind => {
                "Genuine: the platform may send new events at any time, and has to get its usual answer."
            }
            Self::UnknownSecret => "A right signature, by a key that was never given to the app.",
            Self::Unsigned => "Anybody on the internet can send this one.",
        }
    }

    pub(crate) fn duty(self) -> Duty {
        match self {
            Self::ChangedBody | Self::Stale | Self::UnknownSecret | Self::Unsigned => Duty::Refuse,
            Self::SlowBody => Duty::Answer,
            Self::SwappedHeader => Duty::Judge,
            Self::UnknownKind => Duty::Take,
        }
    }
}
