#![doc = include_str!("../README.md")]

#[cfg(feature = "contract")]
pub mod contract;
mod engine;
mod error;
mod installations;
mod memory;
mod operations;
mod record;
mod runner;
mod signals;
mod timestamp;

pub use engine::{Accepted, CLOCK_SKEW, Claim, ClaimRequest, DeliveryId, Engine, Next, Token};
pub use error::StoreError;
pub use installations::{InstallationFilter, InstallationStore, SealedSecret};
pub use memory::Memory;
pub use operations::{Filter, Prune, Pruned, State, Stats, Stored, Summary};
pub use record::{Platforms, Record, TenantKey, Unreadable};
pub use runner::{Ran, Runner};
pub use signals::{Listener, Signals};
pub use timestamp::Timestamp;
