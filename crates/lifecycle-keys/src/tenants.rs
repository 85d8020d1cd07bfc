//! Tenant keys: platforms of which each tenant publishes keys of its own, such as Saleor.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use lifecycle_core::{KeyHint, KeySource, Keys, KeysUnavailable, Platform, async_trait};

use crate::client::{FetchError, KeySetClient};
use crate::remote::RemoteKeys;
use crate::url::KeySetUrl;

/// Which tenants are registered, and where each one publishes its keys. An app's store knows it.
///
/// What it is asked for is unproven and asked by strangers: let one question cost no more than a look into an index, and answer
/// for registered tenants only. Whoever could name a URL here could sign everything.
#[async_trait]
pub trait TenantDirectory: Send + Sync + 'static {
    /// Where a registered tenant publishes its keys; `None` for any other.
    ///
    /// # Errors
    /// [`KeysUnavailable`] when that is not known now: the callback is answered 503.
    async fn key_set_url(&self, tenant: &str) -> Result<Option<KeySetUrl>, KeysUnavailable>;
}

/// Tenants that are known when the app starts.
#[async_trait]
impl TenantDirectory for BTreeMap<String, KeySetUrl> {
    async fn key_set_url(&self, tenant: &str) -> Result<Option<KeySetUrl>, KeysUnavailable> {
        Ok(self.get(tenant).cloned())
    }
}

/// The keys of each registered tenant, as [`RemoteKeys`], for
/// [`Verifier::with_source`](lifecycle_core::Verifier::with_source). A header chooses the tenant. It is unsigned, and need not be
/// signed: what the keys of a tenant verify is that tenant's ([`Keys::owner`]), whatever header came with it.
///
/// It remembers the sets of [`CAPACITY`](Self::CAPACITY) tenants, and forgets the one that was used longest ago. They are kept in
/// memory, in clear: public keys are no secret. Clones share them.
#[derive(Clone)]
pub struct TenantKeys(Arc<Shared>);

struct Shared {
    platform: &'static Platform,
    header: &'static str,
    directory: Arc<dyn TenantDirectory>,
    client: KeySetClient,
    sets: RwLock<HashMap<Arc<str>, Entry>>,
    /// Counts uses, to know which was the last one.
    uses: AtomicU64,
}

struct Entry {
    keys: RemoteKeys,
    used: AtomicU64,
}

impl TenantKeys {
    /// The tenants whose sets are remembered.
    pub const CAPACITY: usize = 1024;

    /// The keys of the tenants that a directory knows, on a platform that names the tenant in this header (in lower case), such
    /// as Saleor in `saleor-api-url`.
    pub fn new(
        platform: &'static Platform,
        header: &'static str,
        directory: impl TenantDirectory,
        client: KeySetClient,
    ) -> Self {
        let (directory, sets) = (Arc::new(directory), RwLock::default());
        Self(Arc::new(Shared { platform, header, directory, client, sets, uses: AtomicU64::new(0) }))
    }

    /// Fetches the keys of a tenant now: when it registers, to see that it has some, and when the app starts.
    ///
    /// # Errors
    /// [`FetchError`]; `None` for a tenant that the directory does not know, or when it could not be asked.
    pub async fn warm_up(&self, tenant: &str) -> Result<(), Option<FetchError>> {
        match self.0.of(tenant).await {
            Ok(Some(keys)) => keys.warm_up().await.map_err(Some),
            Ok(None) | Err(KeysUnavailable) => Err(None),
        }
    }

    /// Forgets the keys of a tenant that is no longer registered, or is at another URL now.
    pub fn forget(&self, tenant: &str) {
        self.0.sets.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }
}

impl Shared {
    /// The keys of a tenant, which the directory is asked for once.
    async fn of(&self, tenant: &str) -> Result<Option<RemoteKeys>, KeysUnavailable> {
        let remembered =
            self.sets.read().unwrap_or_else(PoisonError::into_inner).get(tenant).map(|it| self.used(it));
        if remembered.is_some() {
            return Ok(remembered);
        }
        let Some(url) = self.directory.key_set_url(tenant).await? else { return Ok(None) };
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        if !sets.contains_key(tenant) && sets.len() >= TenantKeys::CAPACITY {
            let oldest =
                sets.iter().min_by_key(|(_, entry)| entry.used.load(Relaxed)).map(|(own, _)| own.clone());
            oldest.map(|oldest| sets.remove(&oldest));
        }
        let tenant: Arc<str> = tenant.into();
        let entry = sets.entry(tenant.clone()).or_insert_with(|| Entry {
            keys: RemoteKeys::owned(self.platform, url, self.client.clone(), &tenant),
            used: AtomicU64::new(0),
        });
        Ok(Some(self.used(entry)))
    }

    fn used(&self, entry: &Entry) -> RemoteKeys {
        entry.used.store(self.uses.fetch_add(1, Relaxed), Relaxed);
        entry.keys.clone()
    }

    /// Which tenant, and which of its keys.
    fn asked<'h>(&self, hint: &'h KeyHint) -> Option<(&'h str, &'h str)> {
        Some((hint.unauthenticated_header(self.header)?, hint.unauthenticated_key_id()?))
    }
}

#[async_trait]
impl KeySource for TenantKeys {
    fn cached(&self, hint: &KeyHint) -> Option<Keys> {
        let (tenant, id) = self.0.asked(hint)?;
        let sets = self.0.sets.try_read().ok()?;
        let keys = self.0.used(sets.get(tenant)?);
        drop(sets);
        keys.at_hand(id)
    }

    async fn find(&self, hint: &KeyHint) -> Result<Option<Keys>, KeysUnavailable> {
        let Some((tenant, id)) = self.0.asked(hint) else { return Ok(None) };
        match self.0.of(tenant).await? {
            Some(keys) => keys.look_up(id).await,
            None => Ok(None),
        }
    }
}

impl fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantKeys").field("platform", &self.0.platform.name()).finish_non_exhaustive()
    }
}
