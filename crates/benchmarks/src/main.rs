//! The benchmarks: `cargo xtask bench` builds and runs this program.
//!
//! Machines are noisy, so nothing here is an absolute promise: what is compared is measured in the same run, in turns,
//! and the result is a ratio.

mod http;
mod inbox;
mod instructions;
mod machine;
mod measure;
mod report;
mod verify;

use std::process::ExitCode;

use lexopt::prelude::{Long, Short, Value, ValueExt};

use inbox::durable;
use report::Report;

const USAGE: &str = "\
Usage: cargo xtask bench [PART]... [OPTIONS]

Measures and prints ratios of one run: ours against the limit, against other libraries, against code written by hand.
Writes target/bench/report.json and target/bench/report.md. The exit code tells only whether it could measure: a timing
decides nothing.

  --quick    few and short rounds: to see that it works, not to quote
  --accept   with the part `instructions`: commits to the counts as they are now";

/// What stops a measurement; printed as one line.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A part's name, what it measures, and the function that does.
type Part = (&'static str, &'static str, fn(Effort) -> Result<Report, Failure>);

const PARTS: &[Part] = &[
    ("verify", "one callback's verification and decoding", verify::measure),
    ("http", "each route over sockets, and under a flood of forged requests", http::measure),
    ("inbox", "durable acknowledgements and claims", inbox::measure),
    (
        "instructions",
        "the committed counts; `cargo xtask bench instructions` counts again",
        instructions::measure,
    ),
];

/// How long to measure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effort {
    /// Enough for numbers that can be quoted.
    Full,
    /// Enough to see that everything runs.
    Quick,
}

fn main() -> ExitCode {
    match run(lexopt::Parser::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run(mut arguments: lexopt::Parser) -> Result<(), Failure> {
    let mut effort = Effort::Full;
    let mut chosen = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => {
                println!("{USAGE}\n");
                for (name, what, _) in PARTS {
                    println!("  {name:<9} {what}");
                }
                return Ok(());
            }
            Long("quick") => effort = Effort::Quick,
            Value(name) if name == durable::NAME => return durable::run(arguments),
            Value(name) => {
                let name = name.string()?;
                let part = PARTS.iter().find(|(own, ..)| *own == name);
                chosen.push(part.ok_or_else(|| format!("there is no part {name}; see --help"))?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if chosen.is_empty() {
        chosen.extend(PARTS);
    }
    for (name, _, measure) in chosen {
        let report = measure(effort)?;
        println!("{}", report.markdown());
        report.save(name)?;
    }
    report::publish(PARTS.iter().map(|(name, ..)| *name))
}
