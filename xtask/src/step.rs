//! Step: one command of a task, with a heading and the time that it took.

use std::process::Command;
use std::time::Instant;

use crate::Failure;

/// Runs `cargo` with these words, split at spaces.
pub(crate) fn cargo(words: &str) -> Result<(), Failure> {
    run(Command::new(env!("CARGO")).args(words.split_whitespace()), &format!("cargo {words}"))
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
