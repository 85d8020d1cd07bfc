//! Scene: a store with a delivery in each state, and each operation once, for tests of what an engine keeps of one that failed.

use std::time::Duration;

use lifecycle_core::{Delivery, seismic};
use lifecycle_inbox::{
    Accepted, AfterFailure, Claim, ClaimRequest, DeliveryId, EngineError, Platforms, Prune, Record,
    RunOutcome, Runner, SealedSecret, TenantKey, Timestamp,
};

use crate::UnderTest;
use crate::operation::change;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const WITHIN: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(60);

/// What may be asked of an engine and changes something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "they are named as the methods of an engine")]
pub enum Operation {
    Accept,
    AcceptOfNewTenant,
    Claim,
    Complete,
    Delete,
    DeleteSealed,
    Die,
    Fail,
    Prune,
    PutSealed,
    Release,
    Renew,
    ReplaceSealed,
    Retry,
    Run,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Accept,
        Self::AcceptOfNewTenant,
        Self::Claim,
        Self::Complete,
        Self::Delete,
        Self::DeleteSealed,
        Self::Die,
        Self::Fail,
        Self::Prune,
        Self::PutSealed,
        Self::Release,
        Self::Renew,
        Self::ReplaceSealed,
        Self::Retry,
        Self::Run,
    ];
}

/// A store that has one delivery that is done, one that is dead, one that is leased, and one that was given back, each of a tenant
/// of its own and before another one that waits.
#[derive(Debug)]
pub struct Scene {
    leased: Claim,
    dead: DeliveryId,
}

impl Scene {
    /// Fills an empty store.
    ///
    /// # Panics
    /// When the engine does not do what it is asked.
    pub async fn prepare(engine: &dyn UnderTest) -> Self {
        for tenant in ["done", "dead", "leased", "waiting"] {
            for number in 0..2 {
                accept(engine, tenant, number).await.expect("an empty store takes it");
            }
        }
        let mut claims = claim(engine).await.expect("a claim");
        assert_eq!(claims.len(), 4, "one of each tenant");
        let [done, dead, leased, waiting] = std::array::from_fn(|_| claims.remove(0));
        let ended = [
            engine.complete(done.token, NOW, &change_of(&done)).await,
            engine.fail(dead.token, NOW, "no", AfterFailure::Dead(None)).await,
            engine.release(waiting.token, NOW).await,
        ];
        assert!(ended.iter().all(|ended| matches!(ended, Ok(true))), "{ended:?}");
        engine.put_sealed(secret(b"old")).await.expect("a secret is written");
        Self { leased, dead: dead.token.id }
    }

    /// Asks it once. It is an error too when a token holds nothing or a delivery is not there, as it is in the store that was
    /// prepared.
    pub async fn ask(
        &self,
        operation: Operation,
        engine: &dyn UnderTest,
        runner: &dyn Runner,
    ) -> Result<(), String> {
        let token = self.leased.token;
        let told = |error: EngineError| error.to_string();
        let is_done = match operation {
            Operation::Accept => accept(engine, "waiting", 2).await.map(|_| true),
            Operation::AcceptOfNewTenant => accept(engine, "new", 0).await.map(|_| true),
            Operation::Claim => claim(engine).await.map(|_| true),
            Operation::Complete => engine.complete(token, NOW, &change_of(&self.leased)).await,
            Operation::Delete => engine.delete(token.id).await,
            Operation::DeleteSealed => engine.delete_sealed(&tenant("secret"), None).await.map(|_| true),
            Operation::Die => {
                engine.fail(token, NOW, "no", AfterFailure::Dead(Some(&change_of(&self.leased)))).await
            }
            Operation::Fail => engine.fail(token, NOW, "no", AfterFailure::At(NOW + LEASE)).await,
            Operation::Prune => {
                let mut prune = Prune::new(100);
                let later = NOW + LEASE;
                (prune.done_before, prune.dead_before, prune.keys_before) = (later, later, later);
                engine.prune(prune).await.map(|_| true)
            }
            Operation::PutSealed => engine.put_sealed(secret(b"new")).await.map(|()| true),
            Operation::Release => engine.release(token, NOW).await,
            Operation::Renew => engine.renew(&[token], NOW, LEASE * 2).await.map(|held| held == [token]),
            Operation::ReplaceSealed => {
                engine.replace_sealed(&secret(b"old"), b"new".to_vec()).await.map(|_| true)
            }
            Operation::Retry => engine.retry(self.dead, NOW).await,
            Operation::Run => return self.run(runner).await,
        };
        if is_done.map_err(told)? { Ok(()) } else { Err("it holds nothing, or is not there".to_owned()) }
    }

    async fn run(&self, runner: &dyn Runner) -> Result<(), String> {
        match runner.run(self.leased.token, &restored(&self.leased)).await {
            Ok(RunOutcome::Committed) => Ok(()),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.error().to_string()),
        }
    }
}

fn restored(claim: &Claim) -> Delivery {
    let record = claim.record.as_ref().expect("the columns read");
    record.restore(&Platforms::default()).expect("a stored delivery")
}

fn change_of(claim: &Claim) -> lifecycle_core::Change {
    change(claim.record.as_ref().expect("the columns read"), claim.token.id)
}

async fn accept(engine: &dyn UnderTest, tenant: &str, number: u32) -> Result<Accepted, EngineError> {
    let body = serde_json::json!({
        "type": "enable", "appId": "app", "tenantId": tenant, "requestId": format!("{tenant} {number}"),
    });
    let delivery = lifecycle_testing::delivery_at(&seismic::PLATFORM, &body.to_string(), NOW.into());
    engine.accept(Record::from(&delivery), NOW, WITHIN).await
}

async fn claim(engine: &dyn UnderTest) -> Result<Vec<Claim>, EngineError> {
    engine.claim(ClaimRequest::new("worker", &["seismic"], NOW, LEASE, 10)).await
}

fn tenant(name: &str) -> TenantKey {
    TenantKey::new("seismic", "app", name)
}

fn secret(sealed: &[u8]) -> SealedSecret {
    SealedSecret::new(tenant("secret"), "api-key", sealed.to_vec())
}
