#![doc = include_str!("../README.md")]

mod deduplicated;
mod delivery;
mod event;
mod freshness;
mod handler;
mod head;
mod idempotency;
mod installation;
mod intake;
mod platform;
pub mod platforms;
mod receiver;
mod rejection;
mod reply;
mod secret;
mod signature;
pub mod telemetry;
mod tenant;
mod turn;

pub use async_trait::async_trait;
pub use deduplicated::Deduplicated;
pub use delivery::{Delivery, Trust};
pub use event::{EventFields, EventKind, LifecycleEvent};
pub use handler::{HandlerError, LifecycleHandler, Outcome, Refusal, respond};
pub use head::{Head, Headers};
pub use idempotency::{IdempotencyKey, InvalidKey};
pub use installation::{Change, Installation, Status, Transition};
pub use intake::Intake;
pub use platform::{AckPolicy, Authentic, Decode, Platform, Proof, SentAt};
pub use platforms::{securityscorecard, seismic};
pub use receiver::Receiver;
pub use rejection::{Rejection, Undecodable};
pub use reply::{PROBLEM_JSON, Reply};
pub use secret::{HookToken, Secret, SecretError, SecretId, Secrets, SigningSecret};
pub use signature::{Encoding, Part, Scheme};
pub use tenant::{TenantGate, TenantKey};
