//! One rule over random sequences: an engine does what the engine in memory does, step by step.

use std::collections::HashMap;
use std::time::Duration;

use super::sample::{START, WITHIN, change, delivery};
use super::{Replicas, Rule};
use crate::engine::{Accepted, AfterFailure, Claim, ClaimRequest, DeliveryId, Engine, LeaseToken};
use crate::installations::{InstallationFilter, InstallationStore};
use crate::memory::MemoryEngine;
use crate::operations::{DeliveryFilter, DeliverySummary, Prune};
use crate::record::Record;
use crate::timestamp::Timestamp;

const STEPS: usize = 1_000;
const TENANTS: [&str; 4] = ["a", "b", "c", "d"];
const KINDS: [&str; 6] = ["install", "enable", "upgrade", "disable", "uninstall", "celebrate"];

pub(super) fn rules() -> Vec<Rule> {
    vec![Rule::new(every_sequence_of_steps_does_what_it_does_in_memory)]
}

async fn every_sequence_of_steps_does_what_it_does_in_memory(replicas: Replicas) {
    // One seed, so that a failure comes again; sequences of this length meet every step in every state.
    let random = fastrand::Rng::with_seed(2026);
    let mut pair = Pair {
        replicas,
        model: MemoryEngine::new(),
        random,
        now: START,
        ids: HashMap::new(),
        claims: Vec::new(),
        request: 0,
    };
    for _ in 0..STEPS {
        pair.step().await;
    }
    pair.compare().await;
}

/// The engine and its model, and what both were told so far.
struct Pair {
    replicas: Replicas,
    model: MemoryEngine,
    random: fastrand::Rng,
    now: Timestamp,
    /// From the engine's ids to the model's.
    ids: HashMap<DeliveryId, DeliveryId>,
    /// All that were ever given, by the engine and by the model.
    claims: Vec<(Claim, LeaseToken)>,
    request: u64,
}

impl Pair {
    async fn step(&mut self) {
        let engine = if self.random.bool() { self.replicas.one.clone() } else { self.replicas.two.clone() };
        let engine = &*engine;
        match self.random.u8(0..100) {
            0..30 => self.accept(engine).await,
            30..55 => self.claim(engine).await,
            55..85 => self.finish(engine).await,
            85..92 => self.operate(engine).await,
            92..98 => self.pass_time(),
            _ => self.compare().await,
        }
    }

    fn pass_time(&mut self) {
        let seconds = Duration::from_secs(self.random.u64(0..60));
        self.now = match self.random.u8(0..10) {
            0 => self.now - seconds * 5,
            1 => self.now + seconds * 100,
            _ => self.now + seconds,
        };
    }

    async fn accept(&mut self, engine: &dyn Engine) {
        let (tenant, kind) = (self.random.usize(0..TENANTS.len()), self.random.usize(0..KINDS.len()));
        self.request += u64::from(self.random.u8(0..5) > 0);
        // Late events too: received, and so sent, at any time.
        let sent = self.now - Duration::from_secs(self.random.u64(0..100));
        let sent = delivery(TENANTS[tenant], KINDS[kind], &self.request.to_string(), sent);
        let mut record = Record::from(&sent);
        if tenant == 0 {
            "other".clone_into(&mut record.tenant.platform);
        }
        let ours = engine.accept(record.clone(), self.now, WITHIN).await.unwrap();
        let models = self.model.accept(record, self.now, WITHIN).await.unwrap();
        match (ours, models) {
            (Accepted::New(ours), Accepted::New(models)) => {
                assert_eq!(self.ids.insert(ours, models), None, "an id is never used again");
            }
            (ours, models) => assert_eq!(ours, models),
        }
    }

    async fn claim(&mut self, engine: &dyn Engine) {
        let platforms: &[&str] = match self.random.u8(0..8) {
            0 => &["seismic"],
            1 => &["other"],
            _ => &["other", "seismic"],
        };
        let request = ClaimRequest {
            worker: "w",
            platforms,
            now: self.now,
            lease: Duration::from_secs(self.random.u64(1..100)),
            limit: self.random.usize(0..4),
        };
        let ours = engine.claim(request).await.unwrap();
        let models = self.model.claim(request).await.unwrap();
        assert_eq!(ours.len(), models.len(), "claimed");
        for (ours, models) in ours.into_iter().zip(models) {
            assert_eq!(self.ids[&ours.token.id], models.token.id, "the oldest comes first");
            assert_eq!((ours.attempt, &ours.record), (models.attempt, &models.record));
            self.compare_overtaken(ours.overtaken_by, models.overtaken_by).await;
            self.claims.push((ours, models.token));
        }
    }

