//! `cargo xtask peers`: the vendors' own libraries sign for our verifiers, and verify what our senders sign.

mod case;
mod driver;
mod exchange;
mod install;
mod library;
mod report;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use lexopt::prelude::{Long, Short};

use crate::Failure;
use crate::test::Machine;
use driver::Driver;
use exchange::Outcome;
use library::{LIBRARIES, Language};

const USAGE: &str = "\
Usage: cargo xtask peers [OPTIONS]

Installs the vendors' own libraries below target/peers, at the versions that xtask/src/peers pins, and exchanges requests
with them in both directions: what they sign our verifiers have to accept, what our senders sign they have to accept, and
what is forged, changed or stale both have to refuse. It needs Node with npm, Python with pip, and their
registries; what is missing is skipped, and with CI=true a failure.
The last line is `N passed, N failed`, in requests; the exit code is 1 if any failed, or if docs/peers.md tells otherwise.

  --write         write docs/peers.md";

const REPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/peers.md");

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let mut is_written = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => {
                println!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            Long("write") => is_written = true,
            other => return Err(other.unexpected().into()),
        }
    }
    let is_ci = env::var_os("CI").is_some_and(|value| value == "true");
    exchange_all(if is_ci { Machine::Everything } else { Machine::OnlyRust }, is_written)
}

/// With every library, on a machine of this kind.
pub(crate) fn exchange_all(machine: Machine, is_written: bool) -> Result<ExitCode, Failure> {
    let mut outcomes = Vec::new();
    let mut is_whole = true;
    for language in [Language::Node, Language::Python] {
        match install::driver(language).and_then(|mut command| Driver::start(&mut command)) {
            Ok(mut driver) => outcomes.extend(with(language, &mut driver)?),
            Err(failure) if machine == Machine::OnlyRust => {
                println!("SKIPPED: {}'s libraries: {failure}", language.name());
                is_whole = false;
            }
            Err(failure) => return Err(format!("{}'s libraries: {failure}", language.name()).into()),
        }
    }
    print!("{}", report::summary(&outcomes));
    let failed: usize = outcomes.iter().map(|outcome| outcome.faults.len()).sum();
    if failed > 0 {
        return Ok(ExitCode::FAILURE);
    }
    if !is_whole {
        return Ok(ExitCode::SUCCESS); // the report would lack what was skipped
    }
    let report = report::document(&outcomes);
    if is_written {
        fs::write(REPORT, report)?;
    } else if fs::read_to_string(Path::new(REPORT)).unwrap_or_default() != report {
        println!("docs/peers.md tells otherwise: cargo xtask peers --write");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn with(language: Language, driver: &mut Driver) -> Result<Vec<Outcome>, Failure> {
    let mut outcomes = Vec::new();
    for library in LIBRARIES.iter().filter(|library| library.language == language) {
        outcomes.extend(exchange::with(library, driver)?);
    }
    Ok(outcomes)
}
