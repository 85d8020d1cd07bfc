//! The writing half of each platform that core knows, one file each: what it sends.

mod discord;
mod github;
mod securityscorecard;
mod seismic;
mod slack;
mod stripe;

use crate::sender::Sender;

/// All of them.
pub(crate) static REGISTRY: &[&Sender] = &[
    &discord::SENDER,
    &github::SENDER,
    &securityscorecard::SENDER,
    &seismic::SENDER,
    &slack::SENDER,
    &stripe::SENDER,
];
