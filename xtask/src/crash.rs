//! `cargo xtask crash`: kills the example apps under load, again and again, and counts what they made of it.

pub(crate) mod clock;
pub(crate) mod failover;
mod frozen;
mod full;
pub(crate) mod incident;
mod lost;
mod report;
pub(crate) mod round;
pub(crate) mod sender;
mod stage;
pub(crate) mod store;
pub(crate) mod verdict;

use std::path::Path;
use std::process::ExitCode;

use lexopt::prelude::{Long, Short, ValueExt};

use crate::{Failure, examples};
use round::{Engine, Round};

const USAGE: &str = "\
Usage: cargo xtask crash [OPTIONS]

Sends signed callbacks of many tenants to an example app with a durable inbox, kills it by SIGKILL at random moments and
starts it again. In the end what was handled has to be what was acknowledged: nothing lost, doubled, or out of its
tenant's order; and the gate has to be as each tenant's last event says. Two processes share a database, and any of them is
killed; on SQLite it is only one in half of the rounds. Besides, in most rounds something else happens:

  clocks        the senders' clocks are broken, and the apps' jump by hours and days (needs Debian's faketime)
  failover      PostgreSQL's primary crashes or hangs, and its standby is promoted
  frozen app    an app is stopped for longer than its leases last, and goes on
  full server   PostgreSQL has no connection left, while apps run and when one starts
  lost file     SQLite's file is moved, deleted, replaced or truncated

The last line is `N passed, N failed`, in rounds; the exit code is 1 if any failed.

  --rounds N      rounds on each engine; 30 by default. The apps take turns.
  --engine NAME   only sqlite or only postgres. PostgreSQL is a private server; where a round needs
                  nothing special of it, the one of LIFECYCLE_TEST_POSTGRES.
  --seed S        what is sent and when is killed follow from this number. Each round prints its own: `--rounds 1` with
                  it repeats that round, but for the chance in how processes run";

struct Options {
    engines: Vec<Engine>,
    rounds: u64,
    seed: u64,
}

pub(crate) fn run(arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let Some(options) = Options::parse(arguments)? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent folder")?;
    let programs = examples::build(root)?;

    let (mut passed, mut failed) = (0, 0);
    for engine in &options.engines {
        for number in 0..options.rounds {
            let seed = options.seed.wrapping_add(number);
            let report = Round { engine: *engine, programs: &programs, seed }.run()?;
            println!(
                "{:<8} round {} of {}, seed {seed}, {report}",
                engine.name(),
                number + 1,
                options.rounds
            );
            if report.faults.is_empty() {
                passed += 1;
            } else {
                failed += 1;
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Options {
    /// `None` for `--help`.
    fn parse(mut arguments: lexopt::Parser) -> Result<Option<Self>, Failure> {
        let mut options = Self { engines: Engine::ALL.into(), rounds: 30, seed: fastrand::u64(..1 << 32) };
        while let Some(argument) = arguments.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(None),
                Long("engine") => {
                    options.engines = vec![Engine::parse(&arguments.value()?.string()?)?];
                }
                Long("rounds") => options.rounds = arguments.value()?.parse()?,
                Long("seed") => options.seed = arguments.value()?.parse()?,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}
