//! The installations of the store.

use async_trait::async_trait;
use lifecycle_core::{Installation, Status};
use lifecycle_inbox::{EngineError, InstallationFilter, InstallationStore, TenantKey};

use crate::engine::PostgresEngine;
use crate::error::store;
use crate::row::{self, column, digest};

#[async_trait]
impl InstallationStore for PostgresEngine {
    fn revision(&self) -> u64 {
        self.0.notifier.local.revision()
    }

    async fn installation(&self, tenant: &TenantKey) -> Result<Option<Installation>, EngineError> {
        let rows = self.read(&self.0.sql.installation, &[&digest(tenant)]).await?;
        rows.first().map(|row| row::installation(column(row, 0)?)).transpose()
    }

    async fn installations(
        &self,
        filter: &InstallationFilter,
    ) -> Result<Vec<(TenantKey, Installation)>, EngineError> {
        let status = filter.status.map(Status::name);
        let after = filter.after.as_ref();
        let platform = after.map(|key| key.platform.as_bytes());
        let app = after.map(|key| key.app.as_bytes());
        let tenant = after.map(|key| key.tenant.as_bytes());
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        let sql = self.0.sql.installations(filter);
        let rows = self.read(&sql, &[&status, &platform, &app, &tenant, &limit]).await?;
        let read =
            |row| Ok((row::tenant(row).map_err(|error| store(&error))?, row::installation(column(row, 3)?)?));
        rows.iter().map(read).collect()
    }
}
