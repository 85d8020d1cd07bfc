//! Driver: asks the engine and the reference the same, and compares what they answer.

use std::time::Duration;

use lifecycle_core::Transition;
use lifecycle_inbox::{
    Accepted, AfterFailure, Claim, ClaimRequest, DeliveryFilter, DeliveryState, DeliverySummary,
    InstallationFilter, LeaseToken, Prune, Record, SealedSecret, Timestamp,
};
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use tokio::time::timeout;

use crate::Handle;
use crate::operation::{Event, Operation, PLATFORMS, Step, Token, change, tenant, tenants};
use crate::reference::Reference;

/// When all sequences begin: 2023-11-14T22:13:20Z.
const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// How long a write may take, and a notification.
const WITHIN: Duration = Duration::from_secs(5);

const ERROR: &str = "it did not work\0";
const WORKERS: [&str; 2] = ["one", "two"];

pub(crate) struct Driver {
    handles: [Handle; 2],
    reference: Reference,
    now: Timestamp,
    /// All that were ever given, with what they were given for.
    claims: Vec<(LeaseToken, Record)>,
}

type Checked<T = ()> = Result<T, TestCaseError>;

impl Driver {
    pub(crate) fn new(handles: [Handle; 2]) -> Self {
        Self { handles, reference: Reference::default(), now: START, claims: Vec::new() }
    }

    pub(crate) fn replace(&mut self, nth: usize, handle: Handle) {
        self.handles[nth] = handle;
    }

    /// Takes a step. Gives the handle that has to be replaced, if one has.
    pub(crate) async fn take(&mut self, step: &Step) -> Checked<Option<usize>> {
        let handle = self.handles[step.handle].clone();
        let (mut subscription, revision) = (handle.notifier().subscribe(), handle.revision());
        let done = match &step.operation {
            Operation::Accept(event) => self.accept(&handle, event).await?,
            Operation::Claim { platforms, lease, limit } => {
                let request = ClaimRequest::new(WORKERS[step.handle], platforms, self.now, *lease, *limit);
                self.claim(&handle, request).await?
            }
            Operation::Compare { state, tenant, after, limit } => {
                let mut filter = DeliveryFilter::default();
                (filter.state, filter.tenant, filter.limit) =
                    (*state, tenant.map(crate::operation::tenant), *limit);
                let known = &self.reference.deliveries;
                filter.after =
                    after.filter(|_| !known.is_empty()).map(|nth| known[nth.index(known.len())].id);
                self.compare(&handle, &filter).await?;
                Done::Quietly
            }
            Operation::Complete(token) => self.end(&handle, token, DeliveryState::Done, true).await?,
            Operation::Delete { back } => {
                let Some(id) = self.nth_delivery(*back) else { return Ok(None) };
                let expected = self.reference.delete(id);
                prop_assert_eq!(handle.delete(id).await?, expected, "delete {}", id);
                Done::of(expected)
            }
            Operation::Die { token, folds } => self.end(&handle, token, DeliveryState::Dead, *folds).await?,
            Operation::Fail { token, wait } => {
                let Some(token) = self.token(token) else { return Ok(None) };
                let next = self.now + *wait;
                let expected = self.reference.fail(token, self.now, ERROR, next);
                let failed = handle.fail(token, self.now, ERROR, AfterFailure::At(next)).await?;
                prop_assert_eq!(failed, expected, "fail {:?}", token);
                Done::Quietly
            }
            Operation::PassTime { seconds } => {
                let time = Duration::from_secs(seconds.unsigned_abs());
                self.now = if *seconds < 0 { self.now - time } else { self.now + time };
                Done::Quietly
            }
            Operation::Prune { ages, limit } => {
                let mut prune = Prune::new(*limit);
                let [done, dead, keys] = ages.map(|age| self.now - age);
                (prune.done_before, prune.dead_before, prune.keys_before) = (done, dead, keys);
                self.prune(&handle, prune).await?
            }
            Operation::Release(token) => {
                let Some(token) = self.token(token) else { return Ok(None) };
                let expected = self.reference.release(token, self.now);
                prop_assert_eq!(handle.release(token, self.now).await?, expected, "release {:?}", token);
                Done::of(expected)
            }
            Operation::Renew { tokens, lease } => {
                let tokens: Vec<_> = tokens.iter().filter_map(|token| self.token(token)).collect();
                let renewed = handle.renew(&tokens, self.now, *lease).await?;
                let mut expected = tokens;
                expected.retain(|token| self.reference.renew(*token, self.now, *lease));
                prop_assert_eq!(renewed, expected, "renew");
                Done::Quietly
            }
            Operation::Reopen => return Ok(Some(step.handle)),
            Operation::Retry { back } => {
                let Some(id) = self.nth_delivery(*back) else { return Ok(None) };
                let expected = self.reference.retry(id, self.now);
                prop_assert_eq!(handle.retry(id, self.now).await?, expected, "retry {}", id);
                Done::of(expected)
            }
            secrets => self.keep_secret(&handle, secrets).await?,
        };
        if done != Done::Quietly {
            let notified = timeout(WITHIN, subscription.changed()).await;
            prop_assert!(notified.is_ok(), "nobody is notified");
        }
        if done == Done::WithAnotherInstallation {
            prop_assert!(handle.revision() != revision, "caches are not told");
        }
        Ok(None)
    }

