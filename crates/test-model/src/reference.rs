//! Reference: what an engine's contract says, as plain as it can be written. It knows one delivery after the other in a list, and
//! looks through all of them for each question.

use std::collections::BTreeMap;
use std::time::Duration;

use lifecycle_core::{Change, IdempotencyKey, Installation, TenantKey, Transition};
use lifecycle_inbox::{
    CLOCK_SKEW, Claim, DeliveryId, DeliveryState, DeliverySummary, LeaseToken, Prune, Record, Stats,
    Timestamp, UnknownPlatform,
};

#[derive(Clone, Default)]
pub(crate) struct Reference {
    /// In the order of acceptance, also those that were deleted.
    pub(crate) deliveries: Vec<Delivery>,
    /// What is known, when it was accepted, and as which delivery.
    pub(crate) keys: BTreeMap<[u8; 32], (Timestamp, DeliveryId)>,
    pub(crate) installations: BTreeMap<TenantKey, Installation>,
    pub(crate) secrets: BTreeMap<(TenantKey, &'static str), Vec<u8>>,
}

#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) record: Record,
    pub(crate) state: DeliveryState,
    pub(crate) is_deleted: bool,
    pub(crate) attempts: u32,
    pub(crate) fence: i64,
    pub(crate) finished_at: Option<Timestamp>,
    due_at: Timestamp,
    touched_at: Timestamp,
    accepted_at: Timestamp,
    /// The newest later one of the tenant that was done, when that was done.
    overtaken_by: Option<DeliveryId>,
    worker: Option<String>,
    last_error: Option<String>,
}

impl Delivery {
    pub(crate) fn is_open(&self) -> bool {
        !self.is_deleted && matches!(self.state, DeliveryState::Leased | DeliveryState::Pending)
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.due_at <= now || self.touched_at > now + CLOCK_SKEW
    }

    fn set(&mut self, state: DeliveryState, due_at: Timestamp, now: Timestamp) {
        (self.state, self.due_at, self.touched_at, self.worker) = (state, due_at, now, None);
        self.finished_at = (!self.is_open()).then_some(now);
    }
}

impl Reference {
    pub(crate) fn is_known(&self, key: IdempotencyKey) -> bool {
        self.keys.contains_key(key.as_bytes())
    }

    pub(crate) fn accept(&mut self, id: DeliveryId, record: Record, now: Timestamp) {
        self.keys.insert(*record.key.as_bytes(), (now, id));
        self.deliveries.push(Delivery {
            id,
            record,
            state: DeliveryState::Pending,
            is_deleted: false,
            attempts: 0,
            fence: 0,
            finished_at: None,
            due_at: Timestamp::MIN,
            touched_at: now,
            accepted_at: now,
            overtaken_by: None,
            worker: None,
            last_error: None,
        });
    }

    /// What may be claimed, in its order.
    pub(crate) fn claimable(&self, platforms: &[&str], now: Timestamp) -> Vec<DeliveryId> {
        let may_be_claimed = |own: &&Delivery| {
            let mut others = self.open().filter(|other| other.record.tenant == own.record.tenant);
            platforms.contains(&&*own.record.tenant.platform)
                && own.is_due(now)
                && others.all(|other| {
                    let runs = other.state == DeliveryState::Leased && !other.is_due(now);
                    other.id >= own.id && !runs
                })
        };
        self.open().filter(may_be_claimed).map(|own| own.id).collect()
    }

    pub(crate) fn claim(&mut self, claim: &Claim, worker: &str, now: Timestamp, lease: Duration) {
        let Some(own) = self.find(claim.token.id) else { return };
        own.set(DeliveryState::Leased, now + lease, now);
        (own.attempts, own.fence) = (own.attempts + 1, claim.token.fence);
        own.worker = Some(worker.to_owned());
    }

    /// The delivery that a token holds.
    pub(crate) fn held(&mut self, token: LeaseToken) -> Option<&mut Delivery> {
        self.find(token.id).filter(|own| own.state == DeliveryState::Leased && own.fence == token.fence)
    }

    pub(crate) fn renew(&mut self, token: LeaseToken, now: Timestamp, lease: Duration) -> bool {
        let Some(own) = self.held(token) else { return false };
        (own.due_at, own.touched_at) = (now + lease, now);
        true
    }

    pub(crate) fn release(&mut self, token: LeaseToken, now: Timestamp) -> bool {
        let Some(own) = self.held(token) else { return false };
        own.set(DeliveryState::Pending, Timestamp::MIN, now);
        own.attempts -= 1;
        true
    }

    pub(crate) fn fail(&mut self, token: LeaseToken, now: Timestamp, error: &str, next: Timestamp) -> bool {
        let Some(own) = self.held(token) else { return false };
        own.set(DeliveryState::Pending, next, now);
        own.last_error = Some(error.to_owned());
        true
    }

