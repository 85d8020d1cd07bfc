//! `cargo xtask bench`: builds the benchmarks as they have to be built, and runs them.

use std::process::ExitCode;

use crate::cargo::cargo;
use crate::step::run as step;
use crate::{Failure, instructions};

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let words: Vec<_> = arguments.raw_args()?.collect();
    match words.iter().map(|word| word.to_str().unwrap_or_default()).collect::<Vec<_>>()[..] {
        ["instructions"] => return instructions::run(false),
        ["instructions", "--accept"] => return instructions::run(true),
        _ => {}
    }
    let of_benchmarks = |verb| {
        let mut cargo = cargo();
        cargo.args([verb, "--release", "--locked", "--quiet", "--package", "benchmarks"]);
        cargo
    };
    // All of the package's programs: the one that runs starts the others.
    step(&mut of_benchmarks("build"), "cargo build --release --package benchmarks")?;
    let status = of_benchmarks("run").arg("--").args(words).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
