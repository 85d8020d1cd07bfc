//! Remote keys: the key set at one URL, cached.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use lifecycle_core::{KeyHint, KeySet, KeySource, Keys, KeysUnavailable, Platform, async_trait};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::client::{FetchError, KeySetClient};
use crate::lookups::{Cause, Flight, Lookups};
use crate::telemetry;
use crate::url::KeySetUrl;

/// The keys that a platform publishes at one URL, for [`Verifier::with_source`](lifecycle_core::Verifier::with_source). Clones
/// share them.
///
/// A set is fresh for [`FRESH`](Self::FRESH), or for as long as its server says, within [`FRESH_LEAST`](Self::FRESH_LEAST) and
/// [`FRESH_MOST`](Self::FRESH_MOST). After that it is used on while one task fetches it again, for [`STALE`](Self::STALE) where
/// that fails.
///
/// A key that is not there causes a fetch too, at most one in 30 s. Who asks for it is answered 503, as it may be new and not published
/// everywhere yet; and 401 once a set that was fetched 5 minutes after the first of them asked lacks it, too. An id that no set can
/// have is 401 at once. While nothing is fetched yet, attempts that fail are 1, 2, 4, 8, 16 and then 30 s apart.
///
/// It has to be used within a tokio runtime. The docs of the [crate](crate) have an example.
#[derive(Clone)]
pub struct RemoteKeys(Arc<Shared>);

struct Shared {
    platform: &'static Platform,
    url: KeySetUrl,
    client: KeySetClient,
    owner: Option<Box<str>>,
    /// Written for a moment at the end of a fetch.
    held: RwLock<Option<Held>>,
    lookups: Mutex<Lookups>,
}

/// What was fetched last.
struct Held {
    set: KeySet,
    keys: Keys,
    fetched_at: Instant,
    fresh_for: Duration,
}

/// What is to be done about a key.
enum Step {
    Found(Keys),
    Unknown,
    Limited,
    Await(Flight),
}

impl RemoteKeys {
    /// How long a set is fresh whose server does not say it.
    pub const FRESH: Duration = Duration::from_secs(10 * 60);

    /// How long a set is fresh at least, whatever its server says.
    pub const FRESH_LEAST: Duration = Duration::from_secs(5 * 60);

    /// How long a set is fresh at most, whatever its server says.
    pub const FRESH_MOST: Duration = Duration::from_secs(24 * 60 * 60);

    /// How long a set that is no longer fresh is used on while it cannot be fetched.
    pub const STALE: Duration = Duration::from_secs(24 * 60 * 60);

    /// The keys of this platform at this URL. Nothing is fetched yet.
    pub fn new(platform: &'static Platform, url: KeySetUrl, client: KeySetClient) -> Self {
        Self::of(platform, url, client, None)
    }

    /// The same, owned by somebody ([`Keys::owner`]), where a decoder asks for it: on Azure, the publisher's tenant.
    #[must_use]
    pub fn owned(platform: &'static Platform, url: KeySetUrl, client: KeySetClient, owner: &str) -> Self {
        Self::of(platform, url, client, Some(owner.into()))
    }

    fn of(
        platform: &'static Platform,
        url: KeySetUrl,
        client: KeySetClient,
        owner: Option<Box<str>>,
    ) -> Self {
        let (held, lookups) = (RwLock::default(), Mutex::default());
        Self(Arc::new(Shared { platform, url, client, owner, held, lookups }))
    }

    /// Fetches the set now, so that the first callback need not wait for it. An app does so when it starts, and may go on where
    /// it fails: then the first callbacks try again.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn warm_up(&self) -> Result<(), FetchError> {
        let flight = {
            let mut lookups = self.0.lookups();
            lookups.flight().unwrap_or_else(|| self.0.start(&mut lookups, Cause::WarmUp, Instant::now()))
        };
        landed(flight).await
    }

    /// The keys with this id among them, if they are at hand.
    pub(crate) fn at_hand(&self, id: &str) -> Option<Keys> {
        let now = Instant::now();
        let (keys, is_fresh) = {
            // A lock that would wait counts as nothing at hand: `find` waits.
            let held = self.0.held.try_read().ok()?;
            let held = held.as_ref()?;
            (held.find(id, now)?, held.is_fresh(now))
        };
        if !is_fresh && let Ok(mut lookups) = self.0.lookups.try_lock() {
            self.0.refresh(&mut lookups, now);
        }
        telemetry::looked_up(self.0.platform, "found");
        Some(keys)
    }

    pub(crate) async fn look_up(&self, id: &str) -> Result<Option<Keys>, KeysUnavailable> {
        let found = self.search(id).await;
        telemetry::looked_up(
            self.0.platform,
            match &found {
                Ok(Some(_)) => "found",
                Ok(None) => "unknown",
                Err(KeysUnavailable) => "unavailable",
            },
        );
        found
    }

    /// Whether a fetch is under way.
    #[cfg(test)]
    pub(crate) fn is_fetching(&self) -> bool {
        self.0.lookups().flight().is_some()
    }

    /// Whether it was fetched so lately that its limits are needed.
    pub(crate) fn is_recent(&self, now: Instant) -> bool {
        self.0.lookups().is_recent(now)
    }

    async fn search(&self, id: &str) -> Result<Option<Keys>, KeysUnavailable> {
        if !KeySet::may_have(id) {
            return Ok(None);
        }
        let flight = match self.0.step(id, Instant::now()) {
            Step::Found(keys) => return Ok(Some(keys)),
            Step::Unknown => return Ok(None),
            Step::Limited => return Err(KeysUnavailable),
            Step::Await(flight) => flight,
        };
        let fetched = landed(flight).await;
        let now = Instant::now();
        if let Some(keys) = self.0.find(id, now) {
            return Ok(Some(keys));
        }
        fetched.map_err(|_| KeysUnavailable)?;
        if self.0.lookups().lacked(id, now) { Ok(None) } else { Err(KeysUnavailable) }
    }
}

