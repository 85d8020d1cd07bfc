//! Effect and completion in one transaction.

use lifecycle_core::{Change, Delivery, HandlerError, Installation, async_trait};
use lifecycle_inbox::{
    Claim, DeliveryState, Engine, InstallationStore, LeaseToken, Platforms, RunOutcome, Runner,
};
use lifecycle_inbox_postgres::tokio_postgres::{Client, Transaction};
use lifecycle_inbox_postgres::{PostgresEngine, TransactionalHandler};

use crate::support::Store;
use crate::{claim_one, put, until};

/// Notes the delivery, and then does what the test asks.
struct Notes {
    schema: String,
    then: Then,
}

#[derive(Clone, Copy)]
enum Then {
    Accept,
    Break,
    EndItself,
    Fail,
    Sleep,
}

#[async_trait]
impl TransactionalHandler for Notes {
    async fn upgrade(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        let insert = format!("INSERT INTO {}.notes (tenant) VALUES ($1)", self.schema);
        transaction.execute(&insert, &[&delivery.event().tenant()]).await?;
        match self.then {
            Then::Accept => Ok(()),
            Then::Break => {
                let _ = transaction.batch_execute("SELECT nonsense").await;
                Ok(())
            }
            Then::EndItself => {
                transaction.batch_execute("ROLLBACK; BEGIN").await?;
                Ok(())
            }
            Then::Fail => Err("no".into()),
            Then::Sleep => {
                transaction.batch_execute("SELECT pg_sleep(60)").await?;
                Ok(())
            }
        }
    }
}

struct Scene {
    store: Store,
    engine: PostgresEngine,
    client: Client,
    claimed: Claim,
    delivery: Delivery,
}

impl Scene {
    async fn new() -> Self {
        let store = Store::new();
        let engine = store.open().await;
        let client = store.client().await;
        client.batch_execute(&format!("CREATE TABLE {}.notes (tenant text)", store.schema())).await.unwrap();
        put(&engine, "t", 1).await;
        let claimed = claim_one(&engine).await;
        let delivery = claimed.record.as_ref().unwrap().restore(&Platforms::default()).unwrap();
        Self { store, engine, client, claimed, delivery }
    }

    fn notes(&self, then: Then) -> Notes {
        Notes { schema: self.store.schema().to_owned(), then }
    }

    async fn run(&self, token: LeaseToken, then: Then) -> Result<RunOutcome, HandlerError> {
        self.engine.runner(self.notes(then)).connections(1).run(token, &self.delivery).await
    }

    /// How many notes are committed, and the state of the row.
    async fn effect(&self) -> (i64, DeliveryState) {
        let count = format!("SELECT count(*) FROM {}.notes", self.store.schema());
        let notes = self.client.query_one(&count, &[]).await.unwrap().get(0);
        let row = self.engine.show(self.claimed.token.id).await.unwrap().unwrap();
        (notes, row.summary.state)
    }
}

#[tokio::test]
async fn effect_completion_and_installation_are_committed_together() {
    let scene = Scene::new().await;
    let mut subscription = scene.engine.notifier().subscribe();
    let revision = scene.engine.revision();
    assert_eq!(scene.run(scene.claimed.token, Then::Accept).await.unwrap(), RunOutcome::Committed);
    assert_eq!(scene.effect().await, (1, DeliveryState::Done));
    let tenant = (&scene.delivery).into();
    let (folded, _) = Installation::fold(None, &Change::new(&scene.delivery, scene.claimed.token.id.0));
    assert_eq!(scene.engine.installation(&tenant).await.unwrap(), folded);
    subscription.changed().await;
    assert_ne!(scene.engine.revision(), revision);
    assert_eq!(
        scene.run(scene.claimed.token, Then::Accept).await.unwrap(),
        RunOutcome::LeaseLost,
        "it is done"
    );
    assert_eq!(scene.effect().await, (1, DeliveryState::Done));
    scene.store.remove().await;
}

