//! Tenant keys: platforms of which each tenant publishes keys of its own, such as Saleor.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use lifecycle_core::{KeyHint, KeySource, Keys, KeysUnavailable, Platform, async_trait};
use tokio::time::Instant;

use crate::client::{FetchError, KeySetClient};
use crate::remote::RemoteKeys;
use crate::url::KeySetUrl;

/// Which tenants are registered, and where each one publishes its keys. An app's store knows it.
///
/// Of a tenant whose keys are remembered it is asked again after [`TenantKeys::REGISTERED`], of any other each time. What it is asked
/// for is unproven and asked by strangers: let one question cost no more than a look into an index, and answer for registered tenants
/// only. Whoever could name a URL here could sign everything. Compare byte for byte: each spelling that is answered is a tenant of its own.
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
/// It remembers the sets of [`CAPACITY`](Self::CAPACITY) tenants, and forgets those that were used longest ago. It remembers more while
/// more than that were fetched within 30 s, as one fetch in that time is what strangers may cause for each tenant. Sets are kept in memory,
/// in clear: public keys are no secret. Clones share them.
#[derive(Clone)]
pub struct TenantKeys(Arc<Shared>);

struct Shared {
    platform: &'static Platform,
    header: &'static str,
    directory: Arc<dyn TenantDirectory>,
    client: KeySetClient,
    sets: RwLock<Sets>,
    /// Counts uses, to know which was the last one.
    uses: AtomicU64,
}

#[derive(Default)]
struct Sets {
    of: HashMap<Arc<str>, Entry>,
    /// How often the app had one forgotten. What the directory answers to a question from before that may be out of date.
    forgotten: u64,
}

struct Entry {
    keys: RemoteKeys,
    url: KeySetUrl,
    /// When the directory named it.
    named_at: Instant,
    used: AtomicU64,
}

impl TenantKeys {
    /// The tenants whose sets are remembered.
    pub const CAPACITY: usize = 1024;

    /// How long a tenant counts as registered without the directory being asked again: so late at most a tenant that has left, or is at
    /// another URL now, is noticed. [`forget`](Self::forget) is at once.
    pub const REGISTERED: Duration = Duration::from_secs(60);

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
        let mut sets = self.0.write();
        sets.of.remove(tenant);
        sets.forgotten += 1;
    }
}

impl Shared {
    /// The keys of a tenant, if it is registered.
    async fn of(&self, tenant: &str) -> Result<Option<RemoteKeys>, KeysUnavailable> {
        let (named, mut sets) = loop {
            let forgotten = {
                let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(entry) = sets.of.get(tenant)
                    && entry.is_registered(Instant::now())
                {
                    return Ok(Some(self.used(entry)));
                }
                sets.forgotten
            };
            let named = self.directory.key_set_url(tenant).await?;
            let sets = self.write();
            if sets.forgotten == forgotten {
                break (named, sets);
            }
        };
        let (now, sets) = (Instant::now(), &mut sets.of);
        let Some(url) = named else {
            sets.remove(tenant);
            return Ok(None);
        };
        if let Some(entry) = sets.get_mut(tenant).filter(|entry| entry.url == url) {
            entry.named_at = now;
            return Ok(Some(self.used(entry)));
        }
        make_room(sets, now);
        let keys = RemoteKeys::owned(self.platform, url.clone(), self.client.clone(), tenant);
        let entry = Entry { keys, url, named_at: now, used: AtomicU64::new(0) };
        let keys = self.used(&entry);
        sets.insert(tenant.into(), entry);
        Ok(Some(keys))
    }

    fn write(&self) -> RwLockWriteGuard<'_, Sets> {
        self.sets.write().unwrap_or_else(PoisonError::into_inner)
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

impl Entry {
    fn is_registered(&self, now: Instant) -> bool {
        now < self.named_at + TenantKeys::REGISTERED
    }
}

/// Forgets the sets that were used longest ago, unless one is so new that the limit of its fetches would be lost with it: by asking for
/// many tenants in turn, strangers could have each of them fetched each time.
fn make_room(sets: &mut HashMap<Arc<str>, Entry>, now: Instant) {
    let surplus = (sets.len() + 1).saturating_sub(TenantKeys::CAPACITY);
    if surplus == 0 {
        return;
    }
    let old = sets.iter().filter(|(_, entry)| !entry.keys.is_recent(now));
    let mut old: Vec<(u64, Arc<str>)> =
        old.map(|(tenant, entry)| (entry.used.load(Relaxed), tenant.clone())).collect();
    old.sort_unstable();
    for (_, tenant) in old.into_iter().take(surplus) {
        sets.remove(&tenant);
    }
}

#[async_trait]
impl KeySource for TenantKeys {
    fn cached(&self, hint: &KeyHint) -> Option<Keys> {
        let (tenant, id) = self.0.asked(hint)?;
        let sets = self.0.sets.try_read().ok()?;
        let keys = self.0.used(sets.of.get(tenant).filter(|entry| entry.is_registered(Instant::now()))?);
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