    /// Does something with a token that was given once, mostly lately.
    async fn finish(&mut self, engine: &dyn Engine) {
        if self.claims.is_empty() {
            return;
        }
        let back = self.random.usize(0..8).min(self.claims.len() - 1);
        let (claimed, token) = self.claims[self.claims.len() - 1 - back].clone();
        let now = self.now;
        let next = if self.random.u8(0..3) == 0 {
            AfterFailure::Dead(None)
        } else {
            AfterFailure::At(now + Duration::from_secs(self.random.u64(0..100)))
        };
        let lease = Duration::from_secs(self.random.u64(1..100));
        let (ours, models) = match self.random.u8(0..10) {
            0..5 => {
                let change = change(&claimed);
                (
                    engine.complete(claimed.token, now, &change).await.unwrap(),
                    self.model.complete(token, now, &change).await.unwrap(),
                )
            }
            5..8 => (
                engine.fail(claimed.token, now, "failed", next).await.unwrap(),
                self.model.fail(token, now, "failed", next).await.unwrap(),
            ),
            8 => (
                engine.release(claimed.token, now).await.unwrap(),
                self.model.release(token, now).await.unwrap(),
            ),
            _ => (
                !engine.renew(&[claimed.token], now, lease).await.unwrap().is_empty(),
                !self.model.renew(&[token], now, lease).await.unwrap().is_empty(),
            ),
        };
        assert_eq!(ours, models, "a token holds its row or does not");
    }

    async fn operate(&mut self, engine: &dyn Engine) {
        let mut known: Vec<_> = self.ids.iter().map(|(ours, models)| (*ours, *models)).collect();
        known.sort_unstable();
        let Some((ours, models)) = self.random.choice(known) else { return };
        match self.random.u8(0..4) {
            0 => assert_eq!(
                engine.delete(ours).await.unwrap(),
                self.model.delete(models).await.unwrap(),
                "delete"
            ),
            1 => {
                let prune = Prune {
                    done_before: self.now - Duration::from_secs(60),
                    dead_before: self.now - Duration::from_secs(900),
                    keys_before: self.now - Duration::from_secs(120),
                    limit: usize::MAX,
                };
                assert_eq!(engine.prune(prune).await.unwrap(), self.model.prune(prune).await.unwrap());
            }
            _ => assert_eq!(
                engine.retry(ours, self.now).await.unwrap(),
                self.model.retry(models, self.now).await.unwrap(),
                "retry"
            ),
        }
    }

    /// Compares all that can be seen.
    /// What has overtaken a delivery may be forgotten when it is gone.
    async fn compare_overtaken(&self, ours: Option<DeliveryId>, models: Option<DeliveryId>) {
        let ours = ours.map(|id| self.ids[&id]);
        let Some(id) = models else {
            assert_eq!(ours, None, "overtaken");
            return;
        };
        if self.model.show(id).await.unwrap().is_some() {
            assert_eq!(ours, models, "overtaken");
        }
    }

    async fn compare(&mut self) {
        let engine = &*self.replicas.two;
        assert_eq!(engine.stats(self.now).await.unwrap(), self.model.stats(self.now).await.unwrap());
        let unknown = engine.unknown_platforms(&["seismic"], self.now).await.unwrap();
        assert_eq!(unknown, self.model.unknown_platforms(&["seismic"], self.now).await.unwrap());
        let all = DeliveryFilter { limit: usize::MAX, ..DeliveryFilter::default() };
        let ours = engine.list(&all).await.unwrap();
        let ours: Vec<DeliverySummary> =
            ours.into_iter().map(|row| DeliverySummary { id: self.ids[&row.id], ..row }).collect();
        let models = self.model.list(&all).await.unwrap();
        for (ours, models) in ours.iter().zip(&models) {
            self.compare_overtaken(ours.overtaken_by, models.overtaken_by).await;
        }
        assert_eq!(as_compared(ours), as_compared(models));
        let all = InstallationFilter { limit: usize::MAX, ..InstallationFilter::default() };
        let ours = engine.installations(&all).await.unwrap();
        assert_eq!(ours, self.model.installations(&all).await.unwrap());
    }
}

/// When a finished row is due means nothing, and what has overtaken it is compared apart.
fn as_compared(mut rows: Vec<DeliverySummary>) -> Vec<DeliverySummary> {
    for row in &mut rows {
        row.overtaken_by = None;
        if row.finished_at.is_some() {
            row.due_at = Timestamp::MIN;
        }
    }
    rows
}