    async fn accept(&mut self, handle: &Handle, event: &Event) -> Checked<Done> {
        let record = event.record(self.now);
        let is_known = self.reference.is_known(record.key);
        match handle.accept(record.clone(), self.now, WITHIN).await? {
            Accepted::Duplicate => {
                prop_assert!(is_known, "a new delivery is told as a duplicate");
                Ok(Done::Quietly)
            }
            Accepted::New(id) => {
                prop_assert!(!is_known, "a duplicate is told as new");
                let last = self.reference.deliveries.last().map(|last| last.id);
                prop_assert!(last < Some(id), "{} follows {:?}", id, last);
                self.reference.accept(id, record, self.now);
                Ok(Done::Loudly)
            }
        }
    }

    async fn claim(&mut self, handle: &Handle, request: ClaimRequest<'_>) -> Checked<Done> {
        let mut expected = self.reference.claimable(request.platforms, self.now);
        expected.truncate(request.limit);
        let claims = handle.claim(request).await?;
        let ids: Vec<_> = claims.iter().map(|claim| claim.token.id).collect();
        prop_assert_eq!(ids, expected, "claimed");
        for claim in claims {
            self.check_claim(&claim)?;
            self.reference.claim(&claim, request.worker, self.now, request.lease);
            let record = claim.record.map_err(|error| TestCaseError::fail(error.to_string()))?;
            self.claims.push((claim.token, record));
        }
        Ok(Done::Quietly)
    }

    fn check_claim(&mut self, claim: &Claim) -> Checked {
        let id = claim.token.id;
        let overtaken_by = self.reference.overtaken_by(id);
        if !self.reference.is_overtaken_by_what_is_gone(id) {
            prop_assert_eq!(claim.overtaken_by, overtaken_by, "overtaken");
        }
        let own = self.reference.find(id).expect("it may be claimed");
        prop_assert_eq!(claim.attempt, own.attempts + 1, "attempts of {}", id);
        prop_assert!(claim.token.fence > own.fence, "the fence of {} is used again", id);
        prop_assert_eq!(claim.record.as_ref(), Ok(&own.record));
        Ok(())
    }

