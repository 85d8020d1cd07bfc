//! The platforms that this crate knows, one file each: how each is verified, and what its bodies say.

pub mod bigcommerce;
#[cfg(feature = "public-key")]
pub mod discord;
pub mod github;
mod lenient;
pub mod linear;
mod members;
pub mod monday;
pub mod securityscorecard;
pub mod seismic;
pub mod shopify;
pub mod slack;
pub mod standard_webhooks;
pub mod stripe;
#[cfg(feature = "public-key")]
pub mod wix;
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
    &bigcommerce::PLATFORM,
    #[cfg(feature = "public-key")]
    &discord::PLATFORM,
    &github::PLATFORM,
    &linear::PLATFORM,
    &monday::PLATFORM,
    &securityscorecard::PLATFORM,
    &seismic::PLATFORM,
    &shopify::PLATFORM,
    &slack::PLATFORM,
    &standard_webhooks::PLATFORM,
    &stripe::PLATFORM,
    #[cfg(feature = "public-key")]
    &wix::PLATFORM,
    &zoom::PLATFORM,
];
