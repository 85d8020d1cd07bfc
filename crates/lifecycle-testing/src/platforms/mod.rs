//! The writing half of each platform that core knows, one file each: what it sends.

mod discord;
mod github;
mod linear;
mod securityscorecard;
mod seismic;
mod shopify;
mod slack;
mod standard_webhooks;
mod stripe;
mod zoom;

use crate::sender::Sender;

/// All of them.
pub(crate) static REGISTRY: &[&Sender] = &[
    &discord::SENDER,
    &github::SENDER,
    &linear::SENDER,
    &securityscorecard::SENDER,
    &seismic::SENDER,
    &shopify::SENDER,
    &slack::SENDER,
    &standard_webhooks::SENDER,
    &stripe::SENDER,
    &zoom::SENDER,
];
