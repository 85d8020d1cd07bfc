//! `cargo xtask test`: all that has to hold and needs nothing but Rust.

use std::process::{Command, ExitCode};

use serde_json::Value;

use crate::step::{cargo, run as step};
use crate::{Failure, conformance};

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    all(Machine::OnlyRust)
}

/// What a machine has besides Rust.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Machine {
    /// A PostgreSQL server to start, a browser and its driver, node and python3: a test that lacks one fails.
    Everything,
    /// Nothing for sure: tests that need more are left out, or say that they were skipped.
    OnlyRust,
}

/// The packages whose tests start a PostgreSQL server.
const WITH_POSTGRES: [&str; 3] = ["benchmarks", "lifecycle-inbox-postgres", "test-postgres"];

/// All checks, the conformance suite last.
pub(crate) fn all(machine: Machine) -> Result<ExitCode, Failure> {
    cargo("fmt --all --check")?;
    cargo("clippy --workspace --all-targets --all-features --locked -- -D warnings")?;
    tests(machine)?;
    let mut docs = Command::new(env!("CARGO"));
    docs.args(["doc", "--workspace", "--no-deps", "--all-features", "--locked", "--quiet"]);
    step(docs.env("RUSTDOCFLAGS", "-D warnings"), "cargo doc, warnings denied")?;
    each_alone()?;
    conformance::run(lexopt::Parser::from_args([""; 0]))
}

fn tests(machine: Machine) -> Result<(), Failure> {
    let mut tests = Command::new(env!("CARGO"));
    tests.args(["test", "--workspace", "--all-features", "--locked", "--quiet"]);
    match machine {
        Machine::Everything => {
            tests.env("CI", "true");
        }
        Machine::OnlyRust => {
            tests.env_remove("CI").args(WITH_POSTGRES.iter().flat_map(|package| ["--exclude", package]));
            println!("== left out, as they need PostgreSQL: {}", WITH_POSTGRES.join(", "));
        }
    }
    step(&mut tests, "cargo test --workspace --all-features")
}

/// Each library by itself, with nothing and with each of its features: a crate must not lean on what a sibling turns on.
fn each_alone() -> Result<(), Failure> {
    let metadata =
        Command::new(env!("CARGO")).args(["metadata", "--no-deps", "--format-version=1"]).output()?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let mut combinations = Vec::new();
    for package in packages {
        let Some(name) = package["name"].as_str() else { continue };
        if !name.starts_with("lifecycle-") {
            continue;
        }
        combinations.push(format!("check --locked --quiet -p {name} --no-default-features"));
        let features = package["features"].as_object().into_iter().flat_map(|features| features.keys());
        combinations.extend(
            features.map(|own| format!("check --locked --quiet -p {name} --no-default-features -F {own}")),
        );
    }
    combinations.iter().try_for_each(|words| cargo(words))
}
