//! `cargo xtask soak`: all platforms at once, for a long time, with restarts.

mod fleet;
mod handled;
mod load;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use lexopt::prelude::{Long, Short, ValueExt};
use lifecycle_conformance::Program;

use crate::crash::incident;
use crate::crash::round::Engine;
use crate::crash::sender::{Roots, Sent, Tenant};
use crate::crash::store::Store;
use crate::crash::verdict;
use crate::marketplace::Marketplace;
use crate::usage::{Bound, Growth, Usage};
use crate::{Failure, examples};
use fleet::{Fleet, Incident};
use handled::Handled;
use load::{Counts, Load};

const USAGE: &str = "\
Usage: cargo xtask soak [OPTIONS]

Sends callbacks of all platforms to the example apps, all of which share a database: genuine ones, the same again, handshakes,
and what strangers forge or a line breaks. One process of each app stays; one more is ended by SIGKILL or SIGTERM every few seconds
and started again. PostgreSQL crashes, hangs, and once fails over to its standby. Each minute the load pauses, and in the end
what was handled has to be what was acknowledged: nothing lost, doubled, or out of its tenant's order. The memory and the
descriptors of the processes that stay have to stay, too. The exit code is 1 if not.

  --minutes N     how long on each engine; 60 by default
  --engine NAME   only sqlite or only postgres
  --seed S        what is sent and when is restarted follow from this number, but for the chance in how processes run";

/// How many senders there are. One request at a time each, and a pause between them.
const SENDERS: u32 = 4;

/// How long the load runs before it pauses.
const WATCH: Duration = Duration::from_secs(60);

/// What a process that stays may have more of in the end, memory in KiB.
const BOUND: Bound = Bound { memory: 16 * 1024, descriptors: 8 };

/// The most faults that are printed.
const SHOWN: usize = 20;

struct Options {
    engines: Vec<Engine>,
    minutes: u64,
    seed: u64,
}

