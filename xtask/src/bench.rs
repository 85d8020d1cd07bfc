//! `cargo xtask bench`: builds the benchmarks as they have to be built, and runs them.

use std::process::{Command, ExitCode};

use crate::{Failure, instructions};

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let words: Vec<_> = arguments.raw_args()?.collect();
    match words.iter().map(|word| word.to_str().unwrap_or_default()).collect::<Vec<_>>()[..] {
        ["instructions"] => return instructions::run(false),
        ["instructions", "--accept"] => return instructions::run(true),
        _ => {}
    }
    let status = Command::new(env!("CARGO"))
        .args(["run", "--release", "--locked", "--quiet", "--package", "benchmarks", "--"])
        .args(words)
        .status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
