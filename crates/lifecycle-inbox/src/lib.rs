#![doc = include_str!("../README.md")]

mod attempt;
mod backoff;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod crew;
mod enabled;
mod engine;
mod error;
mod housekeeping;
mod inbox;
mod installations;
mod keyring;
mod leases;
mod memory;
mod operations;
mod record;
mod runner;
mod seal;
mod signals;
mod slots;
pub mod telemetry;
mod timestamp;
mod vault;
mod worker;

pub use backoff::Backoff;
pub use enabled::EnabledGate;
pub use engine::{Accepted, CLOCK_SKEW, Claim, ClaimRequest, DeliveryId, Engine, Next, Token};
pub use error::StoreError;
pub use inbox::Inbox;
pub use installations::{InstallationFilter, InstallationStore, SealedSecret};
pub use keyring::{Keyring, KeyringError};
pub use lifecycle_core::TenantKey;
pub use memory::{Fault, Memory};
pub use operations::{Filter, Prune, Pruned, Retention, State, Stats, Stored, Summary};
pub use record::{Platforms, Record, Unreadable};
pub use runner::{Ran, Runner};
pub use seal::{SealContext, SealError, Sealer, TenantSecret};
pub use signals::{Listener, Signals};
pub use timestamp::Timestamp;
pub use vault::{Vault, VaultError};
pub use worker::Worker;
