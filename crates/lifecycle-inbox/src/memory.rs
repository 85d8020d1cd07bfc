//! Memory: the engine that keeps everything in this process, for tests and demos.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lifecycle_core::{Change, IdempotencyKey, Installation, Transition};
use tokio::time::Instant;

use crate::engine::{Accepted, CLOCK_SKEW, Claim, ClaimRequest, DeliveryId, Engine, Next, Token};
use crate::error::StoreError;
use crate::installations::{InstallationFilter, InstallationStore, SealedSecret};
use crate::operations::{Filter, Prune, Pruned, State, Stats, Stored, Summary};
use crate::record::{Record, TenantKey};
use crate::signals::Signals;
use crate::timestamp::Timestamp;

/// An engine in memory. It keeps every rule of the contract but one: nothing survives the process.
///
/// Clones share one store. Its clock is tokio's, so it stands still where a test pauses the time.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Shared>);

/// What can be wrong with a store, for tests of what an app does then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing can be read or written.
    Away,
    /// Everything takes this long.
    Slow(Duration),
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on has this fault, or none.
    pub fn set_fault(&self, fault: Option<Fault>) {
        *self.0.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    async fn store(&self) -> Result<MutexGuard<'_, Store>, StoreError> {
        let fault = *self.0.fault.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(Fault::Away) => return Err(StoreError::new("the store is away")),
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            None => {}
        }
        Ok(self.0.store.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug)]
struct Shared {
    store: Mutex<Store>,
    fault: Mutex<Option<Fault>>,
    signals: Signals,
    /// The same moment on both clocks.
    start: (Instant, Timestamp),
}

impl Default for Shared {
    fn default() -> Self {
        let start = (Instant::now(), Timestamp::now());
        Self { store: Mutex::default(), fault: Mutex::default(), signals: Signals::default(), start }
    }
}

#[derive(Debug, Default)]
struct Store {
    last_id: i64,
    rows: BTreeMap<DeliveryId, Row>,
    open: BTreeSet<DeliveryId>,
    keys: HashMap<IdempotencyKey, (Timestamp, DeliveryId)>,
    installations: BTreeMap<TenantKey, Installation>,
    secrets: BTreeMap<(TenantKey, String), Vec<u8>>,
}

#[derive(Debug)]
struct Row {
    record: Record,
    state: State,
    attempts: u32,
    fence: i64,
    due_at: Timestamp,
    touched_at: Timestamp,
    accepted_at: Timestamp,
    finished_at: Option<Timestamp>,
    worker: Option<String>,
    last_error: Option<String>,
}

impl Row {
    fn is_due(&self, now: Timestamp) -> bool {
        self.due_at <= now || self.touched_at > now + CLOCK_SKEW
    }

    fn set(&mut self, state: State, due_at: Timestamp, now: Timestamp) {
        self.state = state;
        self.due_at = due_at;
        self.touched_at = now;
        self.worker = None;
        self.finished_at = matches!(state, State::Done | State::Dead).then_some(now);
    }

    fn summary(&self, id: DeliveryId) -> Summary {
        Summary {
            id,
            tenant: self.record.tenant.clone(),
            kind: self.record.kind.clone(),
            key: Some(self.record.key),
            state: self.state,
            attempts: self.attempts,
            due_at: self.due_at,
            received_at: self.record.received_at,
            accepted_at: self.accepted_at,
            finished_at: self.finished_at,
            worker: self.worker.clone(),
            last_error: self.last_error.clone(),
        }
    }
}

impl Store {
    /// The row, if it is leased under this token.
    fn held(&mut self, token: Token) -> Option<&mut Row> {
        let row = self.rows.get_mut(&token.id)?;
        (row.state == State::Leased && row.fence == token.fence).then_some(row)
    }

    fn claimable(&self, now: Timestamp, limit: usize) -> Vec<DeliveryId> {
        let open = || self.open.iter().map(|id| (*id, &self.rows[id]));
        let mut taken: HashSet<&TenantKey> = open()
            .filter(|(_, row)| row.state == State::Leased && !row.is_due(now))
            .map(|(_, row)| &row.record.tenant)
            .collect();
        open()
            .filter(|(_, row)| taken.insert(&row.record.tenant) && row.is_due(now))
            .map(|(id, _)| id)
            .take(limit)
            .collect()
    }

    fn fold(&mut self, tenant: &TenantKey, change: &Change) -> Transition {
        let current = self.installations.get(tenant).cloned();
        let (installation, transition) = Installation::fold(current, change);
        if let Some(installation) = installation {
            self.installations.insert(tenant.clone(), installation);
        }
        transition
    }
}

