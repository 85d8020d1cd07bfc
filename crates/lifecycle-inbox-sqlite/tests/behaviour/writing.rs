//! The writer: what shares a transaction, what is refused, and what is taken back.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use lifecycle_core::Delivery;
use lifecycle_inbox::{Accepted, ClaimRequest, Engine, InstallationStore, RunOutcome, Runner};
use lifecycle_inbox_sqlite::{SqliteEngine, Transaction};

use crate::support::{Bench, Busy, Handler, WITHIN, delivery, put, record};

#[tokio::test]
async fn what_waits_for_the_writer_shares_one_transaction() {
    let bench = Bench::new();
    put(&bench.engine, "busy").await;
    let busy = Busy::new(&bench.engine).await;
    let before = frames(&bench);
    let requests: Vec<String> = (0..200).map(|nth| nth.to_string()).collect();
    let accepts = join_all(
        requests.iter().map(|request| bench.engine.accept(record("t", request), bench.engine.now(), WITHIN)),
    );
    let release = async { drop(busy) };
    let (accepted, ()) = tokio::join!(accepts, release);
    assert!(accepted.iter().all(|accepted| matches!(accepted, Ok(Accepted::New(_)))));
    // One by one, each of them would write the pages of its tables and indexes again.
    assert!(frames(&bench) - before < 400, "{} pages were written", frames(&bench) - before);
}

