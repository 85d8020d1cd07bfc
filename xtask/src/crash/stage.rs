//! Stage: the processes of a round, which are started, killed at random moments, and started again.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use lifecycle_conformance::Program;
use serde_json::Value;

use super::client::{Client, SECRET};
use super::sender::Roots;
use crate::Failure;
use crate::app::App;

/// How long the inbox may take to be empty when the load has ended and everything runs.
const DRAIN: Duration = Duration::from_secs(60);

/// The processes of a round, and where the senders find them.
pub(crate) struct Stage<'a> {
    apps: Vec<Option<App>>,
    programs: &'a [&'a Program],
    roots: &'a Roots,
    database: String,
    folder: &'a Path,
    rng: Rng,
    kills: usize,
}

impl<'a> Stage<'a> {
    /// An app for each of these programs, on one database. None is started yet. Logs go into the folder.
    pub(crate) fn new(
        programs: &'a [&'a Program],
        roots: &'a Roots,
        database: String,
        folder: &'a Path,
        rng: Rng,
    ) -> Self {
        let apps = programs.iter().map(|_| None).collect();
        Self { apps, programs, roots, database, folder, rng, kills: 0 }
    }

    /// How often an app was killed.
    pub(crate) fn kills(&self) -> usize {
        self.kills
    }

    /// Everything starts, is killed a few times, and runs in the end.
    pub(crate) fn play(&mut self) -> Result<(), Failure> {
        for app in 0..self.apps.len() {
            self.start(app)?;
        }
        for _ in 0..self.rng.usize(2..=4) {
            self.pause(400);
            let first = self.rng.usize(..self.apps.len());
            let all = self.rng.u8(..4) == 0;
            let killed: Vec<usize> = (0..self.apps.len()).filter(|app| all || *app == first).collect();
            for app in &killed {
                self.kill(*app)?;
            }
            self.pause(100);
            for app in killed {
                self.start(app)?;
            }
        }
        self.pause(200);
        Ok(())
    }

    /// Starts an app, one time in four after a first try that is killed on its way.
    fn start(&mut self, app: usize) -> Result<(), Failure> {
        let log = self.folder.join(format!("{app}.log"));
        if self.rng.u8(..4) == 0 {
            self.apps[app] = Some(self.app(app, &log)?);
            self.pause(150);
            self.kill(app)?;
        }
        let started = self.app(app, &log)?;
        let root = started.address()?;
        self.apps[app] = Some(started);
        self.roots.set(app, Some(root));
        Ok(())
    }

    fn app(&self, app: usize, log: &Path) -> Result<App, Failure> {
        let settings = [
            ("DATABASE_URL", &*self.database),
            ("SEISMIC_SIGNING_SECRET", SECRET),
            ("WORKER_LEASE_SECONDS", "2"), // or each round would wait half a minute for what the dead had begun
        ];
        App::start(self.programs[app], &settings, log)
    }

    fn kill(&mut self, app: usize) -> Result<(), Failure> {
        if let Some(running) = self.apps[app].take() {
            running.kill()?;
            self.kills += 1;
        }
        self.roots.set(app, None); // only now: the senders do not see it coming
        Ok(())
    }

    fn pause(&mut self, most_ms: u64) {
        thread::sleep(Duration::from_micros(self.rng.u64(..most_ms * 1000)));
    }

    /// Waits until all that was accepted is handled, and gives what was.
    pub(crate) fn drained(&mut self) -> Result<Value, Failure> {
        let client = Client::new()?;
        let root = self.roots.any(&mut self.rng).ok_or("no app runs")?;
        let deadline = Instant::now() + DRAIN;
        loop {
            let inbox = client.page(&root, "/inbox")?;
            if inbox["dead"] != 0 {
                return Err(format!("dead letters: {inbox}").into());
            }
            if inbox["pending"] == 0 && inbox["leased"] == 0 {
                return client.page(&root, "/deliveries");
            }
            if Instant::now() > deadline {
                return Err(format!("not all was handled after {} s: {inbox}", DRAIN.as_secs()).into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}