    /// A delivery ends, done or dead; and whether its installation is another one then.
    pub(crate) fn end(
        &mut self,
        token: LeaseToken,
        now: Timestamp,
        state: DeliveryState,
        error: Option<&str>,
        change: Option<&Change>,
    ) -> Option<Transition> {
        let own = self.held(token)?;
        own.set(state, Timestamp::MIN, now);
        own.last_error = error.map(str::to_owned).or(own.last_error.take());
        let tenant = own.record.tenant.clone();
        if state == DeliveryState::Done {
            let older =
                self.deliveries.iter_mut().filter(|it| it.id < token.id && it.record.tenant == tenant);
            older.for_each(|it| it.overtaken_by = it.overtaken_by.max(Some(token.id)));
        }
        let Some(change) = change else { return Some(Transition::Unchanged) };
        let (folded, transition) = Installation::fold(self.installations.remove(&tenant), change);
        self.installations.extend(folded.map(|folded| (tenant, folded)));
        Some(transition)
    }

    pub(crate) fn retry(&mut self, id: DeliveryId, now: Timestamp) -> bool {
        let of_those = [DeliveryState::Dead, DeliveryState::Pending];
        let Some(own) = self.find(id).filter(|own| of_those.contains(&own.state)) else { return false };
        own.set(DeliveryState::Pending, Timestamp::MIN, now);
        own.attempts = 0;
        true
    }

    pub(crate) fn delete(&mut self, id: DeliveryId) -> bool {
        let Some(own) = self.find(id) else { return false };
        own.is_deleted = true;
        true
    }

    /// What may go of this state.
    pub(crate) fn prunable(&self, state: DeliveryState, before: Timestamp) -> Vec<DeliveryId> {
        let is_old = |own: &&Delivery| own.state == state && own.finished_at.is_some_and(|at| at < before);
        self.kept().filter(is_old).map(|own| own.id).collect()
    }

    /// The keys that may be forgotten, once what is pruned is gone.
    pub(crate) fn forgettable(&self, prune: Prune) -> Vec<[u8; 32]> {
        let is_needed = |id| self.kept().any(|own| own.id == id && own.state != DeliveryState::Done);
        let old = self.keys.iter().filter(|(_, (at, id))| *at < prune.keys_before && !is_needed(*id));
        old.map(|(key, _)| *key).collect()
    }

    pub(crate) fn stats(&self, now: Timestamp) -> Stats {
        let count = |state| self.kept().filter(|own| own.state == state).count() as u64;
        let mut stats = Stats::default();
        (stats.pending, stats.leased) = (count(DeliveryState::Pending), count(DeliveryState::Leased));
        stats.dead = count(DeliveryState::Dead);
        stats.oldest = self.open().map(|own| own.accepted_at).min().map(|at| now.since(at));
        stats
    }

    pub(crate) fn unknown_platforms(&self, known: &[&str], now: Timestamp) -> Vec<UnknownPlatform> {
        let mut unknown: BTreeMap<&str, (u64, Timestamp)> = BTreeMap::new();
        for own in self.open().filter(|own| !known.contains(&&*own.record.tenant.platform)) {
            let (open, oldest) = unknown.entry(&own.record.tenant.platform).or_insert((0, own.accepted_at));
            (*open, *oldest) = (*open + 1, own.accepted_at.min(*oldest));
        }
        let told = |(name, (open, oldest))| UnknownPlatform::new(name, open, now.since(oldest));
        unknown.into_iter().map(told).collect()
    }

    /// All that are kept, in their order. When a finished one is due means nothing.
    pub(crate) fn list(&self) -> Vec<DeliverySummary> {
        self.kept().map(|own| self.summary(own)).collect()
    }

    fn summary(&self, own: &Delivery) -> DeliverySummary {
        let record = &own.record;
        let mut summary =
            DeliverySummary::new(own.id, record.tenant.clone(), record.kind.as_str(), own.state);
        summary.key = Some(record.key);
        summary.attempts = own.attempts;
        summary.due_at = if own.is_open() { own.due_at } else { Timestamp::MIN };
        (summary.received_at, summary.accepted_at) = (record.received_at, own.accepted_at);
        summary.finished_at = own.finished_at;
        summary.overtaken_by = self.overtaken_by(own.id).filter(|_| own.state != DeliveryState::Done);
        (summary.worker, summary.last_error) = (own.worker.clone(), own.last_error.clone());
        summary
    }

    /// What has overtaken a delivery, as long as that is kept.
    pub(crate) fn overtaken_by(&self, id: DeliveryId) -> Option<DeliveryId> {
        let by = self.deliveries.iter().find(|own| own.id == id)?.overtaken_by?;
        self.kept().any(|own| own.id == by).then_some(by)
    }

    /// Whether nothing is promised of what has overtaken a delivery, since that is not kept.
    pub(crate) fn is_overtaken_by_what_is_gone(&self, id: DeliveryId) -> bool {
        let own = self.deliveries.iter().find(|own| own.id == id);
        own.is_some_and(|own| own.overtaken_by.is_some()) && self.overtaken_by(id).is_none()
    }

    pub(crate) fn kept(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.iter().filter(|own| !own.is_deleted)
    }

    pub(crate) fn find(&mut self, id: DeliveryId) -> Option<&mut Delivery> {
        self.deliveries.iter_mut().find(|own| own.id == id && !own.is_deleted)
    }

    fn open(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.iter().filter(|own| own.is_open())
    }
}
