//! `cargo xtask ci`: all that has to hold before a change lands. It installs what a fresh machine lacks.

use std::process::{Command, ExitCode, Stdio};

use crate::step::{cargo, run as step};
use crate::{Failure, test};

pub(crate) fn run(arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    deny()?;
    test::run(arguments)
}

/// Licences, sources and banned crates, by cargo-deny. Its advisories need a network, so they are not asked for here.
fn deny() -> Result<(), Failure> {
    let installed = Command::new(env!("CARGO"))
        .args(["deny", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        cargo("install cargo-deny --version 0.20.2 --locked --quiet")?;
    }
    let mut deny = Command::new(env!("CARGO"));
    deny.args(["deny", "--all-features", "--log-level", "warn", "check", "bans", "licenses", "sources"]);
    step(&mut deny, "cargo deny check bans licenses sources")
}
