//! The engine keeps the contract: one test for each rule, in a schema of its own, on two engines.

#[expect(dead_code, reason = "the rules bring deliveries of their own")]
mod support;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use lifecycle_inbox::contract::{self, Replicas, Rule};

use support::Store;

fn main() -> ExitCode {
    let tests = contract::rules().into_iter().map(|rule| {
        let name = rule.name().to_owned();
        Trial::test(name, move || check(&rule))
    });
    libtest_mimic::run(&Arguments::from_args(), tests.collect()).exit_code()
}

fn check(rule: &Rule) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let store = Store::new();
        let (one, two) = tokio::join!(store.open(), store.open());
        rule.check(Replicas { one: Arc::new(one), two: Arc::new(two) }).await;
        store.remove().await;
    });
    Ok(())
}
