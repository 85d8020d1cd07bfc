//! Vault: the secrets of installations, sealed in the store and open to the app.

use std::fmt;
use std::sync::Arc;

use lifecycle_core::TenantKey;
use lifecycle_inbox::{EngineError, SealedSecret, SecretStore};

use crate::seal::{SealContext, SealError, Sealer, TenantSecret};

/// How many secrets are read at a time.
const PAGE: usize = 100;

/// Keeps secrets of installations, such as an API token that an administrator gave: encrypted at rest, each bound to its
/// tenant and name.
#[derive(Clone)]
pub struct Vault {
    store: Arc<dyn SecretStore>,
    sealer: Arc<dyn Sealer>,
}

impl Vault {
    /// A vault in this store.
    pub fn new(store: Arc<dyn SecretStore>, sealer: impl Sealer) -> Self {
        Self { store, sealer: Arc::new(sealer) }
    }

    /// Keeps a secret under this name, in place of the one before.
    pub async fn put(
        &self,
        tenant: &TenantKey,
        name: &str,
        secret: impl AsRef<[u8]> + Send,
    ) -> Result<(), VaultError> {
        let sealed = self.sealer.seal(secret.as_ref(), SealContext { tenant, name }).await?;
        let secret = SealedSecret::new(tenant.clone(), name, sealed);
        Ok(self.store.put_sealed(secret).await?)
    }

    /// The secret of this name.
    pub async fn get(&self, tenant: &TenantKey, name: &str) -> Result<Option<TenantSecret>, VaultError> {
        let Some(sealed) = self.store.sealed(tenant, name).await? else { return Ok(None) };
        Ok(Some(self.sealer.open(&sealed, SealContext { tenant, name }).await?))
    }

    /// Deletes the secret of this name; `false` when there is none.
    pub async fn delete(&self, tenant: &TenantKey, name: &str) -> Result<bool, VaultError> {
        Ok(self.store.delete_sealed(tenant, Some(name)).await? > 0)
    }

    /// Deletes all secrets of a tenant, as after an uninstall, and tells how many there were.
    pub async fn forget(&self, tenant: &TenantKey) -> Result<u64, VaultError> {
        Ok(self.store.delete_sealed(tenant, None).await?)
    }

    /// Opens every secret and changes nothing. Call it at the start, to hear of a wrong or a missing key there. Tells how
    /// many there are.
    pub async fn verify(&self) -> Result<u64, VaultError> {
        let mut count = 0;
        let mut last = None;
        loop {
            let page = self.page(last.as_ref()).await?;
            for secret in &page {
                self.open(secret).await?;
                count += 1;
            }
            last = page.into_iter().last();
            if last.is_none() {
                return Ok(count);
            }
        }
    }

    /// Seals again what an older key has sealed, so that it can be taken away afterwards. A secret that is put meanwhile
    /// is left as it is. Tells how many were sealed again.
    pub async fn reseal(&self) -> Result<u64, VaultError> {
        let mut count = 0;
        let mut last = None;
        loop {
            let page = self.page(last.as_ref()).await?;
            for secret in page.iter().filter(|secret| !self.sealer.is_current(&secret.sealed)) {
                let opened = self.open(secret).await?;
                let sealed = self.sealer.seal(opened.as_bytes(), context(secret)).await?;
                count += u64::from(self.store.replace_sealed(secret, sealed).await?);
            }
            last = page.into_iter().last();
            if last.is_none() {
                return Ok(count);
            }
        }
    }

    async fn page(&self, last: Option<&SealedSecret>) -> Result<Vec<SealedSecret>, EngineError> {
        let after = last.map(|last| (&last.tenant, last.name.as_str()));
        self.store.all_sealed(after, PAGE).await
    }

    async fn open(&self, secret: &SealedSecret) -> Result<TenantSecret, SealError> {
        self.sealer.open(&secret.sealed, context(secret)).await
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

/// What a vault could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The secret could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store could not be read or written.
    #[error("the store of secrets failed: {0}")]
    Store(#[from] EngineError),
}

fn context(secret: &SealedSecret) -> SealContext<'_> {
    SealContext { tenant: &secret.tenant, name: &secret.name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Keyring;
    use lifecycle_inbox::MemoryEngine;

    const OLD: &str = "old:9c0f3d0e4f7a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6071829304";
    const NEW: &str = "new:1c0f3d0e4f7a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6071829304";

    fn vault(store: &MemoryEngine, keys: &str) -> Vault {
        Vault::new(Arc::new(store.clone()), Keyring::parse(keys).unwrap())
    }

    #[tokio::test]
    async fn a_key_is_replaced_without_a_moment_in_which_a_secret_is_lost() {
        let store = MemoryEngine::new();
        let old = vault(&store, OLD);
        for nth in 0..150 {
            let tenant = TenantKey::new("p", "a", nth.to_string());
            old.put(&tenant, "token", format!("secret {nth}")).await.unwrap();
        }
        let both = vault(&store, &format!("{NEW} {OLD}"));
        assert_eq!(both.verify().await.unwrap(), 150);
        assert_eq!(both.reseal().await.unwrap(), 150);
        assert_eq!(both.reseal().await.unwrap(), 0);
        let new = vault(&store, NEW);
        let tenant = TenantKey::new("p", "a", "149");
        assert_eq!(new.get(&tenant, "token").await.unwrap().unwrap().as_str(), Some("secret 149"));
        assert_eq!(new.verify().await.unwrap(), 150);
    }

    #[tokio::test]
    async fn a_missing_key_is_named_at_the_start() {
        let store = MemoryEngine::new();
        vault(&store, OLD).put(&TenantKey::new("p", "a", "t"), "token", "secret").await.unwrap();
        let error = vault(&store, NEW).verify().await.unwrap_err();
        assert!(error.to_string().contains("`old`"), "{error}");
    }

    #[tokio::test]
    async fn what_the_store_holds_is_not_the_secret() {
        let store = MemoryEngine::new();
        let tenant = TenantKey::new("p", "a", "t");
        vault(&store, OLD).put(&tenant, "token", "hunter2").await.unwrap();
        let sealed = store.sealed(&tenant, "token").await.unwrap().unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
    }

    #[tokio::test]
    async fn a_forgotten_tenant_has_no_secret_and_others_keep_theirs() {
        let store = MemoryEngine::new();
        let vault = vault(&store, OLD);
        let (one, other) = (TenantKey::new("p", "a", "one"), TenantKey::new("p", "a", "other"));
        for (tenant, name) in [(&one, "a"), (&one, "b"), (&other, "a")] {
            vault.put(tenant, name, "secret").await.unwrap();
        }
        assert_eq!(vault.forget(&one).await.unwrap(), 2);
        assert_eq!(vault.get(&one, "a").await.unwrap(), None);
        assert!(vault.delete(&other, "a").await.unwrap());
        assert!(!vault.delete(&other, "a").await.unwrap());
    }
}
