//! What the engine does with sealed secrets.

use async_trait::async_trait;
use lifecycle_inbox::{EngineError, SealedSecret, SecretStore, TenantKey};

use super::SqliteEngine;
use crate::secrets;

#[async_trait]
impl SecretStore for SqliteEngine {
    async fn put_sealed(&self, secret: SealedSecret) -> Result<(), EngineError> {
        self.write(move |connection| secrets::put(connection, &secret)).await
    }

    async fn replace_sealed(&self, old: &SealedSecret, sealed: Vec<u8>) -> Result<bool, EngineError> {
        let old = old.clone();
        self.write(move |connection| secrets::replace(connection, &old, &sealed)).await
    }

    async fn sealed(&self, tenant: &TenantKey, name: &str) -> Result<Option<Vec<u8>>, EngineError> {
        let (tenant, name) = (tenant.clone(), name.to_owned());
        self.read(move |connection| secrets::find(connection, &tenant, &name)).await
    }

    async fn delete_sealed(&self, tenant: &TenantKey, name: Option<&str>) -> Result<u64, EngineError> {
        let (tenant, name) = (tenant.clone(), name.map(str::to_owned));
        self.write(move |connection| secrets::delete(connection, &tenant, name.as_deref())).await
    }

    async fn all_sealed(
        &self,
        after: Option<(&TenantKey, &str)>,
        limit: usize,
    ) -> Result<Vec<SealedSecret>, EngineError> {
        let after = after.map(|(tenant, name)| (tenant.clone(), name.to_owned()));
        self.read(move |connection| secrets::list(connection, after.as_ref(), limit)).await
    }
}
