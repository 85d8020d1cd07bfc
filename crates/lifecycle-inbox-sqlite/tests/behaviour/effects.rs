//! Effects that are committed together with the completion, or not at all.

use std::sync::atomic::{AtomicU32, Ordering};

use lifecycle_core::{Delivery, HandlerError};
use lifecycle_inbox::{
    AfterFailure, DeliveryState, Engine, InstallationStore, Platforms, RunOutcome, Runner, TenantKey,
};
use lifecycle_inbox_sqlite::{SqliteEngine, Transaction};

use crate::support::{Bench, Handler, WITHIN, again, claim_one, put, record};

const FILE: &str = "LIFECYCLE_TEST_EFFECTS";

fn with_effects() -> Bench {
    let bench = Bench::new();
    bench.connection().execute_batch("CREATE TABLE effects (request TEXT NOT NULL)").unwrap();
    bench
}

fn effects(bench: &Bench) -> i64 {
    bench.connection().query_row("SELECT count(*) FROM effects", [], |row| row.get(0)).unwrap()
}

fn write(delivery: &Delivery, transaction: &Transaction<'_>) -> Result<(), HandlerError> {
    transaction.execute("INSERT INTO effects (request) VALUES (?1)", [delivery.event().request_id()])?;
    Ok(())
}

