//! The platforms that this crate knows, one file each: how each is verified, and what its bodies say.

#[cfg(feature = "public-key")]
pub mod azure;
pub mod bigcommerce;
#[cfg(feature = "public-key")]
pub mod discord;
#[cfg(feature = "public-key")]
pub mod forge;
pub mod github;
mod lenient;
pub mod linear;
mod members;
pub mod monday;
#[cfg(feature = "public-key")]
pub mod saleor;
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
    #[cfg(feature = "public-key")]
    &azure::PLATFORM,
    &bigcommerce::PLATFORM,
    #[cfg(feature = "public-key")]
    &discord::PLATFORM,
    #[cfg(feature = "public-key")]
    &forge::PLATFORM,
    &github::PLATFORM,
    &linear::PLATFORM,
    &monday::PLATFORM,
    #[cfg(feature = "public-key")]
    &saleor::PLATFORM,
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
