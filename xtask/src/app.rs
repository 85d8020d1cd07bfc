//! App: one process of an example app, which can be killed at any moment of its life.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use lifecycle_conformance::Program;

use crate::Failure;

/// How long a start may take. A machine that does other things as well is slow.
const START: Duration = Duration::from_secs(60);

/// How long an app may take to end when it is asked to.
const STOP: Duration = Duration::from_secs(30);

/// A process. It is killed when this is dropped.
pub(crate) struct App {
    child: Child,
    addresses: Receiver<String>,
}

impl App {
    /// Starts the program with these settings, on any free port. What it logs is appended to the file.
    pub(crate) fn start(
        program: &Program,
        settings: &[(&str, impl AsRef<OsStr>)],
        log: &Path,
    ) -> Result<Self, Failure> {
        let log = File::options().create(true).append(true).open(log)?;
        let mut child = Command::new(&program.executable)
            .env("PORT", "0")
            .env("RUST_LOG", "warn")
            .env_remove("SEISMIC_APP_ID")
            .env_remove("SEISMIC_MAX_AGE_SECONDS")
            .env_remove("SEISMIC_PREVIOUS_SIGNING_SECRET")
            .envs(settings.iter().map(|(variable, value)| (variable, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{} could not be started: {error}", program.name))?;
        let (sender, addresses) = channel();
        if let Some(printed) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(printed).lines().map_while(Result::ok) {
                    if let Some(address) = line.strip_prefix("listening on ") {
                        let _ = sender.send(address.to_owned()); // killed before it was asked
                    }
                }
            });
        }
        Ok(Self { child, addresses })
    }

    /// Waits until it listens, and gives the URL of its root.
    pub(crate) fn address(&self) -> Result<String, Failure> {
        self.addresses.recv_timeout(START).map_err(|_| "an app does not listen, or has ended".into())
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM: it has to end by itself, and to say that all is well.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        self.signal("-TERM")?;
        let deadline = Instant::now() + STOP;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("an app that was stopped ended with {status}").into()),
                None if Instant::now() > deadline => {
                    return Err(
                        format!("an app that was stopped still runs after {} s", STOP.as_secs()).into()
                    );
                }
                None => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// SIGSTOP: it runs nothing until [`thaw`](Self::thaw).
    pub(crate) fn freeze(&self) -> Result<(), Failure> {
        self.signal("-STOP")
    }

    /// SIGCONT: it goes on where it was.
    pub(crate) fn thaw(&self) -> Result<(), Failure> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<(), Failure> {
        if !Command::new("kill").args([signal, &self.id().to_string()]).status()?.success() {
            return Err("an app that was to get a signal has ended by itself".into());
        }
        Ok(())
    }

    /// SIGKILL: the process runs nothing more.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("an app has ended by itself: {status}").into());
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may be dead already
        let _ = self.child.wait();
    }
}