/// Claims the one row and runs the handler for it.
async fn run(
    bench: &Bench,
    handler: impl Fn(&Delivery, &Transaction<'_>) -> Result<(), HandlerError> + Send + Sync + 'static,
) -> Result<RunOutcome, HandlerError> {
    let claimed = claim_one(&bench.engine).await;
    let delivery = claimed.record.unwrap().restore(&Platforms::default()).unwrap();
    let ran = bench.engine.runner(Handler(handler)).run(claimed.token, &delivery).await;
    bench.engine.release(claimed.token, bench.engine.now()).await.unwrap();
    ran
}

#[tokio::test]
async fn effect_completion_and_installation_are_committed_together() {
    let bench = with_effects();
    let id = put(&bench.engine, "r").await;
    let ran = run(&bench, |delivery, transaction| {
        write(delivery, transaction)?;
        Ok(())
    });
    assert_eq!(ran.await.unwrap(), RunOutcome::Committed);
    assert_eq!(effects(&bench), 1);
    assert_eq!(bench.engine.show(id).await.unwrap().unwrap().summary.state, DeliveryState::Done);
    assert!(bench.engine.installation(&TenantKey::new("seismic", "app", "t")).await.unwrap().is_some());
}

/// SQLite keeps what a large transaction can take back in a temporary file, unless it is told to use memory. Payloads belong into no
/// other file, and a container may have no folder for one: then no large transaction succeeds.
#[tokio::test]
async fn a_transaction_makes_no_temporary_file() {
    const MEMORY: i64 = 2;
    let bench = Bench::new();
    put(&bench.engine, "r").await;
    let ran = run(&bench, |_, transaction| {
        let kept_in: i64 = transaction.query_row("PRAGMA temp_store", [], |row| row.get(0))?;
        assert_eq!(kept_in, MEMORY);
        Ok(())
    });
    assert_eq!(ran.await.unwrap(), RunOutcome::Committed);
}

#[tokio::test]
async fn a_failure_and_a_panic_leave_no_effect_and_no_completion() {
    let bench = with_effects();
    let id = put(&bench.engine, "r").await;
    let failed = run(&bench, |delivery, transaction| {
        write(delivery, transaction)?;
        Err(std::io::Error::other("after the effect").into())
    });
    assert!(failed.await.is_err());
    let bench = std::sync::Arc::new(bench);
    let panicked = tokio::spawn({
        let bench = bench.clone();
        async move {
            let ran = run(&bench, |delivery, transaction| {
                write(delivery, transaction)?;
                panic!("after the effect")
            });
            ran.await.map_err(|error| error.error().to_string())
        }
    });
    let panic = panicked.await.unwrap_err().into_panic();
    assert_eq!(
        panic.downcast_ref::<&str>(),
        Some(&"after the effect"),
        "it goes on to whoever runs the runner"
    );
    assert_eq!(effects(&bench), 0);
    let row = bench.engine.show(id).await.unwrap().unwrap().summary;
    assert!(matches!(row.state, DeliveryState::Leased | DeliveryState::Pending));
    assert_eq!(bench.engine.installation(&TenantKey::new("seismic", "app", "t")).await.unwrap(), None);
    put(&bench.engine, "the writer goes on").await;
}

#[tokio::test]
async fn a_token_that_was_taken_over_has_no_effect() {
    let bench = with_effects();
    put(&bench.engine, "r").await;
    let stale = claim_one(&bench.engine).await;
    bench
        .engine
        .fail(stale.token, bench.engine.now(), "", AfterFailure::At(bench.engine.now()))
        .await
        .unwrap();
    claim_one(&bench.engine).await;
    let runner = bench.engine.runner(Handler(|_: &Delivery, _: &Transaction<'_>| panic!("it must not run")));
    let delivery = stale.record.unwrap().restore(&Platforms::default()).unwrap();
    assert_eq!(runner.run(stale.token, &delivery).await.unwrap(), RunOutcome::LeaseLost);
    assert_eq!(effects(&bench), 0);
}

#[tokio::test]
async fn a_handler_that_fails_twice_has_its_effect_once() {
    let bench = with_effects();
    put(&bench.engine, "r").await;
    let runs = AtomicU32::new(0);
    bench
        .work(Handler(move |delivery: &Delivery, transaction: &Transaction<'_>| {
            write(delivery, transaction)?;
            if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                return Err(std::io::Error::other("not yet").into());
            }
            Ok(())
        }))
        .await;
    assert_eq!(effects(&bench), 1);
}

/// A constraint that is checked at the commit: the handler cannot hear of it.
#[tokio::test]
async fn an_effect_that_cannot_be_committed_fails_alone() {
    let bench = with_effects();
    bench
        .connection()
        .execute_batch(
            "CREATE TABLE tenants (name TEXT PRIMARY KEY);
             CREATE TABLE seats (tenant TEXT REFERENCES tenants (name) DEFERRABLE INITIALLY DEFERRED)",
        )
        .unwrap();
    put(&bench.engine, "r").await;
    let ran = run(&bench, |delivery, transaction| {
        transaction.execute("INSERT INTO seats (tenant) VALUES (?1)", [delivery.event().tenant()])?;
        Ok(())
    });
    let (ran, accepted) =
        tokio::join!(ran, bench.engine.accept(record("other", "r"), bench.engine.now(), WITHIN));
    assert!(ran.unwrap_err().error().to_string().contains("FOREIGN KEY"));
    accepted.unwrap();
    assert_eq!(bench.engine.stats(bench.engine.now()).await.unwrap().depth(), 2);
}

#[tokio::test]
async fn a_process_that_dies_in_the_handler_leaves_neither_effect_nor_completion() {
    if let Some(path) = std::env::var_os(FILE) {
        let engine = SqliteEngine::open(path).unwrap();
        let claimed = claim_one(&engine).await;
        let delivery = claimed.record.unwrap().restore(&Platforms::default()).unwrap();
        let runner = engine.runner(Handler(|delivery: &Delivery, transaction: &Transaction<'_>| {
            write(delivery, transaction)?;
            std::process::abort()
        }));
        let _ = runner.run(claimed.token, &delivery).await;
        unreachable!("the process has ended");
    }
    let bench = with_effects();
    let id = put(&bench.engine, "r").await;
    let test = "effects::a_process_that_dies_in_the_handler_leaves_neither_effect_nor_completion";
    let died = again(test, FILE, &bench.path()).output().unwrap();
    assert!(!died.status.success());
    assert_eq!(effects(&bench), 0);
    let row = bench.engine.show(id).await.unwrap().unwrap().summary;
    assert_eq!((row.state, row.attempts), (DeliveryState::Leased, 1), "the other process had it");
    bench.engine.delete(id).await.unwrap();
}
