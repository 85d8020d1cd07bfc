//! The writing half of each platform that core knows, one file each: what it sends.

mod azure;
mod bigcommerce;
mod discord;
mod forge;
mod github;
mod linear;
mod monday;
mod saleor;
mod securityscorecard;
mod seismic;
mod shopify;
mod slack;
mod standard_webhooks;
mod stripe;
mod wix;
mod zoom;

use crate::sender::Sender;

/// All of them.
pub(crate) static REGISTRY: &[&Sender] = &[
    &azure::SENDER,
    &bigcommerce::SENDER,
    &discord::SENDER,
    &forge::SENDER,
    &github::SENDER,
    &linear::SENDER,
    &monday::SENDER,
    &saleor::SENDER,
    &securityscorecard::SENDER,
    &seismic::SENDER,
    &shopify::SENDER,
    &slack::SENDER,
    &standard_webhooks::SENDER,
    &stripe::SENDER,
    &wix::SENDER,
    &zoom::SENDER,
];
