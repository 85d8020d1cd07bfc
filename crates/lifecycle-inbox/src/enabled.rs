//! `EnabledGate`: whether an app may act for a tenant right now, for its ordinary routes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lifecycle_core::{LogLimit, Reply, Status, TenantGate, TenantKey};
use tokio::time::Instant;

use crate::installations::InstallationStore;

/// Lets a request through while the app is enabled for its tenant: `require_enabled` for an app's ordinary routes. The
/// adapters mount it as a [`TenantGate`]; the app says which tenant a request is for.
///
/// A tenant that is enabled is remembered, for the [time to live](Self::time_to_live) at most. A change that this process
/// makes to any installation, or hears of, ends that at once: when the worker of this replica has handled a disable, the
/// next request is turned away. On other replicas that may take the time to live. An enable is seen at once everywhere.
///
/// What counts is the event that was *handled*: a disable that waits in the inbox, or for its next attempt, turns nobody
/// away yet. One that was given up does: a disable or an uninstall closes also as a dead letter, where an enable that was
/// given up opens nothing.
///
/// Where the platform tells of no enable, an install enables: see [`Activation`](lifecycle_core::Activation). On
/// SecurityScorecard think first: nothing proves its hook, so whoever knows the hook's URL can open this gate.
///
/// ```
/// use lifecycle_inbox::{EnabledGate, MemoryEngine, TenantKey};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let gate = EnabledGate::new(Arc::new(MemoryEngine::new()));
/// let tenant = TenantKey::new("seismic", "my-app", "a-tenant");
/// let reply = gate.check(&tenant).await.unwrap_err();
/// assert_eq!(reply.status(), 403);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct EnabledGate {
    store: Arc<dyn InstallationStore>,
    time_to_live: Duration,
    enabled: Arc<Mutex<HashMap<TenantKey, CacheEntry>>>,
    /// Anybody's requests come here, also while the store is away.
    unread: Arc<LogLimit>,
}

/// A tenant that was enabled when the store was read.
struct CacheEntry {
    revision: u64,
    at: Instant,
}

impl EnabledGate {
    /// How long an enabled tenant is remembered unless [`time_to_live`](Self::time_to_live) says otherwise: 5 s.
    pub const DEFAULT_TIME_TO_LIVE: Duration = Duration::from_secs(5);

    /// The most tenants that are remembered.
    const CAPACITY: usize = 10_000;

    /// A gate that looks into this store.
    pub fn new(store: Arc<dyn InstallationStore>) -> Self {
        Self {
            store,
            time_to_live: Self::DEFAULT_TIME_TO_LIVE,
            enabled: Arc::default(),
            unread: Arc::default(),
        }
    }

    /// Remembers an enabled tenant for at most this time; zero asks the store for each request.
    #[must_use]
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = time;
        self
    }

    /// Whether the app is enabled for this tenant.
    ///
    /// # Errors
    /// The answer to give in place of the route's: 403 with the code `not-enabled` when it is not, also when nothing is
    /// known of the tenant; 503 with the code `unavailable` when the store does not answer.
    pub async fn check(&self, tenant: &TenantKey) -> Result<(), Reply> {
        // Read before the store is: a change between the two makes what was read worthless, and is not missed.
        let revision = self.store.revision();
        let now = Instant::now();
        if self.remembers(tenant, revision, now) {
            return Ok(());
        }
        match self.store.installation(tenant).await {
            Ok(Some(installation)) if installation.status() == Status::Enabled => {
                self.remember(tenant, CacheEntry { revision, at: now });
                Ok(())
            }
            Ok(_) => Err(Reply::not_enabled()),
            Err(error) => {
                if let Some(suppressed) = self.unread.admit(SystemTime::now()) {
                    tracing::error!(
                        target: "lifecycle::inbox", platform = tenant.platform, suppressed, %error,
                        "installation not read"
                    );
                }
                Err(unavailable())
            }
        }
    }

    fn remembers(&self, tenant: &TenantKey, revision: u64, now: Instant) -> bool {
        self.enabled().get(tenant).is_some_and(|entry| self.is_valid(entry, revision, now))
    }

    fn remember(&self, tenant: &TenantKey, entry: CacheEntry) {
        let mut enabled = self.enabled();
        if enabled.len() >= Self::CAPACITY {
            let (revision, now) = (entry.revision, entry.at);
            enabled.retain(|_, entry| self.is_valid(entry, revision, now));
        }
        if enabled.len() >= Self::CAPACITY {
            enabled.clear();
        }
        enabled.insert(tenant.clone(), entry);
    }

    fn is_valid(&self, entry: &CacheEntry, revision: u64, now: Instant) -> bool {
        entry.revision == revision && now.saturating_duration_since(entry.at) < self.time_to_live
    }

    fn enabled(&self) -> MutexGuard<'_, HashMap<TenantKey, CacheEntry>> {
        self.enabled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TenantGate for EnabledGate {
    async fn check(&self, tenant: &TenantKey) -> Result<(), Reply> {
        Self::check(self, tenant).await
    }
}

impl fmt::Debug for EnabledGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnabledGate").field("time_to_live", &self.time_to_live).finish_non_exhaustive()
    }
}

fn unavailable() -> Reply {
    Reply::problem(503, "unavailable", "Whether the app is enabled cannot be told now", None)
}