#[async_trait]
impl Engine for Memory {
    fn signals(&self) -> &Signals {
        &self.0.signals
    }

    fn now(&self) -> Timestamp {
        let (instant, time) = self.0.start;
        time + instant.elapsed()
    }

    async fn accept(&self, record: Record, now: Timestamp) -> Result<Accepted, StoreError> {
        let mut store = self.store().await?;
        if store.keys.contains_key(&record.key) {
            return Ok(Accepted::Duplicate);
        }
        store.last_id += 1;
        let id = DeliveryId(store.last_id);
        store.keys.insert(record.key, (now, id));
        store.open.insert(id);
        let row = Row {
            record,
            state: State::Pending,
            attempts: 0,
            fence: 0,
            due_at: Timestamp::MIN,
            touched_at: now,
            accepted_at: now,
            finished_at: None,
            worker: None,
            last_error: None,
        };
        store.rows.insert(id, row);
        drop(store);
        self.0.signals.ring();
        Ok(Accepted::New(id))
    }

    async fn is_known(&self, key: IdempotencyKey) -> Result<bool, StoreError> {
        Ok(self.store().await?.keys.contains_key(&key))
    }

    async fn claim(&self, request: ClaimRequest<'_>) -> Result<Vec<Claim>, StoreError> {
        let ClaimRequest { worker, now, lease, limit } = request;
        let mut store = self.store().await?;
        let mut claims = Vec::new();
        for id in store.claimable(now, limit) {
            let Some(row) = store.rows.get_mut(&id) else { continue };
            row.set(State::Leased, now + lease, now);
            row.worker = Some(worker.to_owned());
            row.attempts += 1;
            row.fence += 1;
            let token = Token { id, fence: row.fence };
            claims.push(Claim { token, attempt: row.attempts, record: Ok(row.record.clone()) });
        }
        Ok(claims)
    }

