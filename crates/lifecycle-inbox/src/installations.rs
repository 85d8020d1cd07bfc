//! `InstallationStore`: the state of every installation, and the sealed secrets that belong to it.

use std::fmt;

use async_trait::async_trait;
use lifecycle_core::{Installation, Status, TenantKey};

use crate::error::EngineError;

/// The installations of all tenants, as their events have left them.
///
/// Nothing writes an installation but [`Engine::complete`](crate::Engine::complete), and the
/// [dead letter](crate::AfterFailure::Dead) of a disable or an uninstall, which closes it. An uninstalled one stays, as a tombstone
/// against late events.
#[async_trait]
pub trait InstallationStore: Send + Sync + 'static {
    /// A number that is another one after each change of an installation that this process made or heard of: before
    /// the call that made it returns. What was read under another number is out of date.
    fn revision(&self) -> u64;

    /// The installation of a tenant; `None` when no event about it was handled yet.
    async fn installation(&self, tenant: &TenantKey) -> Result<Option<Installation>, EngineError>;

    /// Installations in the order of their keys.
    async fn installations(
        &self,
        filter: &InstallationFilter,
    ) -> Result<Vec<(TenantKey, Installation)>, EngineError>;

    /// Writes a sealed secret, or replaces it. The `Vault` of `lifecycle-vault` seals.
    async fn put_sealed(&self, secret: SealedSecret) -> Result<(), EngineError>;

    /// Replaces a sealed secret if it is still this one. `false`, and nothing has happened, if not.
    async fn replace_sealed(&self, old: &SealedSecret, sealed: Vec<u8>) -> Result<bool, EngineError>;

    /// A sealed secret.
    async fn sealed(&self, tenant: &TenantKey, name: &str) -> Result<Option<Vec<u8>>, EngineError>;

    /// Deletes a tenant's sealed secret of this name, or all of them. Returns how many there were.
    async fn delete_sealed(&self, tenant: &TenantKey, name: Option<&str>) -> Result<u64, EngineError>;

    /// Sealed secrets of all tenants in the order of key and name, after this one if it is given.
    async fn all_sealed(
        &self,
        after: Option<(&TenantKey, &str)>,
        limit: usize,
    ) -> Result<Vec<SealedSecret>, EngineError>;
}

/// Which installations to list, and which page of them.
#[derive(Clone, Debug)]
pub struct InstallationFilter {
    /// Only those of this status.
    pub status: Option<Status>,
    /// Only those after this one: the last key of the page before.
    pub after: Option<TenantKey>,
    /// The most installations.
    pub limit: usize,
}

impl Default for InstallationFilter {
    /// The first 100.
    fn default() -> Self {
        Self { status: None, after: None, limit: 100 }
    }
}

/// A secret as it is stored: nobody reads it without the key that sealed it.
#[derive(Clone, Eq, PartialEq)]
pub struct SealedSecret {
    /// Whose it is.
    pub tenant: TenantKey,
    /// What it is called.
    pub name: String,
    /// What a sealer made of it.
    pub sealed: Vec<u8>,
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSecret")
            .field("tenant", &self.tenant)
            .field("name", &self.name)
            .field("length", &self.sealed.len())
            .finish_non_exhaustive()
    }
}
