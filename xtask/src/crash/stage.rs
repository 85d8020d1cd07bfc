//! Stage: the processes of a round, which are started, killed at random moments, and started again.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use lifecycle_conformance::Program;
use lifecycle_core::{EventKind, seismic};
use lifecycle_testing::{SigningKeys, sample};
use serde_json::Value;
use test_postgres::Server;

use super::clock::AppClock;
use super::failover::Pair;
use super::incident::Incident;
use super::lost::Loss;
use super::sender::{Roots, SECRET, keys};
use super::store::Store;
use crate::Failure;
use crate::app::App;
use crate::client::Client;
use crate::wait;

/// How long anything may take that has to come: an empty inbox when the load has ended, an answer of one kind.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long what an app has begun is its own. By default each round would wait half a minute for what the dead had begun.
pub(super) const LEASE: Duration = Duration::from_secs(2);

/// The processes of a round, and where the senders find them.
pub(crate) struct Stage<'a> {
    apps: Vec<Option<App>>,
    /// None where they have the machine's; one for all where they share a file, and so a machine.
    clocks: Vec<AppClock>,
    client: Client,
    keys: SigningKeys,
    programs: &'a [&'a Program],
    roots: &'a Roots,
    store: Store,
    folder: &'a Path,
    pub(super) rng: Rng,
    kills: usize,
    probes: usize,
    pub(super) loss: Option<Loss>,
}

