//! Program: an app that is started as a subject, and what it printed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use lifecycle_core::Proof;
use lifecycle_testing::{KeysFrom, Sender, SigningKeys, registry, variable};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

use crate::answer::Exactness;
use crate::connection::{Connection, Lost};
use crate::contact::ContactError;
use crate::key_server::KeyServer;
use crate::message::{Message, Step};
use crate::signing::key;
use crate::target::{Credentials, Target};

/// How long an app may take until it says where it listens.
const START: Duration = Duration::from_secs(30);

/// How long an app may take to handle what it has accepted.
const SETTLE: Duration = Duration::from_secs(60);

/// What an app prints in front of its address once it listens.
const LISTENING: &str = "listening on http://";

/// An app that keeps the contract of the example apps: settings from the environment, `listening on http://ADDRESS`,
/// `GET /routes` and `GET /deliveries`; and `GET /inbox` with the numbers `pending` and `leased` of what is
/// accepted and not handled yet. It is started in an empty folder of its own.
#[derive(Clone, Debug)]
pub struct Program {
    /// A name for the reports.
    pub name: String,
    /// The built program.
    pub executable: PathBuf,
}

/// Why a program cannot be a subject.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// It gave no JSON where the contract of the example apps demands it.
    #[error("{program}: GET {path} gave no usable answer: {why}")]
    Answer {
        /// The program's name.
        program: String,
        /// What was asked for.
        path: &'static str,
        /// What came instead.
        why: String,
    },
    /// It does not take one plain callback, so that the fixtures would tell nothing.
    #[error("{program}: {source}")]
    Contact {
        /// The program's name.
        program: String,
        /// What it answers.
        source: ContactError,
    },
    /// It did not say in time where it listens.
    #[error("{program} did not print `{LISTENING}ADDRESS` within {} s, or ended. It printed:\n{printed}", START.as_secs())]
    Silent {
        /// The program's name.
        program: String,
        /// All that it printed.
        printed: String,
    },
    /// It could not be started.
    #[error("{program} could not be started: {source}")]
    Start {
        /// The program's name.
        program: String,
        /// The system's reason.
        source: io::Error,
    },
}

/// Environment variables for a program; `None` removes one.
pub(crate) type Settings = BTreeMap<String, Option<String>>;

/// A started program. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) target: Target,
    pub(crate) settings: Settings,
    child: Child,
    log: Arc<Log>,
    _folder: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

impl Program {
    /// What subjects share with the runner, by platform: each has keys of its own, and the app of the vendor's samples.
    pub(crate) fn credentials() -> BTreeMap<String, Credentials> {
        let of = |sender: &&'static Sender| {
            let platform = sender.platform();
            let name = platform.name();
            let key = |day: &str| key(platform, &format!("conformance-{name}-key-of-{day}"));
            let (_, event) = sender.events().next()?;
            let app = sender.sample(event)?.delivery().event().app().to_owned();
            let credentials = Credentials {
                app,
                current: key("today"),
                previous: Some(key("yesterday")),
                tenant: tenant(sender),
            };
            Some((name.to_owned(), credentials))
        };
        registry().iter().filter_map(of).collect()
    }

    pub(crate) fn start(&self, settings: &Settings) -> Result<Running, ProgramError> {
        let mut credentials = Self::credentials();
        let failed = |source| ProgramError::Start { program: self.name.clone(), source };
        let folder = tempfile::tempdir().map_err(failed)?;
        let mut command = Command::new(self.executable.canonicalize().map_err(failed)?);
        command
            .current_dir(&folder)
            .env("PORT", "0")
            .env("RUST_LOG", "trace") // what it logs at its most talkative must not tell a secret either
            .env_remove("DATABASE_URL")
            .env_remove("PUBLIC_URL")
            .env_remove("SECURITYSCORECARD_INSTALLATION_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for sender in registry() {
            let platform = sender.platform();
            for setting in ["APP_ID", "AUDIENCE", "MAX_AGE_SECONDS"] {
                command.env_remove(variable(platform, setting));
            }
            if let Some(credentials) = credentials.get_mut(platform.name()) {
                command.envs(keys(sender, credentials, folder.path()).map_err(failed)?);
            }
        }
        for (name, value) in settings {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command.spawn().map_err(failed)?;
        let log = Arc::new(Log::default());
        let (out, err) = (child.stdout.take(), child.stderr.take());
        if let (Some(out), Some(err)) = (out, err) {
            log.follow(out);
            log.follow(err);
        }
        let target = Target {
            name: self.name.clone(),
            address: String::new(),
            routes: Vec::new(),
            credentials,
            exactness: Exactness::Bytes,
        };
        let mut running = Running { target, settings: settings.clone(), child, log, _folder: folder };
        running.target.address = running.log.address().ok_or_else(|| ProgramError::Silent {
            program: self.name.clone(),
            printed: running.log.text(),
        })?;
        running.target.routes = running.get("/routes")?;
        Ok(running)
    }
}

