//! The rows, keys, installations and secrets, and which rows may be claimed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lifecycle_core::{Change, IdempotencyKey, Installation, TenantKey, Transition};

use crate::engine::{CLOCK_SKEW, DeliveryId, LeaseToken};
use crate::operations::{DeliveryState, DeliverySummary};
use crate::record::Record;
use crate::timestamp::Timestamp;

#[derive(Default)]
pub(super) struct Store {
    pub(super) last_id: i64,
    pub(super) rows: BTreeMap<DeliveryId, Row>,
    pub(super) open: BTreeSet<DeliveryId>,
    pub(super) keys: HashMap<IdempotencyKey, (Timestamp, DeliveryId)>,
    pub(super) installations: BTreeMap<TenantKey, Installation>,
    pub(super) secrets: BTreeMap<(TenantKey, String), Vec<u8>>,
}

pub(super) struct Row {
    pub(super) record: Record,
    pub(super) state: DeliveryState,
    pub(super) attempts: u32,
    pub(super) fence: i64,
    pub(super) due_at: Timestamp,
    pub(super) touched_at: Timestamp,
    pub(super) accepted_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) overtaken_by: Option<DeliveryId>,
    pub(super) worker: Option<String>,
    pub(super) last_error: Option<String>,
}

impl Row {
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.due_at <= now || self.touched_at > now + CLOCK_SKEW
    }

    pub(super) fn set(&mut self, state: DeliveryState, due_at: Timestamp, now: Timestamp) {
        self.state = state;
        self.due_at = due_at;
        self.touched_at = now;
        self.worker = None;
        self.finished_at = matches!(state, DeliveryState::Done | DeliveryState::Dead).then_some(now);
    }

    pub(super) fn summary(&self, id: DeliveryId) -> DeliverySummary {
        DeliverySummary {
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
            overtaken_by: self.overtaken_by.filter(|_| self.state != DeliveryState::Done),
            worker: self.worker.clone(),
            last_error: self.last_error.clone(),
        }
    }
}

impl Store {
    /// The row, if it is leased under this token.
    pub(super) fn held(&mut self, token: LeaseToken) -> Option<&mut Row> {
        let row = self.rows.get_mut(&token.id)?;
        (row.state == DeliveryState::Leased && row.fence == token.fence).then_some(row)
    }

    pub(super) fn claimable(&self, platforms: &[&str], now: Timestamp, limit: usize) -> Vec<DeliveryId> {
        let open = || self.open.iter().map(|id| (*id, &self.rows[id]));
        let mut taken: HashSet<&TenantKey> = open()
            .filter(|(_, row)| row.state == DeliveryState::Leased && !row.is_due(now))
            .map(|(_, row)| &row.record.tenant)
            .collect();
        open()
            .filter(|(_, row)| platforms.contains(&&*row.record.tenant.platform))
            .filter(|(_, row)| taken.insert(&row.record.tenant) && row.is_due(now))
            .map(|(id, _)| id)
            .take(limit)
            .collect()
    }

    /// Tells the older deliveries of a tenant, which are dead or retried, that this one is done.
    pub(super) fn overtake(&mut self, tenant: &TenantKey, id: DeliveryId) {
        for row in self.rows.range_mut(..id).map(|(_, row)| row).filter(|row| row.record.tenant == *tenant) {
            row.overtaken_by = row.overtaken_by.max(Some(id));
        }
    }

    pub(super) fn fold(&mut self, tenant: &TenantKey, change: &Change) -> Transition {
        let current = self.installations.get(tenant).cloned();
        let (installation, transition) = Installation::fold(current, change);
        if let Some(installation) = installation {
            self.installations.insert(tenant.clone(), installation);
        }
        transition
    }
}
