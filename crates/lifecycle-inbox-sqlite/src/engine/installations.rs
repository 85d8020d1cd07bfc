//! What the engine does with installations.

use async_trait::async_trait;
use lifecycle_core::Installation;
use lifecycle_inbox::{EngineError, InstallationFilter, InstallationStore, TenantKey};

use super::SqliteEngine;
use crate::installations;

#[async_trait]
impl InstallationStore for SqliteEngine {
    fn revision(&self) -> u64 {
        self.notifier.revision()
    }

    async fn installation(&self, tenant: &TenantKey) -> Result<Option<Installation>, EngineError> {
        let tenant = tenant.clone();
        self.read(move |connection| installations::find(connection, &tenant)).await
    }

    async fn installations(
        &self,
        filter: &InstallationFilter,
    ) -> Result<Vec<(TenantKey, Installation)>, EngineError> {
        let filter = filter.clone();
        self.read(move |connection| installations::list(connection, &filter)).await
    }
}