impl Shared {
    /// What is to be done about a key, decided while nobody else does.
    fn step(self: &Arc<Self>, id: &str, now: Instant) -> Step {
        let mut lookups = self.lookups();
        if let Some(keys) = self.find(id, now) {
            self.refresh(&mut lookups, now);
            return Step::Found(keys);
        }
        if lookups.is_unknown(id, now) {
            return Step::Unknown;
        }
        lookups.asked(id, now);
        if let Some(flight) = lookups.flight() {
            return Step::Await(flight);
        }
        if !lookups.may_fetch(Cause::Missing, now) {
            return Step::Limited;
        }
        Step::Await(self.start(&mut lookups, Cause::Missing, now))
    }

    /// Fetches a set that is no longer fresh, for those who come later.
    fn refresh(self: &Arc<Self>, lookups: &mut Lookups, now: Instant) {
        let is_fresh = self.held().as_ref().is_some_and(|held| held.is_fresh(now));
        if !is_fresh && lookups.flight().is_none() && lookups.may_fetch(Cause::Stale, now) {
            self.start(lookups, Cause::Stale, now);
        }
    }

    /// Begins a fetch, in a task of its own: whoever waits for it may give up without ending it for the others.
    fn start(self: &Arc<Self>, lookups: &mut Lookups, cause: Cause, now: Instant) -> Flight {
        let (sender, flight) = watch::channel(None);
        lookups.begin(flight.clone(), cause, now);
        let shared = self.clone();
        tokio::spawn(async move {
            let result = shared.fetch().await;
            shared.lookups().end(result, Instant::now());
            sender.send_replace(Some(result));
        });
        flight
    }

    async fn fetch(&self) -> Result<(), FetchError> {
        let fetched = self.client.get(&self.url).await.and_then(|answer| {
            let set = KeySet::from_jwks(&answer.body)?;
            let keys = Keys::from(set.clone());
            let keys = match &self.owner {
                Some(owner) => keys.with_owner(owner),
                None => keys,
            };
            let fresh_for = answer.max_age.unwrap_or(RemoteKeys::FRESH);
            let fresh_for = fresh_for.clamp(RemoteKeys::FRESH_LEAST, RemoteKeys::FRESH_MOST);
            Ok(Held { set, keys, fetched_at: Instant::now(), fresh_for })
        });
        match fetched {
            Ok(held) => {
                telemetry::fetched(self.platform, held.fresh_for);
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
                Ok(())
            }
            Err(error) => {
                let now = Instant::now();
                let held = self.held();
                let usable = held.as_ref().filter(|held| held.is_usable(now));
                telemetry::not_fetched(self.platform, error, usable.map(|held| now - held.fetched_at));
                Err(error)
            }
        }
    }

    fn find(&self, id: &str, now: Instant) -> Option<Keys> {
        self.held().as_ref()?.find(id, now)
    }

    fn held(&self) -> std::sync::RwLockReadGuard<'_, Option<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lookups(&self) -> MutexGuard<'_, Lookups> {
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// All keys, if the one with this id is among them.
    fn find(&self, id: &str, now: Instant) -> Option<Keys> {
        (self.is_usable(now) && self.set.has(id)).then(|| self.keys.clone())
    }

    fn is_fresh(&self, now: Instant) -> bool {
        now < self.fetched_at + self.fresh_for
    }

    fn is_usable(&self, now: Instant) -> bool {
        now < self.fetched_at + self.fresh_for + RemoteKeys::STALE
    }
}

/// Waits for a fetch. One whose task is gone, with its runtime, has fetched nothing.
async fn landed(mut flight: Flight) -> Result<(), FetchError> {
    flight.wait_for(Option::is_some).await.ok().and_then(|result| *result).unwrap_or(Err(FetchError::Broken))
}

#[async_trait]
impl KeySource for RemoteKeys {
    fn cached(&self, hint: &KeyHint) -> Option<Keys> {
        self.at_hand(hint.unauthenticated_key_id()?)
    }

    async fn find(&self, hint: &KeyHint) -> Result<Option<Keys>, KeysUnavailable> {
        match hint.unauthenticated_key_id() {
            Some(id) => self.look_up(id).await,
            None => Ok(None),
        }
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys").field("platform", &self.0.platform.name()).finish_non_exhaustive()
    }
}
