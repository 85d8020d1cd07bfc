//! Step: one command of a task, with a heading and the time that it took.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Failure;

/// Runs `cargo` with these words, split at spaces.
pub(crate) fn cargo(words: &str) -> Result<(), Failure> {
    run(Command::new(env!("CARGO")).args(words.split_whitespace()), &format!("cargo {words}"))
}

/// Installs `cargo NAME` in this version, where there is none.
pub(crate) fn tool(name: &str, version: &str) -> Result<(), Failure> {
    let mut asked = Command::new(env!("CARGO"));
    asked.args([name, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if asked.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    cargo(&format!("install cargo-{name} --version {version} --locked --quiet"))
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command, heading: &str) -> Result<(), Failure> {
    println!("== {heading}");
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("{heading}: {error}"))?;
    if !status.success() {
        return Err(format!("{heading}: {status}").into());
    }
    println!("== {:.0} s", start.elapsed().as_secs_f32());
    Ok(())
}