pub(crate) fn run(arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let Some(options) = Options::parse(arguments)? else {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent folder")?;
    let programs = examples::build(root)?;
    let mut faults = 0;
    for engine in &options.engines {
        println!("{}, {} minutes, seed {}", engine.name(), options.minutes, options.seed);
        faults += soak(*engine, &programs, &options)?;
    }
    Ok(if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How many faults came of it.
fn soak(engine: Engine, programs: &[Program], options: &Options) -> Result<usize, Failure> {
    let folder = tempfile::Builder::new().prefix("lifecycle-soak-").tempdir()?;
    let mut rng = Rng::with_seed(options.seed);
    let (marketplaces, settings) = Marketplace::all(folder.path())?;
    let store = Store::new(engine, incident::Incident::Failover, folder.path(), &mut rng)?;
    let roots = Roots::default();
    let mut loads: Vec<Load<'_>> =
        (0..SENDERS).map(|number| Load::new(&marketplaces, &roots, number, rng.fork())).collect();
    let mut fleet = Fleet::start(programs, &settings, store, folder.path(), &roots, rng.fork())?;

    let (mut handled, mut usages) = (Handled::default(), vec![Vec::new(); programs.len()]);
    let mut failure = None;
    for minute in 0..options.minutes {
        let incident = Incident::of(minute, options.minutes, fleet.store());
        if let Err(why) = watch(&mut fleet, &mut loads, incident, &mut handled, &mut usages) {
            failure = Some(format!("minute {}: {why}", minute + 1));
            break;
        }
        let acknowledged: usize = loads.iter().map(|load| load.counts.acknowledged).sum();
        let memory: Vec<u64> =
            usages.iter().filter_map(|usages| Some(usages.last()?.memory / 1024)).collect();
        println!(
            "minute {}: {acknowledged} acknowledged, {} handled, MiB {memory:?}",
            minute + 1,
            handled.keys.len()
        );
    }
    if failure.is_none() {
        failure = fleet.stop().err().map(|why| why.to_string());
    }

    let mut faults: Vec<String> = failure.into_iter().chain(judge(&loads, &handled)).collect();
    println!("{}", summary(&loads));
    println!("restarts: {}", fleet.done);
    for (program, usages) in programs.iter().zip(&usages) {
        let Some(growth) = Growth::over(usages) else { continue };
        println!("{}: {growth}", program.name);
        if !growth.is_within(BOUND) {
            faults.push(format!("{} grows", program.name));
        }
    }
    drop(fleet);
    for fault in faults.iter().take(SHOWN) {
        println!("    {fault}");
    }
    if faults.is_empty() {
        println!("handled = acknowledged, once and in order");
    } else {
        println!("{} faults; logs are in {}", faults.len(), folder.keep().display());
    }
    Ok(faults.len())
}

/// A time of load, and what came of it.
fn watch(
    fleet: &mut Fleet<'_>,
    loads: &mut [Load<'_>],
    incident: Incident,
    handled: &mut Handled,
    usages: &mut [Vec<Usage>],
) -> Result<(), Failure> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for load in loads {
            scope.spawn(|| load.send_until(&stop));
        }
        let played = fleet.play(incident, WATCH);
        stop.store(true, Ordering::Relaxed);
        played
    })?;
    handled.read(&fleet.drained()?)?;
    for (usages, usage) in usages.iter_mut().zip(fleet.usages()?) {
        usages.push(usage);
    }
    Ok(())
}

/// All that is wrong, in words.
fn judge(loads: &[Load<'_>], handled: &Handled) -> Vec<String> {
    let mut faults: Vec<String> = loads.iter().flat_map(|load| load.counts.faults.clone()).collect();
    faults.extend(handled.faults.iter().cloned());
    let is_silent = |tenant: &&Tenant| !tenant.sent.iter().any(|sent| matches!(sent, Sent::Acknowledged(_)));
    let silent = loads.iter().flat_map(Load::tenants).filter(is_silent);
    faults.extend(silent.map(|tenant| format!("{}: nothing was acknowledged", tenant.name)));
    let mut numbers = Vec::new();
    for key in &handled.keys {
        match loads.iter().find_map(|load| load.find(key)) {
            Some(found) => numbers.push(found),
            None => faults.push(format!("handled and never sent: {key}")),
        }
    }
    faults.extend(verdict::faults(loads.iter().flat_map(Load::tenants), &numbers));
    faults
}

fn summary(loads: &[Load<'_>]) -> String {
    let sum = |of: fn(&Counts) -> usize| loads.iter().map(|load| of(&load.counts)).sum::<usize>();
    let mut took: Vec<Duration> = loads.iter().flat_map(|load| load.counts.took.iter().copied()).collect();
    took.sort_unstable();
    let after = |percent: usize| {
        let place = (took.len() * percent / 100).min(took.len().saturating_sub(1));
        took.get(place).map_or(0, Duration::as_millis)
    };
    format!(
        "{} acknowledged, {} given up, {} sent again, {} forged, {} broken, {} handshakes\n\
         acknowledged after ms: half {}, 99 % {}, all {}; {} later than the platform waits",
        sum(|counts| counts.acknowledged),
        sum(|counts| counts.in_doubt),
        sum(|counts| counts.duplicates),
        sum(|counts| counts.forged),
        sum(|counts| counts.broken),
        sum(|counts| counts.handshakes),
        after(50),
        after(99),
        after(100),
        sum(|counts| counts.late),
    )
}

impl Options {
    /// `None` for `--help`.
    fn parse(mut arguments: lexopt::Parser) -> Result<Option<Self>, Failure> {
        let mut options = Self { engines: Engine::ALL.into(), minutes: 60, seed: fastrand::u64(..1 << 32) };
        while let Some(argument) = arguments.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(None),
                Long("engine") => options.engines = vec![Engine::parse(&arguments.value()?.string()?)?],
                Long("minutes") => options.minutes = arguments.value()?.parse()?,
                Long("seed") => options.seed = arguments.value()?.parse()?,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}
