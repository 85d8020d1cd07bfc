//! The tasks of this workspace: a table from subcommand to the file of the same name.

mod app;
mod bench;
mod book;
mod cargo;
mod ci;
mod client;
mod conformance;
mod crash;
mod docs;
mod examples;
mod fuzz;
mod git;
mod instructions;
mod links;
mod marketplace;
mod member;
mod msrv;
mod package;
mod pages;
mod peers;
mod proxies;
mod quickstart;
mod release;
mod rusqlite;
mod sbom;
mod semver;
mod siege;
mod soak;
mod step;
mod test;
mod usage;
mod wait;

use std::process::ExitCode;

/// A subcommand's name, what it does, and the function that does it with the arguments after its name.
type Task = (&'static str, &'static str, fn(lexopt::Parser) -> Result<ExitCode, Failure>);

/// What ends a task early; printed as one line.
type Failure = Box<dyn std::error::Error + Send + Sync>;

const TASKS: &[Task] = &[
    ("bench", "measure against the limit, other libraries and code written by hand", bench::run),
    ("book", "the documents as a book in target/book/html, without a dead link; installs mdbook", book::run),
    ("ci", "all that has to hold before a change lands", ci::run),
    ("conformance", "send every fixture to every route of every example app", conformance::run),
    (
        "crash",
        "kill the example apps under load; nothing acknowledged may be lost, doubled or reordered",
        crash::run,
    ),
    ("docs", "the documentation of all crates, without a warning or a dead link", docs::run),
    ("fuzz", "bytes of strangers for all that reads them; needs a nightly compiler", fuzz::run),
    ("msrv", "check the published crates with the oldest Rust that they promise", msrv::run),
    ("package", "pack the published crates, and check what was packed", package::run),
    ("peers", "exchange requests with the vendors' own libraries, in both directions", peers::run),
    (
        "proxies",
        "attack the example apps behind HAProxy, nginx, Apache and Caddy; every genuine callback has to be acknowledged",
        proxies::run,
    ),
    (
        "quickstart",
        "do what the README's quick starts say, in apps of their own, until a first callback is handled",
        quickstart::run,
    ),
    ("release", "check that the crates can be published, and publish them", release::run),
    ("rusqlite", "check both ends of the range of versions that the SQLite engine takes", rusqlite::run),
    ("sbom", "write what each published package brings (CycloneDX) into target/sbom", sbom::run),
    (
        "semver",
        "compare the API with the last version that is tagged; installs cargo-semver-checks",
        semver::run,
    ),
    (
        "siege",
        "hostile HTTP against the example apps, with callbacks among it; none may be late, and nothing may be left",
        siege::run,
    ),
    (
        "soak",
        "all platforms at once for a long time, with restarts; handled is acknowledged, memory stays",
        soak::run,
    ),
    ("test", "all that has to hold and needs nothing but Rust", test::run),
];

/// The exit code for a wrong argument or a task that could not be done, as opposed to one that found a failure.
const CANNOT: u8 = 2;

fn main() -> ExitCode {
    let mut arguments = lexopt::Parser::from_env();
    let Ok(Some(lexopt::Arg::Value(name))) = arguments.next() else { return usage() };
    let Some((name, _, run)) = TASKS.iter().find(|(own, ..)| name == *own) else { return usage() };
    run(arguments).unwrap_or_else(|failure| {
        eprintln!("cargo xtask {name}: {failure}");
        ExitCode::from(CANNOT)
    })
}

fn usage() -> ExitCode {
    eprintln!("Usage: cargo xtask TASK [OPTIONS]\n");
    for (name, what, _) in TASKS {
        eprintln!("  {name:<12} {what}");
    }
    ExitCode::from(CANNOT)
}