    async fn renew(
        &self,
        tokens: &[Token],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<Token>, StoreError> {
        let mut store = self.store().await?;
        let mut held = Vec::new();
        for token in tokens {
            if let Some(row) = store.held(*token) {
                row.due_at = now + lease;
                row.touched_at = now;
                held.push(*token);
            }
        }
        Ok(held)
    }

    async fn complete(&self, token: Token, now: Timestamp, change: &Change) -> Result<bool, StoreError> {
        let mut store = self.store().await?;
        let Some(row) = store.held(token) else { return Ok(false) };
        row.set(State::Done, Timestamp::MIN, now);
        let tenant = row.record.tenant.clone();
        store.open.remove(&token.id);
        let transition = store.fold(&tenant, change);
        drop(store);
        if transition == Transition::Applied {
            self.0.signals.installation_changed();
        }
        self.0.signals.ring();
        Ok(true)
    }

    async fn fail(&self, token: Token, now: Timestamp, error: &str, next: Next) -> Result<bool, StoreError> {
        let mut store = self.store().await?;
        let Some(row) = store.held(token) else { return Ok(false) };
        row.last_error = Some(error.to_owned());
        match next {
            Next::At(time) => row.set(State::Pending, time, now),
            Next::Dead => {
                row.set(State::Dead, Timestamp::MIN, now);
                store.open.remove(&token.id);
                drop(store);
                self.0.signals.ring();
            }
        }
        Ok(true)
    }

    async fn release(&self, token: Token, now: Timestamp) -> Result<bool, StoreError> {
        let mut store = self.store().await?;
        let Some(row) = store.held(token) else { return Ok(false) };
        row.set(State::Pending, Timestamp::MIN, now);
        row.attempts = row.attempts.saturating_sub(1);
        drop(store);
        self.0.signals.ring();
        Ok(true)
    }

    async fn stats(&self, now: Timestamp) -> Result<Stats, StoreError> {
        let store = self.store().await?;
        let count = |state| store.rows.values().filter(|row| row.state == state).count() as u64;
        let oldest = store.open.iter().map(|id| store.rows[id].accepted_at).min();
        Ok(Stats {
            pending: count(State::Pending),
            leased: count(State::Leased),
            dead: count(State::Dead),
            oldest: oldest.map(|accepted_at| now.since(accepted_at)),
        })
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Summary>, StoreError> {
        let start = filter.after.map_or(Bound::Unbounded, Bound::Excluded);
        let store = self.store().await?;
        let found = store
            .rows
            .range((start, Bound::Unbounded))
            .filter(|(_, row)| filter.state.is_none_or(|state| row.state == state))
            .filter(|(_, row)| filter.tenant.as_ref().is_none_or(|tenant| row.record.tenant == *tenant))
            .map(|(id, row)| row.summary(*id))
            .take(filter.limit)
            .collect();
        Ok(found)
    }

    async fn show(&self, id: DeliveryId) -> Result<Option<Stored>, StoreError> {
        Ok(self.store().await?.rows.get(&id).map(|row| Stored {
            summary: row.summary(id),
            body: row.record.body.clone(),
            envelope: row.record.envelope.clone(),
        }))
    }

    async fn retry(&self, id: DeliveryId, now: Timestamp) -> Result<bool, StoreError> {
        let mut store = self.store().await?;
        let Some(row) = store.rows.get_mut(&id) else { return Ok(false) };
        if !matches!(row.state, State::Dead | State::Pending) {
            return Ok(false);
        }
        row.set(State::Pending, Timestamp::MIN, now);
        row.attempts = 0;
        store.open.insert(id);
        drop(store);
        self.0.signals.ring();
        Ok(true)
    }

    async fn discard(&self, id: DeliveryId) -> Result<bool, StoreError> {
        let mut store = self.store().await?;
        store.open.remove(&id);
        let found = store.rows.remove(&id).is_some();
        drop(store);
        if found {
            self.0.signals.ring();
        }
        Ok(found)
    }

    async fn prune(&self, prune: Prune) -> Result<Pruned, StoreError> {
        let mut store = self.store().await?;
        let is_old =
            |row: &Row| row.state == State::Done && row.finished_at.is_some_and(|at| at < prune.done_before);
        let old = store.rows.iter().filter(|(_, row)| is_old(row)).map(|(id, _)| *id);
        let rows: Vec<DeliveryId> = old.take(prune.limit).collect();
        for id in &rows {
            store.rows.remove(id);
        }
        let is_needed = |id| store.rows.get(id).is_some_and(|row| row.state != State::Done);
        let old = store.keys.iter().filter(|(_, (at, id))| *at < prune.keys_before && !is_needed(id));
        let keys: Vec<IdempotencyKey> = old.map(|(key, _)| *key).take(prune.limit).collect();
        for key in &keys {
            store.keys.remove(key);
        }
        Ok(Pruned { rows: rows.len() as u64, keys: keys.len() as u64 })
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.store().await.map(drop)
    }
}

#[async_trait]
impl InstallationStore for Memory {
    fn revision(&self) -> u64 {
        self.0.signals.revision()
    }

    async fn installation(&self, tenant: &TenantKey) -> Result<Option<Installation>, StoreError> {
        Ok(self.store().await?.installations.get(tenant).cloned())
    }

    async fn installations(
        &self,
        filter: &InstallationFilter,
    ) -> Result<Vec<(TenantKey, Installation)>, StoreError> {
        let start = filter.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let store = self.store().await?;
        let found = store
            .installations
            .range::<TenantKey, _>((start, Bound::Unbounded))
            .filter(|(_, installation)| filter.status.is_none_or(|status| installation.status() == status))
            .map(|(tenant, installation)| (tenant.clone(), installation.clone()))
            .take(filter.limit)
            .collect();
        Ok(found)
    }

    async fn put_sealed(&self, secret: SealedSecret) -> Result<(), StoreError> {
        self.store().await?.secrets.insert((secret.tenant, secret.name), secret.sealed);
        Ok(())
    }

    async fn replace_sealed(&self, old: &SealedSecret, sealed: Vec<u8>) -> Result<bool, StoreError> {
        let mut store = self.store().await?;
        let found = store.secrets.get_mut(&(old.tenant.clone(), old.name.clone()));
        let Some(current) = found.filter(|current| **current == old.sealed) else { return Ok(false) };
        *current = sealed;
        Ok(true)
    }

    async fn sealed(&self, tenant: &TenantKey, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.store().await?.secrets.get(&(tenant.clone(), name.to_owned())).cloned())
    }

    async fn delete_sealed(&self, tenant: &TenantKey, name: Option<&str>) -> Result<u64, StoreError> {
        let mut store = self.store().await?;
        let before = store.secrets.len();
        store.secrets.retain(|(own, field), _| own != tenant || name.is_some_and(|name| name != field));
        Ok((before - store.secrets.len()) as u64)
    }

    async fn all_sealed(
        &self,
        after: Option<(&TenantKey, &str)>,
        limit: usize,
    ) -> Result<Vec<SealedSecret>, StoreError> {
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