    async fn end(
        &mut self,
        handle: &Handle,
        token: &Token,
        state: DeliveryState,
        folds: bool,
    ) -> Checked<Done> {
        let Some(token) = self.token(token) else { return Ok(Done::Quietly) };
        let record = self.claims.iter().find(|(own, _)| own.id == token.id).map(|(_, record)| record);
        let change = change(record.expect("it was claimed"), token.id);
        let change = folds.then_some(&change);
        let (ended, error) = match (state, change) {
            (DeliveryState::Done, Some(change)) => (handle.complete(token, self.now, change).await?, None),
            _ => (handle.fail(token, self.now, ERROR, AfterFailure::Dead(change)).await?, Some(ERROR)),
        };
        let expected = self.reference.end(token, self.now, state, error, change);
        prop_assert_eq!(ended, expected.is_some(), "{:?} ends as {:?}", token, state);
        Ok(match expected {
            Some(Transition::Applied) => Done::WithAnotherInstallation,
            Some(_) => Done::Loudly,
            None => Done::Quietly,
        })
    }

    /// Which of those that may go do go at once is the engine's choice, and how many is not.
    async fn prune(&mut self, handle: &Handle, prune: Prune) -> Checked<Done> {
        let old = [(DeliveryState::Done, prune.done_before), (DeliveryState::Dead, prune.dead_before)]
            .map(|(state, before)| self.reference.prunable(state, before));
        let pruned = handle.prune(prune).await?;
        for (old, count) in old.into_iter().zip([pruned.done, pruned.dead]) {
            let mut gone = Vec::new();
            for id in &old {
                if handle.show(*id).await?.is_none() {
                    gone.push(self.reference.delete(*id));
                }
            }
            prop_assert_eq!(gone.len(), old.len().min(prune.limit), "deliveries that go");
            prop_assert_eq!(count, gone.len() as u64, "deliveries that are told to go");
        }
        let (old, mut gone) = (self.reference.forgettable(prune), 0);
        for key in &old {
            if !handle.is_known(lifecycle_core::IdempotencyKey::from_bytes(*key)).await? {
                self.reference.keys.remove(key);
                gone += 1;
            }
        }
        prop_assert_eq!(gone, old.len().min(prune.limit), "keys that go");
        prop_assert_eq!(pruned.keys, gone as u64, "keys that are told to go");
        Ok(Done::Quietly)
    }

    async fn keep_secret(&mut self, handle: &Handle, operation: &Operation) -> Checked<Done> {
        let secrets = &mut self.reference.secrets;
        let secret = |nth: &usize, name, sealed: &u8| SealedSecret::new(tenant(*nth), name, vec![*sealed]);
        match operation {
            Operation::PutSecret { tenant: nth, name, sealed } => {
                secrets.insert((tenant(*nth), *name), vec![*sealed]);
                handle.put_sealed(secret(nth, *name, sealed)).await?;
            }
            Operation::ReplaceSecret { tenant: nth, name, old, sealed } => {
                let current = secrets.get_mut(&(tenant(*nth), *name)).filter(|current| **current == [*old]);
                let replaced = handle.replace_sealed(&secret(nth, *name, old), vec![*sealed]).await?;
                prop_assert_eq!(replaced, current.is_some(), "replaced");
                if let Some(current) = current {
                    *current = vec![*sealed];
                }
            }
            Operation::DeleteSecrets { tenant: nth, name } => {
                let (tenant, before) = (tenant(*nth), secrets.len());
                secrets.retain(|(own, field), _| *own != tenant || name.is_some_and(|name| name != *field));
                let deleted = handle.delete_sealed(&tenant, *name).await?;
                prop_assert_eq!(deleted, (before - secrets.len()) as u64, "secrets that go");
            }
            _ => {}
        }
        Ok(Done::Quietly)
    }

    /// Handles all that is left, once every wait and lease is over.
    pub(crate) async fn drain(&mut self) -> Checked {
        self.now = self.now + Duration::from_secs(1_000_000);
        let handle = self.handles[1].clone();
        loop {
            let known = self.claims.len();
            let request = ClaimRequest::new(WORKERS[1], PLATFORMS[0], self.now, WITHIN, 3);
            self.claim(&handle, request).await?;
            let new = self.claims.len() - known;
            for back in 0..new {
                self.end(&handle, &Token { back, forged_by: 0 }, DeliveryState::Done, true).await?;
            }
            if new == 0 {
                return Ok(());
            }
        }
    }

