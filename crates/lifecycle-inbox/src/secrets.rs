//! `SecretStore`: the sealed secrets that belong to installations.

use std::fmt;

use async_trait::async_trait;
use lifecycle_core::TenantKey;

use crate::error::EngineError;

/// Secrets of installations, sealed before they come here. The `Vault` of `lifecycle-vault` seals and opens them.
///
/// Every engine of these crates is one; an engine of your own needs it only for a vault. The rules of
/// [`Engine`](crate::Engine) for all methods hold here too, and `contract::check_secrets` runs those of this trait.
#[async_trait]
pub trait SecretStore: Send + Sync + 'static {
    /// Writes a sealed secret, or replaces it.
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

/// A secret as it is stored: nobody reads it without the key that sealed it.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct SealedSecret {
    /// Whose it is.
    pub tenant: TenantKey,
    /// What it is called.
    pub name: String,
    /// What a sealer made of it.
    pub sealed: Vec<u8>,
}

impl SealedSecret {
    /// A sealed secret of this tenant.
    pub fn new(tenant: TenantKey, name: impl Into<String>, sealed: Vec<u8>) -> Self {
        Self { tenant, name: name.into(), sealed }
    }
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
