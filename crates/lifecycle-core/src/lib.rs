#![doc = include_str!("../README.md")]

mod ack;
mod change;
mod charset;
mod claims;
mod decision;
mod deduplicated;
mod delivery;
mod document;
mod endpoint_handler;
mod envelope;
mod event;
mod freshness;
mod handler;
mod handler_error;
mod handshake;
mod head;
mod hook_token;
mod idempotency;
mod installation;
mod json_object;
mod jws;
#[cfg(feature = "public-key")]
mod key_set;
mod keys;
mod log_limit;
mod mark;
mod observation;
mod platform;
pub mod platforms;
#[cfg(feature = "public-key")]
mod public_key;
#[cfg(feature = "public-key")]
mod public_scheme;
mod rejected_request;
mod rejection;
mod reply;
#[cfg(feature = "public-key")]
mod rsa_key;
mod scheme;
mod secret;
mod signature;
mod single_flight;
mod status;
mod sync;
pub mod telemetry;
mod tenant;
#[cfg(test)]
mod testing;
mod token_scheme;
mod trust;
mod unhandled;
mod verification;
mod verified_request;
mod verifier;

pub use ack::{Ack, AckFailure};
pub use async_trait::async_trait;
pub use change::Change;
pub use charset::header_text;
pub use decision::{Decision, Reason};
pub use deduplicated::Deduplicated;
pub use delivery::Delivery;
pub use endpoint_handler::{EndpointHandler, run_handler};
pub use envelope::{Envelope, Unreadable};
pub use event::{EventFields, EventKind, LifecycleEvent};
pub use handler::LifecycleHandler;
pub use handler_error::HandlerError;
pub use handshake::{Handshake, ReadHandshake};
pub use head::{Head, Headers};
pub use hook_token::HookToken;
pub use idempotency::{IdempotencyKey, IdempotencySource, InvalidKey};
pub use installation::Installation;
#[cfg(feature = "public-key")]
pub use key_set::{InvalidKeySet, KeySet};
pub use keys::{ConfigError, KeyHint, KeyLookup, KeySource, Keys, KeysUnavailable};
pub use log_limit::LogLimit;
pub use observation::Observation;
pub use platform::{Activation, AttemptTime, Decode, Method, Platform, Proof};
#[cfg(feature = "public-key")]
pub use platforms::{azure, discord, forge, saleor, wix};
pub use platforms::{
    bigcommerce, github, linear, monday, registry, securityscorecard, seismic, shopify, slack,
    standard_webhooks, stripe, zoom,
};
#[cfg(feature = "public-key")]
pub use public_key::{InvalidPublicKey, PublicKey};
#[cfg(feature = "public-key")]
pub use public_scheme::PublicScheme;
pub use rejected_request::{RejectedRequest, RequestBody};
pub use rejection::{Rejection, Undecodable};
pub use reply::{PROBLEM_JSON, Reply};
pub use scheme::{Encoding, KeyForm, Part, Scheme};
pub use secret::{KeyName, Secret, SecretError, Secrets, SigningSecret};
pub use status::{Status, Transition};
pub use tenant::{TenantGate, TenantKey};
pub use token_scheme::{Algorithm, Audience, TokenPlace, TokenScheme};
pub use trust::{Field, Trust};
pub use unhandled::Unhandled;
pub use verification::{Inbound, Verification};
pub use verified_request::VerifiedRequest;
pub use verifier::{ExpectedApp, KeysHandle, RequestOutcome, Verifier};