    /// Compares all that can be seen.
    pub(crate) async fn compare_all(&mut self) -> Checked {
        for handle in self.handles.clone() {
            let mut filter = DeliveryFilter::default();
            filter.limit = usize::MAX;
            self.compare(&handle, &filter).await?;
            let mut filter = InstallationFilter::default();
            filter.limit = usize::MAX;
            let installations = self.reference.installations.clone();
            prop_assert_eq!(handle.installations(&filter).await?, Vec::from_iter(installations));
        }
        let handle = &self.handles[0];
        for delivery in &self.reference.deliveries {
            let is_known = handle.is_known(delivery.record.key).await?;
            prop_assert_eq!(is_known, self.reference.is_known(delivery.record.key), "known {}", delivery.id);
            let stored = handle.show(delivery.id).await?.map(|stored| (stored.body, stored.envelope));
            let kept = (delivery.record.body.clone(), delivery.record.envelope.clone());
            prop_assert_eq!(stored, (!delivery.is_deleted).then_some(kept), "the bytes of {}", delivery.id);
        }
        for tenant in tenants() {
            let installation = handle.installation(&tenant).await?;
            prop_assert_eq!(installation.as_ref(), self.reference.installations.get(&tenant));
        }
        let secrets = handle.all_sealed(None, usize::MAX).await?;
        let secrets = secrets.into_iter().map(|secret| ((secret.tenant, secret.name), secret.sealed));
        let expected = self.reference.secrets.iter();
        let expected =
            expected.map(|((tenant, name), sealed)| ((tenant.clone(), (*name).to_owned()), sealed.clone()));
        prop_assert_eq!(secrets.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        Ok(())
    }

    async fn compare(&self, handle: &Handle, filter: &DeliveryFilter) -> Checked {
        let mut expected = self.reference.list();
        expected.retain(|own| {
            filter.state.is_none_or(|state| own.state == state)
                && filter.tenant.as_ref().is_none_or(|tenant| own.tenant == *tenant)
                && filter.after.is_none_or(|after| own.id > after)
        });
        expected.truncate(filter.limit);
        let listed = handle.list(filter).await?.into_iter().map(|own| self.as_compared(own));
        prop_assert_eq!(listed.collect::<Vec<_>>(), expected, "listed");
        prop_assert_eq!(handle.stats(self.now).await?, self.reference.stats(self.now));
        let known = ["seismic", "none"];
        let unknown = handle.unknown_platforms(&known, self.now).await?;
        prop_assert_eq!(unknown, self.reference.unknown_platforms(&known, self.now));
        Ok(())
    }

    /// Without what means nothing.
    fn as_compared(&self, mut own: DeliverySummary) -> DeliverySummary {
        if self.reference.is_overtaken_by_what_is_gone(own.id) {
            own.overtaken_by = None;
        }
        if own.finished_at.is_some() {
            own.due_at = Timestamp::MIN;
        }
        own
    }

    fn token(&self, token: &Token) -> Option<LeaseToken> {
        let nth = self.claims.len().checked_sub(1 + token.back)?;
        let LeaseToken { id, fence } = self.claims[nth].0;
        Some(LeaseToken { id, fence: fence + token.forged_by })
    }

    fn nth_delivery(&self, back: usize) -> Option<lifecycle_inbox::DeliveryId> {
        let known = &self.reference.deliveries;
        known.len().checked_sub(1 + back).map(|nth| known[nth].id)
    }
}

/// What somebody has to hear of.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Done {
    Quietly,
    /// A delivery may be claimable that was not.
    Loudly,
    WithAnotherInstallation,
}

impl Done {
    fn of(is_done: bool) -> Self {
        if is_done { Self::Loudly } else { Self::Quietly }
    }
}
