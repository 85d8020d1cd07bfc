//! The platforms that this crate knows, one file each: how each is verified, and what its bodies say.

#[cfg(feature = "public-key")]
pub mod discord;
pub mod github;
mod lenient;
pub mod linear;
mod members;
pub mod securityscorecard;
pub mod seismic;
pub mod shopify;
pub mod slack;
pub mod standard_webhooks;
pub mod stripe;
pub mod zoom;

use crate::platform::Platform;

/// All platforms that this crate knows, for tools. An app that defines its own registers it beside them.
///
/// ```
/// assert!(lifecycle_core::registry().iter().any(|platform| platform.name() == "seismic"));
/// ```
pub fn registry() -> &'static [&'static Platform] {
    REGISTRY
}

static REGISTRY: &[&Platform] = &[
    #[cfg(feature = "public-key")]
    &discord::PLATFORM,
    &github::PLATFORM,
    &linear::PLATFORM,
    &securityscorecard::PLATFORM,
    &seismic::PLATFORM,
    &shopify::PLATFORM,
    &slack::PLATFORM,
    &standard_webhooks::PLATFORM,
    &stripe::PLATFORM,
    &zoom::PLATFORM,
];
