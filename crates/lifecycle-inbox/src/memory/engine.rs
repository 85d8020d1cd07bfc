//! What the engine in memory does with deliveries.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use lifecycle_core::{Change, IdempotencyKey, Transition};
use tokio::time::timeout;

use super::MemoryEngine;
use super::store::Row;
use crate::engine::{Accepted, AfterFailure, Claim, ClaimRequest, DeliveryId, Engine, LeaseToken};
use crate::error::EngineError;
use crate::notifier::Notifier;
use crate::operations::{
    DeliveryFilter, DeliveryState, DeliverySummary, Ended, Prune, Pruned, Stats, StoredDelivery,
    UnknownPlatform,
};
use crate::record::Record;
use crate::timestamp::Timestamp;

#[async_trait]
impl Engine for MemoryEngine {
    fn notifier(&self) -> &Notifier {
        &self.0.notifier
    }

    fn now(&self) -> Timestamp {
        let (instant, time) = *self.0.clock.lock().unwrap_or_else(PoisonError::into_inner);
        time + instant.elapsed()
    }

    async fn accept(
        &self,
        record: Record,
        now: Timestamp,
        within: Duration,
    ) -> Result<Accepted, EngineError> {
        let late = || EngineError::new("the store did not answer in time");
        if within.is_zero() {
            return Err(late());
        }
        let mut store = timeout(within, self.store()).await.map_err(|_| late())??;
        if store.keys.contains_key(&record.key) {
            return Ok(Accepted::Duplicate);
        }
        store.last_id += 1;
        let id = DeliveryId(store.last_id);
        store.keys.insert(record.key, (now, id));
        store.open.insert(id);
        let row = Row {
            record,
            state: DeliveryState::Pending,
            attempts: 0,
            fence: 0,
            due_at: Timestamp::MIN,
            touched_at: now,
            accepted_at: now,
            finished_at: None,
            overtaken_by: None,
            worker: None,
            last_error: None,
        };
        store.rows.insert(id, row);
        drop(store);
        self.0.notifier.notify();
        Ok(Accepted::New(id))
    }

    async fn is_known(&self, key: IdempotencyKey) -> Result<bool, EngineError> {
        Ok(self.store().await?.keys.contains_key(&key))
    }

    async fn claim(&self, request: ClaimRequest<'_>) -> Result<Vec<Claim>, EngineError> {
        let ClaimRequest { worker, platforms, now, lease, limit } = request;
        let mut store = self.store().await?;
        let mut claims = Vec::new();
        for id in store.claimable(platforms, now, limit) {
            let Some(row) = store.rows.get_mut(&id) else { continue };
            row.set(DeliveryState::Leased, now + lease, now);
            row.worker = Some(worker.to_owned());
            row.attempts += 1;
            row.fence += 1;
            let token = LeaseToken { id, fence: row.fence };
            let (overtaken_by, record) = (row.overtaken_by, Ok(row.record.clone()));
            claims.push(Claim { token, attempt: row.attempts, overtaken_by, record });
        }
        Ok(claims)
    }

