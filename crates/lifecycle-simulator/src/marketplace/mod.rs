//! Marketplace: what administrators and developers can do, whether they click or call the API.

mod actions;
mod callback;
mod completion;
mod invocation;
mod registration;
mod repeats;
mod rotation;
mod scorecard;
mod sending;

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use lifecycle_core::EventKind;

use crate::app::App;
use crate::courier::Courier;
use crate::delivery::Delivery;
use crate::installation::Installation;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::store::{EngineError, Store};
use crate::tenant::Tenant;

pub(crate) use actions::{Mode, Perform, Performed};
pub(crate) use completion::Submission;
pub(crate) use invocation::{Invocation, example};
pub(crate) use registration::{Registered, SeismicInput};
pub(crate) use rotation::Rotation;

/// The longest name of an app or a tenant.
pub(crate) const MAX_NAME: usize = 100;

/// The marketplace. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Marketplace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<Store>,
    courier: Courier,
    /// The apps and tenants for which an action waits for its answer.
    busy: Mutex<HashSet<(i64, i64)>>,
}

impl Marketplace {
    pub(crate) fn new(store: Store) -> Self {
        let (store, courier) = (Arc::new(store), Courier::new());
        Self(Arc::new(Inner { store, courier, busy: Mutex::default() }))
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
        tenant.id = id
            .ok_or_else(|| Problem::conflict("tenant-exists", format!("there is a tenant {name} already")))?;
        Ok(tenant)
    }

    pub(crate) async fn installations(&self, app: i64) -> Result<Vec<Installation>, Problem> {
        self.run(move |store| store.installations(app)).await
    }

    pub(crate) async fn installation(&self, id: i64) -> Result<Installation, Problem> {
        self.run(move |store| store.installation(id)).await?.ok_or_else(|| Problem::not_found("installation"))
    }

    pub(crate) async fn deliveries(&self, app: Option<i64>, limit: u32) -> Result<Vec<Delivery>, Problem> {
        self.run(move |store| store.deliveries(app, limit)).await
    }

    pub(crate) async fn delivery(&self, id: i64) -> Result<Delivery, Problem> {
        self.run(move |store| store.delivery(id)).await?.ok_or_else(|| Problem::not_found("delivery"))
    }

    /// Every delivery of the click that this one belongs to, in order.
    pub(crate) async fn batch(&self, batch: i64) -> Result<Vec<Delivery>, Problem> {
        self.run(move |store| store.batch(batch)).await
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

    /// Goes on to the end even if the browser that asked has gone away: an answer that came is never lost.
    async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let result = tokio::spawn(work).await;
        result.unwrap_or_else(|_| Err(Problem::from(EngineError::Damaged)))
    }

    /// Claims an app in a tenant for one action, as the platform lets its administrators do one at a time.
    fn claim(&self, app: i64, tenant: i64) -> Result<Claim, Problem> {
        let mut busy = self.0.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if !busy.insert((app, tenant)) {
            return Err(Problem::conflict(
                "busy",
                "another action on this tenant waits for its answer; try again",
            ));
        }
        Ok(Claim { marketplace: self.clone(), key: (app, tenant) })
    }
}

/// Gives an app in a tenant free again when dropped.
struct Claim {
    marketplace: Marketplace,
    key: (i64, i64),
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
    if name.chars().any(char::is_control) {
        return Err("holds a control character");
    }
    Ok(name.to_owned())
}

/// One of the five lifecycle events by its name.
fn lifecycle_event(name: &str) -> Result<EventKind, Problem> {
    let kind = EventKind::from_name(name);
    if !kind.is_known() {
        return Err(Problem::invalid(
            "action",
            "the action is none of install, enable, upgrade, disable, uninstall",
        ));
    }
    Ok(kind)
}
