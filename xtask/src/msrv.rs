//! `cargo xtask msrv`: the published crates, with the oldest Rust that they promise to compile with.

use std::process::{Command, ExitCode};

use crate::Failure;
use crate::cargo::metadata;
use crate::member::Member;
use crate::step::run as step;

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    check()?;
    Ok(ExitCode::SUCCESS)
}

/// By rustup, which says how to install that Rust where there is none.
pub(crate) fn check() -> Result<(), Failure> {
    let metadata = metadata()?;
    let rust = metadata["packages"][0]["rust_version"].as_str().ok_or("the workspace promises no Rust")?;
    let mut check = Command::new("rustup");
    check.args(["run", rust, "cargo", "check", "--all-features", "--locked", "--quiet"]);
    check.args(Member::published(&metadata)?.iter().flat_map(|member| ["--package", &member.name]));
    // Where a task is run by cargo, these lead to the Rust that runs it.
    check.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTDOC").env_remove("RUSTUP_TOOLCHAIN");
    step(check.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), &format!("cargo +{rust} check"))
}