    async fn renew(
        &self,
        tokens: &[LeaseToken],
        now: Timestamp,
        lease: Duration,
    ) -> Result<Vec<LeaseToken>, EngineError> {
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

    async fn complete(
        &self,
        token: LeaseToken,
        now: Timestamp,
        change: &Change,
    ) -> Result<bool, EngineError> {
        self.end(token, now, DeliveryState::Done, None, Some(change)).await
    }

    async fn fail(
        &self,
        token: LeaseToken,
        now: Timestamp,
        error: &str,
        next: AfterFailure<'_>,
    ) -> Result<bool, EngineError> {
        let time = match next {
            AfterFailure::At(time) => time,
            AfterFailure::Dead(change) => {
                return self.end(token, now, DeliveryState::Dead, Some(error), change).await;
            }
        };
        let mut store = self.store().await?;
        let Some(row) = store.held(token) else { return Ok(false) };
        row.last_error = Some(error.to_owned());
        row.set(DeliveryState::Pending, time, now);
        Ok(true)
    }

    async fn release(&self, token: LeaseToken, now: Timestamp) -> Result<bool, EngineError> {
        let mut store = self.store().await?;
        let Some(row) = store.held(token) else { return Ok(false) };
        row.set(DeliveryState::Pending, Timestamp::MIN, now);
        row.attempts = row.attempts.saturating_sub(1);
        drop(store);
        self.0.notifier.notify();
        Ok(true)
    }

    async fn unknown_platforms(
        &self,
        known: &[&str],
        now: Timestamp,
    ) -> Result<Vec<UnknownPlatform>, EngineError> {
        let store = self.store().await?;
        let mut unknown = BTreeMap::new();
        for row in store.open.iter().map(|id| &store.rows[id]) {
            let name = &row.record.tenant.platform;
            if !known.contains(&&**name) {
                let (open, oldest) = unknown.entry(name).or_insert((0, row.accepted_at));
                *open += 1;
                *oldest = row.accepted_at.min(*oldest);
            }
        }
        let told = |(name, (open, oldest)): (&String, (u64, Timestamp))| UnknownPlatform {
            name: name.clone(),
            open,
            oldest: now.since(oldest),
        };
        Ok(unknown.into_iter().map(told).collect())
    }

    async fn stats(&self, now: Timestamp) -> Result<Stats, EngineError> {
        let store = self.store().await?;
        let count = |state| store.rows.values().filter(|row| row.state == state).count() as u64;
        let oldest = store.open.iter().map(|id| store.rows[id].accepted_at).min();
        Ok(Stats {
            pending: count(DeliveryState::Pending),
            leased: count(DeliveryState::Leased),
            dead: count(DeliveryState::Dead),
            oldest: oldest.map(|accepted_at| now.since(accepted_at)),
        })
    }

    async fn ended(&self, since: Timestamp) -> Result<Ended, EngineError> {
        let store = self.store().await?;
        let count = |state| {
            let has_ended = |row: &&Row| row.state == state && row.finished_at.is_some_and(|at| at >= since);
            store.rows.values().filter(has_ended).count() as u64
        };
        Ok(Ended { done: count(DeliveryState::Done), dead: count(DeliveryState::Dead) })
    }

    async fn list(&self, filter: &DeliveryFilter) -> Result<Vec<DeliverySummary>, EngineError> {
        let end = filter.after.map_or(Bound::Unbounded, Bound::Excluded);
        let store = self.store().await?;
        let mut rows: Box<dyn Iterator<Item = _> + Send> = if filter.newest_first {
            Box::new(store.rows.range((Bound::Unbounded, end)).rev())
        } else {
            Box::new(store.rows.range((end, Bound::Unbounded)))
        };
        let found = rows
            .by_ref()
            .filter(|(_, row)| filter.state.is_none_or(|state| row.state == state))
            .filter(|(_, row)| filter.tenant.as_ref().is_none_or(|tenant| row.record.tenant == *tenant))
            .map(|(id, row)| row.summary(*id))
            .take(filter.limit)
            .collect();
        Ok(found)
    }

    async fn show(&self, id: DeliveryId) -> Result<Option<StoredDelivery>, EngineError> {
        Ok(self.store().await?.rows.get(&id).map(|row| StoredDelivery {
            summary: row.summary(id),
            body: row.record.body.clone(),
            envelope: row.record.envelope.clone(),
        }))
    }

    async fn retry(&self, id: DeliveryId, now: Timestamp) -> Result<bool, EngineError> {
        let mut store = self.store().await?;
        let Some(row) = store.rows.get_mut(&id) else { return Ok(false) };
        if !matches!(row.state, DeliveryState::Dead | DeliveryState::Pending) {
            return Ok(false);
        }
        row.set(DeliveryState::Pending, Timestamp::MIN, now);
        row.attempts = 0;
        store.open.insert(id);
        drop(store);
        self.0.notifier.notify();
        Ok(true)
    }

    async fn delete(&self, id: DeliveryId) -> Result<bool, EngineError> {
        let mut store = self.store().await?;
        store.open.remove(&id);
        let found = store.rows.remove(&id).is_some();
        drop(store);
        if found {
            self.0.notifier.notify();
        }
        Ok(found)
    }

    async fn prune(&self, prune: Prune) -> Result<Pruned, EngineError> {
        let mut store = self.store().await?;
        let mut delete = |state, before| {
            let is_old = |row: &Row| row.state == state && row.finished_at.is_some_and(|at| at < before);
            let old = store.rows.iter().filter(|(_, row)| is_old(row)).map(|(id, _)| *id);
            let old: Vec<DeliveryId> = old.take(prune.limit).collect();
            for id in &old {
                store.rows.remove(id);
            }
            old.len() as u64
        };
        let done = delete(DeliveryState::Done, prune.done_before);
        let dead = delete(DeliveryState::Dead, prune.dead_before);
        let is_needed = |id| store.rows.get(id).is_some_and(|row| row.state != DeliveryState::Done);
        let old = store.keys.iter().filter(|(_, (at, id))| *at < prune.keys_before && !is_needed(id));
        let keys: Vec<IdempotencyKey> = old.map(|(key, _)| *key).take(prune.limit).collect();
        for key in &keys {
            store.keys.remove(key);
        }
        Ok(Pruned { done, dead, keys: keys.len() as u64 })
    }

    async fn check(&self) -> Result<(), EngineError> {
        self.store().await.map(drop)
    }
}

impl MemoryEngine {
    /// Ends a row, done or dead, and folds a change. `false` when the token no longer holds the row.
    async fn end(
        &self,
        token: LeaseToken,
        now: Timestamp,
        state: DeliveryState,
        error: Option<&str>,
        change: Option<&Change>,
    ) -> Result<bool, EngineError> {
        let mut store = self.store().await?;
        let Some(row) = store.held(token) else { return Ok(false) };
        row.set(state, Timestamp::MIN, now);
        row.last_error = error.map(str::to_owned).or(row.last_error.take());
        let tenant = row.record.tenant.clone();
        store.open.remove(&token.id);
        if state == DeliveryState::Done {
            store.overtake(&tenant, token.id);
        }
        let transition = change.map(|change| store.fold(&tenant, change));
        drop(store);
        if transition == Some(Transition::Applied) {
            self.0.notifier.installation_changed();
        }
        self.0.notifier.notify();
        Ok(true)
    }
}
