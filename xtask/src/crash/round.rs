//! Round: load, kills and a look at what was handled, on one database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Instant, SystemTime};

use fastrand::Rng;
use lifecycle_conformance::Program;
use serde_json::Value;

use super::clock::Clock;
use super::incident::Incident;
use super::report::Report;
use super::sender::{Books, Roots, Sender, Sent, Tenant};
use super::stage::Stage;
use super::store::Store;
use super::verdict;
use crate::Failure;

const SENDERS: usize = 8;

const TENANTS_OF_EACH: usize = 3;

/// A database that an inbox can be in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Engine {
    Postgres,
    Sqlite,
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }

    /// The engine of this name.
    pub(crate) fn parse(name: &str) -> Result<Self, Failure> {
        let engine = Self::ALL.into_iter().find(|engine| engine.name() == name);
        Ok(engine.ok_or("--engine is sqlite or postgres")?)
    }

    /// How many processes share a database.
    fn processes(self, rng: &mut Rng) -> usize {
        match self {
            Self::Postgres => 2,
            Self::Sqlite => rng.usize(1..=2),
        }
    }
}

/// What one round is made of.
pub(crate) struct Round<'a> {
    pub(crate) engine: Engine,
    pub(crate) programs: &'a [Program],
    pub(crate) seed: u64,
}

/// What was sent in a round, and what the app says that it handled of it.
struct Outcome {
    tenants: Vec<Tenant>,
    handled: Vec<(String, usize)>,
    duplicates: usize,
    faults: Vec<String>,
}

impl Round<'_> {
    pub(crate) fn run(&self) -> Result<Report, Failure> {
        let started = Instant::now();
        let folder = tempfile::Builder::new().prefix("lifecycle-crash-").tempdir()?;
        let mut rng = Rng::with_seed(self.seed);
        let roots = Roots::default();
        let programs = self.turn(self.engine.processes(&mut rng));
        let incident = Incident::of(self.engine, self.seed, self.programs.len());
        let store = Store::new(self.engine, incident, folder.path(), &mut rng)?;
        let mut stage = Stage::new(&programs, &roots, store, folder.path(), rng.fork())?;
        let outcome = play(&mut stage, incident, &roots, &mut rng)?;
        let kills = stage.kills();
        drop(stage); // before its files go

        let Outcome { tenants, handled, duplicates, faults } = outcome;
        let kept = (!faults.is_empty()).then(|| folder.keep());
        let in_doubt = |tenant: &Tenant| tenant.sent.iter().filter(|sent| **sent == Sent::InDoubt).count();
        let all: usize = tenants.iter().map(|tenant| tenant.sent.len()).sum();
        let in_doubt: usize = tenants.iter().map(in_doubt).sum();
        let is_in_doubt = |(name, number): &&(String, usize)| {
            let tenant = tenants.iter().find(|tenant| tenant.name == *name);
            tenant.and_then(|tenant| tenant.sent.get(*number)) == Some(&Sent::InDoubt)
        };
        Ok(Report {
            apps: programs.iter().map(|program| &*program.name).collect::<Vec<_>>().join(" and "),
            incident,
            kills,
            acknowledged: all - in_doubt,
            in_doubt,
            in_doubt_handled: handled.iter().filter(is_in_doubt).count(),
            duplicates,
            took: started.elapsed(),
            faults,
            kept,
        })
    }

    /// The apps whose turn it is.
    fn turn(&self, processes: usize) -> Vec<&Program> {
        let skipped = self.seed % self.programs.len() as u64;
        let from_there = self.programs.iter().cycle().skip(usize::try_from(skipped).unwrap_or_default());
        from_there.take(processes).collect()
    }
}

/// Sends while the stage plays, and holds against each other what both say.
fn play(stage: &mut Stage<'_>, incident: Incident, roots: &Roots, rng: &mut Rng) -> Result<Outcome, Failure> {
    // PostgreSQL's database has seen other rounds, maybe with this seed.
    let prefix = format!("{:x}-", SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_micros());
    let senders: Vec<Sender<'_>> = (0..SENDERS)
        .map(|sender| {
            let tenants = (0..TENANTS_OF_EACH).map(|tenant| {
                let clock = if incident == Incident::Clocks { Clock::any(rng) } else { Clock::None };
                Tenant { name: format!("{prefix}{sender}-{tenant}"), clock, sent: Vec::new() }
            });
            let tenants = tenants.collect();
            Sender::new(roots, rng.fork(), tenants, incident == Incident::Frozen)
        })
        .collect::<Result<_, _>>()?;
    let stop = AtomicBool::new(false);
    let (played, books) = thread::scope(|scope| {
        let stop = &stop;
        let senders: Vec<_> =
            senders.into_iter().map(|sender| scope.spawn(move || sender.send_until(stop))).collect();
        let played = stage.play(incident);
        if played.is_err() {
            roots.clear(); // nothing more can come of it
        }
        stop.store(true, Ordering::Relaxed);
        let books = senders.into_iter().map(|sender| sender.join().expect("a sender does not panic"));
        (played, books.collect::<Vec<Books>>())
    });

    let mut faults: Vec<String> = books.iter().flat_map(|books| books.faults.clone()).collect();
    let duplicates = books.iter().map(|books| books.duplicates).sum();
    let mut tenants: Vec<Tenant> = books.into_iter().flat_map(|books| books.tenants).collect();
    if let Some(loss) = stage.loss() {
        faults.extend(loss.settle(&mut tenants));
    }
    let mut handled = Vec::new();
    let checked = played.and_then(|()| stage.drained()).and_then(|deliveries| {
        handled = read(&deliveries, &prefix)?;
        faults.extend(verdict::faults(&tenants, &handled));
        verdict::gates(&tenants, &handled).try_for_each(|(tenant, open)| stage.gate(tenant, open))
    });
    faults.extend(checked.err().map(|failure| failure.to_string()));
    Ok(Outcome { tenants, handled, duplicates, faults })
}

/// The deliveries of this round's tenants.
fn read(deliveries: &Value, prefix: &str) -> Result<Vec<(String, usize)>, Failure> {
    let list = deliveries.as_array().ok_or("GET /deliveries: no list")?;
    let of_round = list.iter().filter_map(|delivery| {
        let tenant = delivery["tenant"].as_str().filter(|tenant| tenant.starts_with(prefix))?;
        Some((tenant, delivery["request_id"].as_str()?))
    });
    of_round.map(|(tenant, number)| Ok((tenant.to_owned(), number.parse()?))).collect()
}
