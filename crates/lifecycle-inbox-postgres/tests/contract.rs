//! The engine keeps the contract: one test for each rule, in a schema of its own, on two engines.

#[expect(dead_code, reason = "the rules bring deliveries of their own")]
mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use lifecycle_inbox::InstallationStore;
use lifecycle_inbox::contract::{self, Replicas, Rule};
use lifecycle_inbox_postgres::PostgresEngine;

use support::Store;

fn main() -> ExitCode {
    let tests = contract::rules().into_iter().map(|rule| {
        let name = rule.name().to_owned();
        Trial::test(name, move || check(&rule))
    });
    let tests = tests.chain([Trial::test("secrets", check_secrets)]);
    libtest_mimic::run(&Arguments::from_args(), tests.collect()).exit_code()
}

fn check(rule: &Rule) -> Result<(), Failed> {
    with_replicas(async |one, two| rule.check(Replicas { one: Arc::new(one), two: Arc::new(two) }).await)
}

fn check_secrets() -> Result<(), Failed> {
    with_replicas(async |one, two| contract::check_secrets(&one, &two).await)
}

fn with_replicas(check: impl AsyncFnOnce(PostgresEngine, PostgresEngine)) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let store = Store::new();
        let (one, two) = tokio::join!(store.open(), store.open());
        tokio::join!(hears(&one), hears(&two));
        check(one, two).await;
        store.remove().await;
    });
    Ok(())
}

/// Waits until the engine hears the others. From when that begins, all that it knew of installations counts as changed.
async fn hears(engine: &PostgresEngine) {
    while engine.revision() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