impl<'a> Stage<'a> {
    /// An app for each of these programs, on one database. None is started yet. Logs go into the folder.
    pub(crate) fn new(
        programs: &'a [&'a Program],
        roots: &'a Roots,
        store: Store,
        folder: &'a Path,
        rng: Rng,
    ) -> Result<Self, Failure> {
        Ok(Self {
            apps: programs.iter().map(|_| None).collect(),
            clocks: Vec::new(),
            client: Client::new(),
            keys: keys()?,
            programs,
            roots,
            store,
            folder,
            rng,
            kills: 0,
            probes: 0,
            loss: None,
        })
    }

    /// How often an app was killed.
    pub(crate) fn kills(&self) -> usize {
        self.kills
    }

    /// When the file was lost, if it was.
    pub(crate) fn loss(&self) -> Option<Loss> {
        self.loss
    }

    /// Everything starts, is killed a few times, meets its incident, and runs in the end.
    pub(crate) fn play(&mut self, incident: Incident) -> Result<(), Failure> {
        if incident == Incident::Clocks {
            let clocks = if matches!(self.store, Store::File(_)) { 1 } else { self.apps.len() };
            let files = (0..clocks).map(|clock| self.folder.join(format!("{clock}.clock")));
            self.clocks = files.map(AppClock::new).collect::<Result<_, _>>()?;
        }
        self.start_all()?;
        self.kill_some()?;
        incident.befall(self)?;
        self.kill_some()?;
        self.pause(200);
        Ok(())
    }

    fn kill_some(&mut self) -> Result<(), Failure> {
        for _ in 0..self.rng.usize(1..=2) {
            self.pause(400);
            let first = self.any_app();
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
        Ok(())
    }

    pub(super) fn any_app(&mut self) -> usize {
        self.rng.usize(..self.apps.len())
    }

    pub(super) fn start_all(&mut self) -> Result<(), Failure> {
        (0..self.apps.len()).try_for_each(|app| self.start(app))
    }

    /// Starts an app, one time in four after a first try that is killed on its way; unless that might end by itself.
    pub(super) fn start(&mut self, app: usize) -> Result<(), Failure> {
        if self.rng.u8(..4) == 0 && !matches!(self.store, Store::Small(_)) {
            self.apps[app] = Some(self.launch(app)?);
            self.pause(150);
            self.kill(app)?;
        }
        let started = self.launch(app)?;
        self.has_started(app, started)
    }

    /// Begins to start an app.
    pub(super) fn launch(&self, app: usize) -> Result<App, Failure> {
        let database = self.store.url();
        let mut settings: Vec<(&str, OsString)> = vec![
            ("DATABASE_URL", database.into()),
            ("SEISMIC_SIGNING_SECRET", SECRET.into()),
            ("WORKER_LEASE_SECONDS", LEASE.as_secs().to_string().into()),
        ];
        if let Some(clock) = self.clock(app) {
            settings.extend(clock.settings()?.map(|(variable, value)| (variable, value.into())));
        }
        App::start(self.programs[app], &settings, &self.log_file(app))
    }

    /// Where connections are scarce, it may end and say so, and is started again, as by any supervisor.
    pub(super) fn has_started(&mut self, app: usize, mut starting: App) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match starting.address() {
                Ok(root) => {
                    self.apps[app] = Some(starting);
                    self.roots.set(app, Some(root));
                    return Ok(());
                }
                Err(failure) => {
                    let is_full = matches!(self.store, Store::Small(_)) && self.found_no_connection(app)?;
                    if !is_full || Instant::now() > deadline {
                        return Err(failure);
                    }
                    starting = self.launch(app)?;
                }
            }
        }
    }

    /// Whether that is the last thing that an app has said.
    fn found_no_connection(&self, app: usize) -> Result<bool, Failure> {
        let log = fs::read_to_string(self.log_file(app))?;
        Ok(log.lines().last().is_some_and(|line| line.contains("too many clients")))
    }

    pub(super) fn kill(&mut self, app: usize) -> Result<(), Failure> {
        if let Some(running) = self.apps[app].take() {
            running.kill()?;
            self.kills += 1;
        }
        self.roots.set(app, None); // only now: the senders do not see it coming
        Ok(())
    }

    pub(super) fn kill_all(&mut self) -> Result<(), Failure> {
        (0..self.apps.len()).try_for_each(|app| self.kill(app))
    }

    /// Until [`thaw`](Self::thaw) it does nothing; whoever asks it waits.
    pub(super) fn freeze(&self, app: usize) -> Result<(), Failure> {
        self.apps[app].as_ref().map_or(Ok(()), App::freeze)
    }

    pub(super) fn thaw(&self, app: usize) -> Result<(), Failure> {
        self.apps[app].as_ref().map_or(Ok(()), App::thaw)
    }

    pub(super) fn pause(&mut self, most_ms: u64) {
        thread::sleep(Duration::from_micros(self.rng.u64(..most_ms * 1000)));
    }

    fn log_file(&self, app: usize) -> PathBuf {
        self.folder.join(format!("{app}.log"))
    }

    pub(super) fn clock(&self, app: usize) -> Option<&AppClock> {
        self.clocks.get(app).or(self.clocks.first())
    }

    pub(super) fn file(&self) -> Result<PathBuf, Failure> {
        let Store::File(path) = &self.store else { return Err("the inbox is in no file".into()) };
        Ok(path.clone())
    }

    pub(super) fn pair(&mut self) -> Result<&mut Pair, Failure> {
        let Store::Pair(pair) = &mut self.store else { return Err("the server has no standby".into()) };
        Ok(pair)
    }

    pub(super) fn small(&self) -> Result<Rc<Server>, Failure> {
        let Store::Small(server) = &self.store else { return Err("the server is not small".into()) };
        Ok(server.clone())
    }

    /// Each app that runs takes a callback before long, and its health check says so.
    pub(super) fn acknowledges(&mut self) -> Result<(), Failure> {
        self.each_answers(202)?;
        self.each_is("/healthz", 200)
    }

    /// Each app that runs refuses a callback before long, and its health check says so.
    pub(super) fn refuses(&mut self) -> Result<(), Failure> {
        self.each_answers(503)?;
        self.each_is("/healthz", 503)
    }

    /// Whether an app refuses a callback within some seconds.
    pub(super) fn refuses_soon(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            for root in self.roots.all() {
                if self.answers(&root, 503) {
                    return true;
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }

    fn each_answers(&mut self, status: u16) -> Result<(), Failure> {
        for root in self.roots.all() {
            wait::until(PATIENCE, &format!("a callback is answered {status}"), || {
                Ok(self.answers(&root, status))
            })?;
        }
        Ok(())
    }

    /// Whether an app answers a callback so.
    fn answers(&mut self, root: &str, status: u16) -> bool {
        self.probes += 1;
        let id = self.probes.to_string();
        // Of no kind that folds: it is no part of a tenant's life.
        let probe = sample(&seismic::PLATFORM, &EventKind::Install).set("type", "probe").without("timestamp");
        let probe = probe.app("crash").tenant("probe").request_id(id);
        self.client.send(root, probe.sign(&self.keys)).is_ok_and(|answer| answer.status == status)
    }

    /// The page of each app is answered so before long.
    fn each_is(&mut self, path: &str, status: u16) -> Result<(), Failure> {
        for root in self.roots.all() {
            wait::until(PATIENCE, &format!("GET {path} is answered {status}"), || {
                Ok(self.client.status(&root, path, &[]).ok() == Some(status))
            })?;
        }
        Ok(())
    }

    /// Every app's gate is open for this tenant before long, or closed: another app's may take its time to live.
    pub(crate) fn gate(&mut self, tenant: &str, open: bool) -> Result<(), Failure> {
        let expected = if open { 200 } else { 403 };
        for root in self.roots.all() {
            wait::until(PATIENCE, &format!("{tenant}: the gate answers {expected}"), || {
                let headers = [("x-app", "crash"), ("x-tenant", tenant)];
                Ok(self.client.status(&root, "/features", &headers).ok() == Some(expected))
            })?;
        }
        Ok(())
    }

    /// Waits until all that was accepted is handled, and gives what was.
    pub(crate) fn drained(&mut self) -> Result<Value, Failure> {
        let root = self.roots.any(&mut self.rng).ok_or("no app runs")?;
        wait::until_drained(PATIENCE, &self.client, &root)
    }
}
