//! Fleet: the apps' processes on one database. One of each app stays, and is watched; one more is restarted all the time.

use std::fmt;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use lifecycle_conformance::Program;
use serde_json::Value;

use crate::Failure;
use crate::app::App;
use crate::client::Client;
use crate::crash::failover::Pair;
use crate::crash::sender::Roots;
use crate::crash::store::Store;
use crate::marketplace::Settings;
use crate::usage::Usage;
use crate::wait;

/// How long anything may take that has to come: an empty inbox when the load has ended, an app that is well again.
const PATIENCE: Duration = Duration::from_secs(90);

/// Between two restarts, in seconds.
const LIFE: std::ops::Range<u64> = 2..9;

/// How long a server hangs.
const HANG: Duration = Duration::from_secs(2);

/// What befalls the database while all apps run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Incident {
    /// The server crashes and starts again.
    Crash,
    /// The server is lost, and its standby promoted.
    Failover,
    /// The server answers nothing for a while.
    Hang,
    None,
}

/// How often what was done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    kills: usize,
    stops: usize,
    /// Starts that gave up, as the others did not let go of the file.
    locked: usize,
    crashes: usize,
    failovers: usize,
    hangs: usize,
}

/// The processes.
pub(crate) struct Fleet<'a> {
    programs: &'a [Program],
    settings: &'a Settings,
    folder: &'a Path,
    roots: &'a Roots,
    rng: Rng,
    client: Client,
    /// In the order of the programs.
    steady: Vec<App>,
    restless: Option<App>,
    /// Where that one listens.
    root: String,
    /// After the processes, which it has to outlive.
    store: Store,
    pub(crate) done: Done,
}

impl Incident {
    /// In this minute of so many. There is one failover: the apps know of two servers.
    pub(crate) fn of(minute: u64, minutes: u64, store: &Store) -> Self {
        match store {
            Store::Pair(_) if minute == minutes / 2 => Self::Failover,
            Store::Pair(_) => [Self::Crash, Self::Hang, Self::None][usize::try_from(minute % 3).unwrap_or(2)],
            _ => Self::None,
        }
    }
}

impl<'a> Fleet<'a> {
    pub(crate) fn start(
        programs: &'a [Program],
        settings: &'a Settings,
        store: Store,
        folder: &'a Path,
        roots: &'a Roots,
        rng: Rng,
    ) -> Result<Self, Failure> {
        let mut fleet = Self {
            programs,
            settings,
            folder,
            roots,
            rng,
            client: Client::new(),
            steady: Vec::new(),
            restless: None,
            root: String::new(),
            store,
            done: Done::default(),
        };
        for (place, program) in programs.iter().enumerate() {
            let app = fleet.launch(program, &program.name)?;
            roots.set(place, Some(app.address()?));
            fleet.steady.push(app);
        }
        fleet.start_restless()?;
        Ok(fleet)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    fn launch(&self, program: &Program, log: &str) -> Result<App, Failure> {
        let mut settings = self.settings.clone();
        settings.push(("DATABASE_URL".into(), self.store.url()));
        settings.push(("WORKER_LEASE_SECONDS".into(), "2".into()));
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(variable, value)| (&**variable, &**value)).collect();
        App::start(program, &settings, &self.folder.join(format!("{log}.log")))
    }

    fn start_restless(&mut self) -> Result<(), Failure> {
        let program = &self.programs[self.rng.usize(..self.programs.len())];
        let deadline = Instant::now() + PATIENCE;
        let (app, root) = loop {
            let app = self.launch(program, "restarted")?;
            match app.address() {
                Ok(root) => break (app, root),
                // It has waited in vain for the others, and said so: any supervisor starts it again.
                Err(_) if self.found_a_lock()? && Instant::now() < deadline => self.done.locked += 1,
                Err(failure) => return Err(failure),
            }
        };
        self.root = root;
        self.restless = Some(app);
        self.roots.set(self.programs.len(), Some(self.root.clone()));
        Ok(())
    }

    /// Whether that is the last thing that the restless app has said.
    fn found_a_lock(&self) -> Result<bool, Failure> {
        let log = fs::read_to_string(self.folder.join("restarted.log"))?;
        Ok(log.lines().last().is_some_and(|line| line.ends_with("is locked by another process")))
    }

    /// Restarts the restless one until then; in the middle an incident comes.
    pub(crate) fn play(&mut self, incident: Incident, time: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        self.restart_until(begun + time / 2)?;
        self.befall(incident)?;
        self.restart_until(begun + time)
    }

    fn restart_until(&mut self, end: Instant) -> Result<(), Failure> {
        loop {
            let life = Duration::from_secs(self.rng.u64(LIFE));
            let left = end.saturating_duration_since(Instant::now());
            thread::sleep(life.min(left));
            if life >= left {
                return Ok(());
            }
            let app = self.restless.take().ok_or("no app is there to be restarted")?;
            if self.rng.bool() {
                app.kill()?;
                self.done.kills += 1;
            } else {
                app.stop()?;
                self.done.stops += 1;
            }
            self.roots.set(self.programs.len(), None); // only now: the senders do not see it coming
            self.start_restless()?;
        }
    }

    fn befall(&mut self, incident: Incident) -> Result<(), Failure> {
        let is_promoted = self.done.failovers > 0;
        let Store::Pair(pair) = &mut self.store else { return Ok(()) };
        let Pair { primary, standby } = &mut **pair;
        let server = if is_promoted { &mut *standby } else { &mut *primary };
        match incident {
            Incident::None => return Ok(()),
            Incident::Crash => {
                server.stop();
                server.start_again();
                self.done.crashes += 1;
            }
            Incident::Hang => {
                server.freeze();
                thread::sleep(HANG);
                server.thaw();
                self.done.hangs += 1;
            }
            Incident::Failover => {
                primary.stop();
                standby.promote();
                self.done.failovers += 1;
            }
        }
        // Before the next restart: an app does not start where it finds no server that takes writes.
        wait::until(PATIENCE, "GET /healthz is answered 200 by all", || {
            let is_well = |root: &String| self.client.status(root, "/healthz", &[]).ok() == Some(200);
            Ok(self.roots.all().iter().all(is_well))
        })
    }

    /// Waits until all that was accepted is handled, and gives the latest of what was. Only the restless app is asked: it would
    /// cost the others memory.
    pub(crate) fn drained(&mut self) -> Result<Value, Failure> {
        wait::until_drained(PATIENCE, &self.client, &self.root)
    }

    /// Of those that stay, in the order of the programs.
    pub(crate) fn usages(&self) -> Result<Vec<Usage>, Failure> {
        self.steady.iter().map(|app| Usage::of(app.id())).collect()
    }

    /// Stops all of them, which have to end well.
    pub(crate) fn stop(&mut self) -> Result<(), Failure> {
        self.restless.take().into_iter().chain(self.steady.drain(..)).try_for_each(App::stop)
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, stops, locked, crashes, failovers, hangs } = self;
        write!(f, "{kills} SIGKILL, {stops} SIGTERM")?;
        if *locked > 0 {
            write!(f, ", {locked} starts that found the file locked")?;
        }
        if crashes + failovers + hangs > 0 {
            write!(f, "; of the server {crashes} crashes, {hangs} hangs, {failovers} failovers")?;
        }
        Ok(())
    }
}
