//! What the engine in memory does with installations.

use std::ops::Bound;

use async_trait::async_trait;
use lifecycle_core::{Installation, TenantKey};

use super::MemoryEngine;
use crate::error::EngineError;
use crate::installations::{InstallationFilter, InstallationStore};

#[async_trait]
impl InstallationStore for MemoryEngine {
    fn revision(&self) -> u64 {
        self.0.notifier.revision()
    }

    async fn installation(&self, tenant: &TenantKey) -> Result<Option<Installation>, EngineError> {
        Ok(self.store().await?.installations.get(tenant).cloned())
    }

    async fn installations(
        &self,
        filter: &InstallationFilter,
    ) -> Result<Vec<(TenantKey, Installation)>, EngineError> {
        let start = filter.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let store = self.store().await?;
        let found = store
            .installations
            .range::<TenantKey, _>((start, Bound::Unbounded))
            .filter(|(_, installation)| filter.status.is_none_or(|status| installation.status() == status))
            .map(|(tenant, installation)| (tenant.clone(), installation.clone()))
            .take(filter.limit)
            .collect();
        Ok(found)
    }
}
