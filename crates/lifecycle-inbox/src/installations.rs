//! `InstallationStore`: the state of every installation.

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
    /// A number that changes with each change of an installation that this process made or was notified of, before the call
    /// that made it returns. What was read under another number is out of date.
    fn revision(&self) -> u64;

    /// The installation of a tenant; `None` when no event about it was handled yet.
    async fn installation(&self, tenant: &TenantKey) -> Result<Option<Installation>, EngineError>;

    /// Installations in the order of their keys.
    async fn installations(
        &self,
        filter: &InstallationFilter,
    ) -> Result<Vec<(TenantKey, Installation)>, EngineError>;
}

/// Which installations to list, and which page of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
