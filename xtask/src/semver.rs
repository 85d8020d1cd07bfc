//! `cargo xtask semver`: the API of the published crates, compared with the last version that is tagged.

use std::process::ExitCode;

use crate::Failure;
use crate::cargo::cargo;
use crate::git::git;
use crate::step::{run as step, tool};

/// The version that is installed where there is none.
const SEMVER_CHECKS: &str = "0.51.0";

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    compare()?;
    Ok(ExitCode::SUCCESS)
}

/// Fails where the API has changed by more than the version says.
pub(crate) fn compare() -> Result<(), Failure> {
    let tags = git(&["tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname"])?;
    let Some(last) = tags.lines().next() else {
        println!("== no version is tagged, so there is no API to compare with");
        return Ok(());
    };
    tool("semver-checks", SEMVER_CHECKS)?;
    let mut check = cargo();
    check.args(["semver-checks", "--workspace", "--all-features", "--baseline-rev", last]);
    step(&mut check, &format!("cargo semver-checks against {last}"))
}
