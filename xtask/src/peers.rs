//! `cargo xtask peers`: the vendors' own libraries sign for our verifiers, and verify what our senders sign.

mod case;
mod driver;
mod exchange;
mod install;
mod library;
mod receivers;
mod report;
mod token;

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

  --conformance   instead, send the fixtures to the receivers of examples/peers, which are made with these libraries, and print
                  what they decide otherwise; the exit code is 1 if docs/peers.md tells otherwise
  --write         write docs/peers.md, or the part of it that --conformance is about";

const REPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/peers.md");

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let mut is_written = false;
    let mut is_conformance = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => {
                println!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            Long("conformance") => is_conformance = true,
            Long("write") => is_written = true,
            other => return Err(other.unexpected().into()),
        }
    }
    if is_conformance {
        let receivers = receivers::document()?;
        print!("{receivers}");
        return Page::of(fs::read_to_string(REPORT)?).with_receivers(receivers).keep(is_written);
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
    Page::of(fs::read_to_string(REPORT)?).with_exchanges(report::document(&outcomes)).keep(is_written)
}

fn with(language: Language, driver: &mut Driver) -> Result<Vec<Outcome>, Failure> {
    let mut outcomes = Vec::new();
    for library in LIBRARIES.iter().filter(|library| library.language == language) {
        outcomes.extend(exchange::with(library, driver)?);
    }
    Ok(outcomes)
}

/// `docs/peers.md`, whose two parts are made by two runs.
struct Page {
    /// As it is in the file.
    before: String,
    exchanges: String,
    receivers: String,
}

impl Page {
    fn of(before: String) -> Self {
        let (exchanges, receivers) = before.split_once(receivers::TITLE).unwrap_or((&before, ""));
        let (exchanges, receivers) = (exchanges.to_owned(), receivers.to_owned());
        Self { before, exchanges, receivers }
    }

    fn text(&self) -> String {
        format!("{}{}{}", self.exchanges, receivers::TITLE, self.receivers)
    }

    fn with_exchanges(mut self, text: String) -> Self {
        self.exchanges = text + "\n";
        self
    }

    fn with_receivers(mut self, text: String) -> Self {
        self.receivers = text;
        self
    }

    /// Writes it, or fails if it is another than before.
    fn keep(self, is_written: bool) -> Result<ExitCode, Failure> {
        if is_written {
            fs::write(REPORT, self.text())?;
        } else if self.text() != self.before {
            println!("docs/peers.md tells otherwise: run it with --write, and look at what has changed");
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_page_is_written_without_the_other() {
        let page = Page::of(String::new()).with_exchanges("# Peers\n".into()).with_receivers("none\n".into());
        let text = page.text();
        assert_eq!(text, "# Peers\n\n## Receivers made with them\nnone\n");
        assert_eq!(Page::of(text.clone()).text(), text);
        let other = Page::of(text).with_exchanges("# Others\n".into()).with_receivers("one\n".into());
        assert_eq!(other.text(), "# Others\n\n## Receivers made with them\none\n");
    }
}
