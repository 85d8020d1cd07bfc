//! Marketplace: what administrators and developers can do, whether they click or call the API.

mod actions;
mod callback;
mod completion;
mod forging;
mod handshake;
mod history;
mod invocation;
mod registration;
mod repeats;
mod rotation;
mod scorecard;
mod sending;

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::app::App;
use crate::bidi::{self, isolated};
use crate::courier::Courier;
use crate::installation::Installation;
use crate::outcome::Outcome;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::store::{EngineError, Store};
use crate::tenant::Tenant;

pub(crate) use actions::{Mode, Perform};
pub(crate) use completion::Submission;
pub(crate) use invocation::{Invocation, example};
pub(crate) use registration::{AppInput, Registered};
pub(crate) use rotation::Rotation;
pub(crate) use sending::Started;

/// The longest name of an app or a tenant.
pub(crate) const MAX_NAME: usize = 100;

/// How many outcomes wait for one who is slow to read them.
const OUTCOMES: usize = 1024;

/// The marketplace. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Marketplace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<Store>,
    courier: Courier,
    /// Where the simulator listens.
    address: SocketAddr,
    /// The apps and tenants for which an action waits for its answer, and the click that it is, once it has a number.
    busy: Mutex<HashMap<(i64, i64), Option<i64>>>,
    /// What is on its way, whether or not anybody waits for it.
    tasks: Mutex<JoinSet<()>>,
    /// The ids that installation pages were given in this run, by installation.
    opened: Mutex<HashMap<i64, Zeroizing<String>>>,
    outcomes: broadcast::Sender<Outcome>,
}

impl Marketplace {
    pub(crate) fn new(store: Store, address: SocketAddr) -> Self {
        Self(Arc::new(Inner {
            store: Arc::new(store),
            courier: Courier::new(),
            address,
            busy: Mutex::default(),
            tasks: Mutex::default(),
            opened: Mutex::default(),
            outcomes: broadcast::channel(OUTCOMES).0,
        }))
    }

    /// What comes of each delivery from now on.
    pub(crate) fn outcomes(&self) -> broadcast::Receiver<Outcome> {
        self.0.outcomes.subscribe()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// What goes into every form of the page.
    pub(crate) async fn form_token(&self) -> Result<String, Problem> {
        self.run(Store::form_token).await
    }

    pub(crate) async fn apps(&self) -> Result<Vec<App>, Problem> {
        self.run(Store::apps).await
    }

    pub(crate) async fn app(&self, id: i64) -> Result<App, Problem> {
        self.run(move |store| store.app(id)).await?.ok_or_else(|| Problem::not_found("app"))
    }

    pub(crate) async fn tenants(&self, platform: Option<Platform>) -> Result<Vec<Tenant>, Problem> {
        let mut tenants = self.run(Store::tenants).await?;
        tenants.retain(|tenant| platform.is_none_or(|platform| tenant.platform == platform));
        Ok(tenants)
    }

    pub(crate) async fn tenant(&self, id: i64) -> Result<Tenant, Problem> {
        self.run(move |store| store.tenant(id)).await?.ok_or_else(|| Problem::not_found("tenant"))
    }

    pub(crate) async fn add_tenant(&self, platform: Platform, name: &str) -> Result<Tenant, Problem> {
        let name = checked_name(name)
            .map_err(|reason| Problem::invalid("name", format!("the tenant's name {reason}")))?;
        let mut tenant = Tenant::new(platform, &name);
        let stored = tenant.clone();
        let id = self.run(move |store| store.add_tenant(&stored)).await?;
        tenant.id = id.ok_or_else(|| {
            let detail = format!("there is a tenant {} already", isolated(&name));
            Problem::conflict("tenant-exists", detail)
        })?;
        Ok(tenant)
    }

    pub(crate) async fn installations(&self, app: i64) -> Result<Vec<Installation>, Problem> {
        self.run(move |store| store.installations(app)).await
    }

    pub(crate) async fn installation(&self, id: i64) -> Result<Installation, Problem> {
        self.run(move |store| store.installation(id)).await?.ok_or_else(|| Problem::not_found("installation"))
    }

    /// Removes a tenant, with its installations and their deliveries.
    pub(crate) async fn remove_tenant(&self, id: i64) -> Result<(), Problem> {
        let removed = self.run(move |store| store.remove_tenant(id)).await?;
        if removed { Ok(()) } else { Err(Problem::not_found("tenant")) }
    }

    /// Works on the database, on a thread that may wait for the disk.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Problem> {
        let store = Arc::clone(&self.0.store);
        let result = tokio::task::spawn_blocking(move || work(&store)).await;
        Ok(result.unwrap_or(Err(EngineError::Damaged))?)
    }

    /// Goes on to the end even if nobody waits for it any more: an answer that came is never lost.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Completes when nothing is on its way any more.
    pub(crate) async fn settled(&self) {
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.join_all().await;
    }

    /// Claims an app in a tenant for one action, as the platform lets its administrators do one at a time.
    fn claim(&self, app: i64, tenant: i64) -> Result<Claim, Problem> {
        let mut busy = self.0.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy.contains_key(&(app, tenant)) {
            return Err(Problem::conflict(
                "busy",
                "another action on this tenant waits for its answer; try again",
            ));
        }
        busy.insert((app, tenant), None);
        Ok(Claim { marketplace: self.clone(), key: (app, tenant) })
    }

    /// The click that waits for its answer.
    pub(crate) fn waiting(&self, app: i64, tenant: i64) -> Option<i64> {
        let busy = self.0.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.get(&(app, tenant)).copied().flatten()
    }
}

/// Gives an app in a tenant free again when dropped.
struct Claim {
    marketplace: Marketplace,
    key: (i64, i64),
}

impl Claim {
    /// The number of the click that it is held for.
    fn is_for(&self, click: i64) {
        let mut busy = self.marketplace.0.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.insert(self.key, Some(click));
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut busy = self.marketplace.0.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.remove(&self.key);
    }
}

/// A name as given, without blanks around it.
fn checked_name(name: &str) -> Result<String, &'static str> {
    let name = name.trim();
    if name.is_empty() {
        return Err("is missing");
    }
    if name.chars().count() > MAX_NAME {
        return Err("is longer than 100 characters");
    }
    if name.chars().any(|c| c.is_control() || bidi::is_control(c)) {
        return Err("holds a control character");
    }
    Ok(name.to_owned())
}
