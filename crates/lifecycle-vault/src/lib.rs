#![doc = include_str!("../README.md")]

mod keyring;
mod seal;
mod vault;

pub use keyring::{Keyring, KeyringError};
pub use lifecycle_core::TenantKey;
pub use seal::{SealContext, SealError, Sealer, TenantSecret};
pub use vault::{Vault, VaultError};
