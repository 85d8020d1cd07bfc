//! The sealed secrets of the store.

use async_trait::async_trait;
use lifecycle_inbox::{EngineError, SealedSecret, SecretStore, TenantKey};

use crate::engine::PostgresEngine;
use crate::error::store;
use crate::row::{self, column, digest, lossy};

#[async_trait]
impl SecretStore for PostgresEngine {
    async fn put_sealed(&self, secret: SealedSecret) -> Result<(), EngineError> {
        let SealedSecret { tenant, name, sealed, .. } = secret;
        let key = digest(&tenant);
        let (platform, app) = (tenant.platform.as_bytes(), tenant.app.as_bytes());
        let (tenant, name) = (tenant.tenant.as_bytes(), name.as_bytes());
        self.query(&self.0.sql.put_sealed, &[&key, &platform, &app, &tenant, &name, &sealed]).await?;
        Ok(())
    }

    async fn replace_sealed(&self, old: &SealedSecret, sealed: Vec<u8>) -> Result<bool, EngineError> {
        let (key, name) = (digest(&old.tenant), old.name.as_bytes());
        Ok(!self.query(&self.0.sql.replace_sealed, &[&key, &name, &old.sealed, &sealed]).await?.is_empty())
    }

    async fn sealed(&self, tenant: &TenantKey, name: &str) -> Result<Option<Vec<u8>>, EngineError> {
        let rows = self.read(&self.0.sql.sealed, &[&digest(tenant), &name.as_bytes()]).await?;
        rows.first().map(|row| column(row, 0)).transpose()
    }

    async fn delete_sealed(&self, tenant: &TenantKey, name: Option<&str>) -> Result<u64, EngineError> {
        let name = name.map(str::as_bytes);
        let rows = self.query(&self.0.sql.delete_sealed, &[&digest(tenant), &name]).await?;
        let count = rows.first().map_or(Ok(0), |row| column::<i64>(row, 0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    async fn all_sealed(
        &self,
        after: Option<(&TenantKey, &str)>,
        limit: usize,
    ) -> Result<Vec<SealedSecret>, EngineError> {
        let platform = after.map(|(tenant, _)| tenant.platform.as_bytes());
        let app = after.map(|(tenant, _)| tenant.app.as_bytes());
        let name = after.map(|(_, name)| name.as_bytes());
        let tenant = after.map(|(tenant, _)| tenant.tenant.as_bytes());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.read(&self.0.sql.all_sealed, &[&platform, &app, &tenant, &name, &limit]).await?;
        let read = |row| {
            let tenant = row::tenant(row).map_err(|error| store(&error))?;
            Ok(SealedSecret::new(tenant, lossy(column(row, 3)?), column(row, 4)?))
        };
        rows.iter().map(read).collect()
    }
}