/// How many pages the log beside the file has room for by now.
fn frames(bench: &Bench) -> u64 {
    std::fs::metadata(bench.path().with_extension("db-wal")).unwrap().len() / 4096
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_loses_nothing_that_it_took() {
    let bench = Bench::new();
    put(&bench.engine, "busy").await;
    let busy = Busy::new(&bench.engine).await;
    let requests: Vec<String> = (0..1100).map(|nth| nth.to_string()).collect();
    let accepts = join_all(
        requests
            .iter()
            .map(|request| bench.engine.accept(record(request, request), bench.engine.now(), WITHIN)),
    );
    let release = async { drop(busy) };
    let (accepted, ()) = tokio::join!(accepts, release);
    let refused = accepted.iter().filter(|accepted| accepted.is_err()).count();
    assert!(refused > 0, "the queue has an end");
    let rows = bench.engine.stats(bench.engine.now()).await.unwrap().pending;
    assert_eq!(rows, (1100 - refused) as u64);
    assert!(matches!(
        bench.engine.accept(record("t", "later"), bench.engine.now(), WITHIN).await,
        Ok(Accepted::New(_))
    ));
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_begun() {
    let bench = Bench::new();
    put(&bench.engine, "busy").await;
    let busy = Busy::new(&bench.engine).await;
    let mut dropped = bench.engine.accept(record("t", "dropped"), bench.engine.now(), WITHIN);
    assert!((&mut dropped).now_or_never().is_none());
    let mut kept = bench.engine.accept(record("t", "kept"), bench.engine.now(), WITHIN);
    assert!((&mut kept).now_or_never().is_none());
    drop(dropped);
    drop(busy);
    kept.await.unwrap();
    assert!(bench.holds(&["busy", "kept"]).await);
}

#[tokio::test]
async fn a_write_that_takes_too_long_fails_and_is_taken_back() {
    let bench = Bench::new();
    put(&bench.engine, "busy").await;
    let busy = Busy::new(&bench.engine).await;
    tokio::time::pause(); // so that the limit is over as soon as there is nothing else to do
    let late = bench.engine.accept(record("t", "late"), bench.engine.now(), WITHIN).await;
    assert_eq!(late.unwrap_err().to_string(), "the database did not answer in time");
    tokio::time::resume();
    drop(busy);
    put(&bench.engine, "next").await;
    assert!(bench.holds(&["busy", "next"]).await);
}

/// A handler of the same transaction takes longer than the caller waits.
#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_committed() {
    let bench = Bench::new();
    put(&bench.engine, "busy").await;
    bench.engine.accept(record("slow", "r"), bench.engine.now(), WITHIN).await.unwrap();
    let request = ClaimRequest::new("w", &["seismic"], bench.engine.now(), Duration::from_secs(60), 2);
    let claims = bench.engine.claim(request).await.unwrap();
    bench.engine.release(claims[0].token, bench.engine.now()).await.unwrap();
    let busy = Busy::new(&bench.engine).await;

    let (began, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let slow = bench.engine.runner(Handler(move |_: &Delivery, _: &Transaction<'_>| {
        let _ = began.send(());
        let _ = released.lock().unwrap().recv();
        Ok(())
    }));
    let mut gives_up = bench.engine.accept(record("t", "gives up"), bench.engine.now(), WITHIN);
    assert!((&mut gives_up).now_or_never().is_none());
    let delivery = delivery("slow", "r");
    let ran = slow.run(claims[1].token, &delivery);
    let caller = async move {
        drop(busy);
        begins.recv().await.unwrap();
        drop(gives_up);
        drop(release);
    };
    let (ran, ()) = tokio::join!(ran, caller);
    assert_eq!(ran.unwrap(), RunOutcome::Committed);
    assert!(!bench.engine.is_known(record("t", "gives up").key).await.unwrap());
}

#[tokio::test]
async fn reads_do_not_wait_for_the_writer() {
    let bench = Bench::new();
    put(&bench.engine, "busy").await;
    let busy = Busy::new(&bench.engine).await;
    assert_eq!(bench.engine.stats(bench.engine.now()).await.unwrap().leased, 1);
    assert!(bench.engine.is_known(record("t", "busy").key).await.unwrap());
    drop(busy);
}

/// The handler ends the transaction that it shares with other jobs, which it must not do.
#[tokio::test]
async fn a_transaction_that_is_lost_is_tried_again_job_by_job() {
    let bench = Bench::new();
    put(&bench.engine, "busy").await;
    for tenant in ["a", "b"] {
        bench.engine.accept(record(tenant, "r"), bench.engine.now(), WITHIN).await.unwrap();
    }
    let lease = Duration::from_secs(60);
    let request = ClaimRequest::new("w", &["seismic"], bench.engine.now(), lease, 3);
    let claims = bench.engine.claim(request).await.unwrap();
    let rollback = bench.engine.runner(Handler(|_: &Delivery, transaction: &Transaction<'_>| {
        transaction.execute_batch("ROLLBACK")?;
        Ok(())
    }));
    bench.engine.release(claims[0].token, bench.engine.now()).await.unwrap();
    let busy = Busy::new(&bench.engine).await;
    let delivery = delivery("a", "r");
    let (before, rolled_back, after, ()) = tokio::join!(
        bench.engine.accept(record("t", "before"), bench.engine.now(), WITHIN),
        rollback.run(claims[1].token, &delivery),
        bench.engine.accept(record("t", "after"), bench.engine.now(), WITHIN),
        async { drop(busy) },
    );
    assert!(matches!((before, after), (Ok(Accepted::New(_)), Ok(Accepted::New(_)))));
    assert!(rolled_back.is_err());
    let open: i64 = bench
        .connection()
        .query_row("SELECT count(*) FROM lifecycle_inbox WHERE state <> 'done'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(open, 4, "a, b, before, after");
}

#[tokio::test]
async fn another_connections_write_is_heard_of() {
    let bench = Bench::new();
    let mut subscription = bench.engine.notifier().subscribe();
    let revision = bench.engine.revision();
    let other = SqliteEngine::open(bench.path()).unwrap();
    put(&other, "r").await;
    subscription.changed().await;
    assert_ne!(bench.engine.revision(), revision);
}

#[tokio::test]
async fn a_lock_of_another_process_ends_in_an_error_and_leaves_nothing() {
    let bench = Bench::new();
    let other = bench.connection();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = bench.engine.accept(record("t", "r"), bench.engine.now(), WITHIN).await.unwrap_err();
    assert!(error.to_string().contains("locked"), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    assert!(bench.holds(&[]).await);
    put(&bench.engine, "r").await;
}
