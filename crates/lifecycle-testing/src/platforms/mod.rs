//! The writing half of each platform that core knows, one file each: what it sends.

mod bigcommerce;
mod discord;
mod github;
mod linear;
mod monday;
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
    &bigcommerce::SENDER,
    &discord::SENDER,
    &github::SENDER,
    &linear::SENDER,
    &monday::SENDER,
    &securityscorecard::SENDER,
    &seismic::SENDER,
    &shopify::SENDER,
    &slack::SENDER,
    &standard_webhooks::SENDER,
    &stripe::SENDER,
    &wix::SENDER,
    &zoom::SENDER,
];
