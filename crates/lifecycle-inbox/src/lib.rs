#![doc = include_str!("../README.md")]

mod attempt;
mod backoff;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod dispatcher;
mod enabled;
mod engine;
mod error;
mod housekeeping;
mod inbox;
mod installations;
mod leases;
mod memory;
mod notifier;
mod operations;
mod record;
mod runner;
mod secrets;
mod slots;
mod store;
pub mod telemetry;
mod timestamp;
mod worker;

pub use backoff::Backoff;
pub use enabled::EnabledGate;
pub use engine::{Accepted, AfterFailure, CLOCK_SKEW, Claim, ClaimRequest, DeliveryId, Engine, LeaseToken};
pub use error::EngineError;
pub use inbox::Inbox;
pub use installations::{InstallationFilter, InstallationStore};
pub use lifecycle_core::TenantKey;
pub use memory::{Fault, MemoryEngine};
pub use notifier::{Notifier, Subscription};
pub use operations::{
    DeliveryFilter, DeliveryState, DeliverySummary, Ended, Prune, Pruned, Retention, Stats, StoredDelivery,
    UnknownPlatform,
};
pub use record::{Platforms, Record, Unreadable};
pub use runner::{RunOutcome, Runner};
pub use secrets::{SealedSecret, SecretStore};
pub use store::Store;
pub use timestamp::Timestamp;
pub use worker::Worker;
