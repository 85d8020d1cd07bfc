//! `cargo xtask ci`: all that has to hold before a change lands. It installs nothing: `.ci/setup` does.

use std::process::{Command, ExitCode};

use crate::Failure;
use crate::step::Step;
use crate::test::{Machine, Plan};

const SETUP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/setup");

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    if !Command::new(SETUP).arg("--check").status()?.success() {
        return Err("this machine lacks what it needs".into());
    }
    let mut plan = Plan::new(Machine::Everything)?;
    for task in
        ["peers", "proxies", "crash --engine sqlite --rounds 15", "crash --engine postgres --rounds 15"]
    {
        plan.run(Step::task(task));
    }
    // Advisories need a network, and change without us: they are looked at each week.
    plan.check(Step::cargo("deny --all-features --log-level warn check bans licenses sources"));
    plan.apart(Step::task("fuzz --seconds 60"));
    plan.check(Step::task("package --twice"));
    plan.check(Step::task("rusqlite"));
    plan.check(Step::task("bench instructions"));
    Ok(plan.carry_out())
}
