//! What the engine in memory does with sealed secrets.

use std::ops::Bound;

use async_trait::async_trait;
use lifecycle_core::TenantKey;

use super::MemoryEngine;
use crate::error::EngineError;
use crate::secrets::{SealedSecret, SecretStore};

#[async_trait]
impl SecretStore for MemoryEngine {
    async fn put_sealed(&self, secret: SealedSecret) -> Result<(), EngineError> {
        self.store().await?.secrets.insert((secret.tenant, secret.name), secret.sealed);
        Ok(())
    }

    async fn replace_sealed(&self, old: &SealedSecret, sealed: Vec<u8>) -> Result<bool, EngineError> {
        let mut store = self.store().await?;
        let found = store.secrets.get_mut(&(old.tenant.clone(), old.name.clone()));
        let Some(current) = found.filter(|current| **current == old.sealed) else { return Ok(false) };
        *current = sealed;
        Ok(true)
    }

    async fn sealed(&self, tenant: &TenantKey, name: &str) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.store().await?.secrets.get(&(tenant.clone(), name.to_owned())).cloned())
    }

    async fn delete_sealed(&self, tenant: &TenantKey, name: Option<&str>) -> Result<u64, EngineError> {
        let mut store = self.store().await?;
        let before = store.secrets.len();
        store.secrets.retain(|(own, field), _| own != tenant || name.is_some_and(|name| name != field));
        Ok((before - store.secrets.len()) as u64)
    }

    async fn all_sealed(
        &self,
        after: Option<(&TenantKey, &str)>,
        limit: usize,
    ) -> Result<Vec<SealedSecret>, EngineError> {
        let after = after.map(|(tenant, name)| (tenant.clone(), name.to_owned()));
        let start = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let store = self.store().await?;
        let found = store
            .secrets
            .range::<(TenantKey, String), _>((start, Bound::Unbounded))
            .map(|((tenant, name), sealed)| SealedSecret {
                tenant: tenant.clone(),
                name: name.clone(),
                sealed: sealed.clone(),
            })
            .take(limit)
            .collect();
        Ok(found)
    }
}
