//! Route: a path of a subject that fixtures can be sent to, and what serves it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One route that a subject serves, as its `GET /routes` declares it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Route {
    /// A name for people.
    pub name: String,
    /// The path, such as `/seismic`. `{token}` in it stands for the hook token.
    pub path: String,
    /// The platform whose callbacks it takes: `seismic` or `securityscorecard`.
    pub platform: String,
    /// What serves it.
    pub kind: RouteKind,
    /// The only event that it takes, where it was registered for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
}

/// What serves a route, and so how it answers.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RouteKind {
    /// An action's URL, which reads the app's secrets from a header.
    Action,
    /// The adapter is the route, and runs a handler for every event.
    Endpoint,
    /// The adapter is the route of one event.
    EndpointOne,
    /// The app's own route, which takes a verified delivery as an extractor or filter.
    Extractor,
    /// An ordinary route of the app's own, for tenants that have the app enabled.
    Gated,
    /// An unsigned hook behind a token in its path.
    Hook,
    /// The page that asks an installing user for secrets.
    InstallPage,
    /// The app's manifest.
    Manifest,
    /// The app's own route behind the verifying middleware.
    Middleware,
    /// A page of the app's own, such as the one that checks of health ask for.
    Page,
}

impl RouteKind {
    /// Whether the handler runs, whose deliveries can be looked at: on callbacks that the route takes, or that go elsewhere
    /// to open or close it. On the others the app itself answers.
    pub(crate) const fn runs_handler(self) -> bool {
        matches!(self, Self::Endpoint | Self::EndpointOne | Self::Gated | Self::Hook)
    }

    /// Whether it is the platform that sends to it, and judges the answer.
    pub(crate) const fn takes_events(self) -> bool {
        matches!(self, Self::Endpoint | Self::EndpointOne | Self::Extractor | Self::Hook | Self::Middleware)
    }

    /// The name that fixtures use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Endpoint => "endpoint",
            Self::EndpointOne => "endpoint-one",
            Self::Extractor => "extractor",
            Self::Gated => "gated",
            Self::Hook => "hook",
            Self::InstallPage => "install-page",
            Self::Manifest => "manifest",
            Self::Middleware => "middleware",
            Self::Page => "page",
        }
    }
}

impl fmt::Display for RouteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