/// The tenant of the vendor's samples, where each tenant has keys of its own.
fn tenant(sender: &'static Sender) -> Option<String> {
    let KeysFrom::Tenant { .. } = sender.keys_from() else { return None };
    let (_, event) = sender.events().next()?;
    Some(sender.sample(event)?.delivery().event().tenant().to_owned())
}

/// The environment variables by which an app is told what verifies a platform. A PEM is in a file; a set of keys is published, and
/// where each tenant has its own, whoever publishes it is the tenant.
fn keys(sender: &Sender, credentials: &mut Credentials, folder: &Path) -> io::Result<Vec<(String, String)>> {
    let platform = sender.platform();
    let current = credentials.current.clone();
    if sender.keys_from() != KeysFrom::App {
        let keys = SigningKeys::parse(platform, &current).ok();
        let origin = KeyServer::start(&keys.and_then(|keys| keys.key_set()).unwrap_or_default())?.origin();
        return Ok(match sender.keys_from() {
            KeysFrom::Tenant { .. } => {
                let tenant = credentials.tenant.insert(format!("{origin}/graphql/"));
                vec![(variable(platform, "API_URL"), tenant.clone())]
            }
            _ => vec![
                (variable(platform, "JWKS_URL"), format!("{origin}/jwks.json")),
                (variable(platform, "APP_ID"), credentials.app.clone()),
            ],
        });
    }
    Ok(match platform.proof() {
        proof if proof.uses_rsa() => {
            let file = folder.join(format!("{}.pem", platform.name()));
            let keys = SigningKeys::parse(platform, &current).ok();
            fs::write(&file, keys.and_then(|keys| keys.public_key()).unwrap_or_default())?;
            vec![(variable(platform, "PUBLIC_KEY_FILE"), file.display().to_string())]
        }
        Proof::Hmac(_) | Proof::Token(_) => {
            [("SIGNING_SECRET", Some(current)), ("PREVIOUS_SIGNING_SECRET", credentials.previous.clone())]
                .into_iter()
                .filter_map(|(setting, value)| Some((variable(platform, setting), value?)))
                .collect()
        }
        Proof::PublicKey(_) => {
            let keys = SigningKeys::parse(platform, &current).ok();
            let public = keys.and_then(|keys| keys.public_key());
            public.into_iter().map(|public| (variable(platform, "PUBLIC_KEY"), public)).collect()
        }
        _ => vec![(variable(platform, "HOOK_TOKEN"), current)],
    })
}

impl Running {
    /// Asks the app for JSON.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &'static str) -> Result<T, ProgramError> {
        let failed = |why: String| ProgramError::Answer { program: self.target.name.clone(), path, why };
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.target.address);
        let message = Message {
            steps: vec![Step::Write(head.into_bytes())],
            headers: vec![],
            body: vec![],
            signed: vec![],
            is_head: false,
            ends: true,
            query: None,
        };
        let lost = |lost: Lost| failed(format!("{lost:?}"));
        let response =
            Connection::open(&self.target.address).map_err(lost)?.exchange(&message).answer.map_err(lost)?;
        if response.status != 200 {
            return Err(failed(format!("status {}", response.status)));
        }
        serde_json::from_slice(&response.body).map_err(|error| failed(error.to_string()))
    }

    /// Waits until the app has handled all that it has accepted.
    pub(crate) fn settle(&self) -> Result<(), ProgramError> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let inbox: Value = self.get("/inbox")?;
            if inbox["pending"] == 0 && inbox["leased"] == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                let why = format!("still at work after {} s: {inbox}", SETTLE.as_secs());
                return Err(ProgramError::Answer { program: self.target.name.clone(), path: "/inbox", why });
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// All that the app has printed so far.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }
}

/// What a program prints, on both streams.
#[derive(Debug, Default)]
struct Log {
    printed: Mutex<Printed>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Printed {
    text: String,
    /// A program that has ended will not print its address any more.
    ended: bool,
}

impl Log {
    fn follow(self: &Arc<Self>, out: impl Read + Send + 'static) {
        let log = Arc::clone(self);
        thread::spawn(move || {
            let mut lines = BufReader::new(out);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                log.printed().text.push_str(&String::from_utf8_lossy(&line));
                log.changed.notify_all();
                line.clear();
            }
            log.printed().ended = true;
            log.changed.notify_all();
        });
    }

    fn printed(&self) -> MutexGuard<'_, Printed> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self) -> String {
        self.printed().text.clone()
    }

    /// Waits for the line that names the address.
    fn address(&self) -> Option<String> {
        let waiting = |printed: &mut Printed| address(&printed.text).is_none() && !printed.ended;
        let (printed, _) = self
            .changed
            .wait_timeout_while(self.printed(), START, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        address(&printed.text)
    }
}

fn address(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(LISTENING)?;
    let (line, _) = rest.split_once('\n')?;
    line.split_whitespace().next().map(|address| address.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_address_from_its_whole_line() {
        assert_eq!(address("hello\nlistening on http://127.0.0.1:80"), None);
        let text = "hello\nlistening on http://127.0.0.1:8080 (Ctrl-C stops)\nmore";
        assert_eq!(address(text).as_deref(), Some("127.0.0.1:8080"));
    }
}
