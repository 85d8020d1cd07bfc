//! Whether the time that a comparison takes tells where two texts differ, by the method of dudect: the times of two classes of
//! inputs, in turns that chance decides, and Welch's t between them. A comparison that does tell is among them, and has to be found.
//!
//! It is a program of its own and no test: what it finds depends on the machine and on what else that does. The crate
//! `dudect-bencher` is not used, as it brings clap 2, which nobody maintains.

mod case;
mod measure;

use std::process::ExitCode;

use lexopt::prelude::{Long, Short, ValueExt};

/// What ends the run early; printed as one line.
type Failure = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "\
Usage: cargo run --release -p test-timing -- [OPTIONS]

Prints a t for each comparison. Below 5 nothing is found; above 10 the time surely tells where two texts differ.
The exit code is 1 if that is so of one, or if the control is not found.

  --runs N   how often each comparison is timed; 1,000,000 by default";

/// From here on it is no chance.
const FOUND: f64 = 10.0;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(2)
        }
    }
}

/// Whether all is as it should be.
fn run() -> Result<bool, Failure> {
    let mut runs = 1_000_000;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => {
                println!("{USAGE}");
                return Ok(true);
            }
            Long("runs") => runs = arguments.value()?.parse()?,
            other => return Err(other.unexpected().into()),
        }
    }
    if cfg!(debug_assertions) {
        eprintln!("what is measured here is a debug build, and says nothing: take --release");
    }
    let mut is_right = true;
    for mut case in case::all()? {
        let [one, other] = &case.inputs;
        let t = measure::worst_t(runs, [one, other], &mut case.run);
        println!("{:<50} t = {t:.2}", case.name);
        is_right &= (t > FOUND) == case.leaks;
    }
    Ok(is_right)
}