#[tokio::test]
async fn a_failure_and_a_broken_transaction_leave_nothing() {
    let scene = Scene::new().await;
    let token = scene.claimed.token;
    assert!(scene.run(token, Then::Fail).await.is_err());
    assert!(scene.run(token, Then::Break).await.is_err());
    assert!(scene.run(token, Then::EndItself).await.is_err());
    assert_eq!(scene.effect().await, (0, DeliveryState::Leased));
    scene.store.remove().await;
}

#[tokio::test]
async fn a_delivery_that_was_taken_over_has_no_second_effect() {
    let scene = Scene::new().await;
    let token = scene.claimed.token;
    scene.engine.release(token, scene.engine.now()).await.unwrap();
    assert_eq!(scene.run(token, Then::Accept).await.unwrap(), RunOutcome::LeaseLost);
    let again = claim_one(&scene.engine).await;
    assert_eq!(scene.run(token, Then::Accept).await.unwrap(), RunOutcome::LeaseLost);
    assert_eq!(scene.effect().await, (0, DeliveryState::Leased));
    assert_eq!(scene.run(again.token, Then::Accept).await.unwrap(), RunOutcome::Committed);
    assert_eq!(scene.effect().await, (1, DeliveryState::Done));
    scene.store.remove().await;
}

/// It checks once before the handler and once after: taken over in between, the handler's work is undone.
#[tokio::test]
async fn a_delivery_that_is_taken_over_meanwhile_has_no_effect() {
    let scene = Scene::new().await;
    let token = scene.claimed.token;
    let hold = format!("LOCK TABLE {}.notes IN SHARE MODE", scene.store.schema());
    let mut blocker = scene.store.client().await;
    let transaction = blocker.transaction().await.unwrap();
    transaction.batch_execute(&hold).await.unwrap();
    let runner = scene.engine.runner(scene.notes(Then::Accept));
    let delivery = scene.delivery.clone();
    let run =
        tokio::spawn(async move { runner.run(token, &delivery).await.map_err(|error| error.to_string()) });
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1";
    let insert = format!("%{}.notes%", scene.store.schema());
    until("the handler waits", async || {
        scene.client.query_one(waiting, &[&insert]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    scene.engine.release(token, scene.engine.now()).await.unwrap();
    let again = claim_one(&scene.engine).await;
    transaction.rollback().await.unwrap();
    assert_eq!(run.await.unwrap(), Ok(RunOutcome::LeaseLost));
    assert_eq!(scene.effect().await, (0, DeliveryState::Leased));
    assert_eq!(scene.run(again.token, Then::Accept).await.unwrap(), RunOutcome::Committed);
    scene.store.remove().await;
}

#[tokio::test]
async fn a_lease_can_be_renewed_while_the_handler_runs_and_a_dropped_handler_leaves_nothing() {
    let scene = Scene::new().await;
    let token = scene.claimed.token;
    let runner = scene.engine.runner(scene.notes(Then::Sleep)).connections(1);
    let delivery = scene.delivery.clone();
    let run =
        tokio::spawn(async move { runner.run(token, &delivery).await.map_err(|error| error.to_string()) });
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'
        AND backend_xid IS NOT NULL AND application_name = 'lifecycle-inbox'";
    let is_sleeping = async || scene.client.query_one(sleeping, &[]).await.unwrap().get::<_, i64>(0) == 1;
    until("the handler sleeps", is_sleeping).await;
    let held = scene.engine.renew(&[token], scene.engine.now(), std::time::Duration::from_secs(60)).await;
    assert_eq!(held.unwrap(), [token]);
    put(&scene.engine, "t", 2).await; // nor does it hold up its tenant's next callback
    run.abort();
    until("the server ends what nobody waits for", async || !is_sleeping().await).await;
    assert_eq!(scene.effect().await, (0, DeliveryState::Leased));
    scene.store.remove().await;
}
