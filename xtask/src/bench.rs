//! `cargo xtask bench`: builds the benchmarks as they have to be built, and runs them.

use std::process::{Command, ExitCode};

use crate::Failure;

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--release", "--locked", "--quiet", "--package", "benchmarks", "--"])
        .args(arguments.raw_args()?)
        .status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
