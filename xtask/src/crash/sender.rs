//! Sender: the load, and the books that are kept of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use lifecycle_core::{EventKind, Secret, seismic};
use lifecycle_testing::{SigningKeys, sample};

use super::clock::Clock;
use crate::Failure;
use crate::client::Client;

/// What the callbacks are signed with.
pub(crate) const SECRET: &str = "crash-signing-secret";

/// The most callbacks of one tenant before the last ones: what `GET /deliveries` shows has to hold them all.
const MOST: usize = 400;

/// How long the last callbacks may take when every app runs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The life of a tenant, again and again.
const KINDS: [&str; 5] = ["install", "enable", "upgrade", "disable", "uninstall"];

const ENABLE: usize = 1;

const DISABLE: usize = 3;

const UNINSTALL: usize = 4;

/// Where apps listen now; an app that is down is not there.
#[derive(Default)]
pub(crate) struct Roots(Mutex<Vec<(usize, String)>>);

impl Roots {
    pub(crate) fn set(&self, app: usize, root: Option<String>) {
        let mut roots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        roots.retain(|(own, _)| *own != app);
        roots.extend(root.map(|root| (app, root)));
    }

    pub(crate) fn any(&self, rng: &mut Rng) -> Option<String> {
        rng.choice(self.all())
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn all(&self) -> Vec<String> {
        let roots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        roots.iter().map(|(_, root)| root.clone()).collect()
    }
}

/// What became of a callback, as far as its sender can tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sent {
    /// 202, to a request that began at this time.
    Acknowledged(Instant),
    /// No answer, or a 5xx, and the sender gave it up: it may be in the inbox or not.
    InDoubt,
}

/// A tenant, and its callbacks in the order in which they were sent: their numbers are their places here.
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) clock: Clock,
    pub(crate) sent: Vec<Sent>,
}

impl Tenant {
    /// Whether the last callback opens the gate.
    pub(crate) fn is_open(&self) -> bool {
        self.sent.len() % KINDS.len() == ENABLE + 1
    }
}

/// The marketplace's side of the secret.
pub(crate) fn keys() -> Result<SigningKeys, Failure> {
    Ok(Secret::new(SECRET)?.into())
}

/// What one sender has to tell.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) tenants: Vec<Tenant>,
    /// How many callbacks were sent once more after their acknowledgement.
    pub(crate) duplicates: usize,
    /// Answers that no callback of these may get.
    pub(crate) faults: Vec<String>,
}

/// Sends one callback after the other, each of any of its tenants, until it is told to stop. Within a tenant the next
/// one follows when the one before is acknowledged or given up.
pub(crate) struct Sender<'a> {
    client: Client,
    keys: SigningKeys,
    roots: &'a Roots,
    rng: Rng,
    books: Books,
    /// Whether an app may find that a body came too late.
    may_be_late: bool,
}

impl<'a> Sender<'a> {
    /// `may_be_late`: an app is stopped for a while, and reads bodies afterwards that it has waited for too long.
    pub(crate) fn new(
        roots: &'a Roots,
        rng: Rng,
        tenants: Vec<Tenant>,
        may_be_late: bool,
    ) -> Result<Self, Failure> {
        let books = Books { tenants, ..Books::default() };
        Ok(Self { client: Client::new(), keys: keys()?, roots, rng, books, may_be_late })
    }

    /// When it is told to stop, every app runs, or none.
    pub(crate) fn send_until(mut self, stop: &AtomicBool) -> Books {
        while !stop.load(Ordering::Relaxed) {
            self.pause(3);
            let tenant = self.rng.usize(..self.books.tenants.len());
            let number = self.books.tenants[tenant].sent.len();
            if number < MOST {
                let sent = self.send(tenant, number);
                self.books.tenants[tenant].sent.push(sent);
            }
            match self.rng.u8(..8) {
                0..=1 => self.repeat(tenant),
                2 => self.use_features(tenant),
                _ => {}
            }
        }
        (0..self.books.tenants.len()).for_each(|tenant| self.end(tenant));
        self.books
    }

    /// As a marketplace that tries again, and that at some time stops trying.
    fn send(&mut self, tenant: usize, number: usize) -> Sent {
        loop {
            if let Some(begun) = self.offer(tenant, number) {
                return Sent::Acknowledged(begun);
            }
            if self.rng.u8(..16) == 0 {
                return Sent::InDoubt;
            }
            self.pause(20);
        }
    }

    /// One of the tenant's callbacks that were acknowledged, the latest or one long past.
    fn repeat(&mut self, tenant: usize) {
        let sent = &self.books.tenants[tenant].sent;
        let number =
            if self.rng.bool() { sent.len().saturating_sub(1) } else { self.rng.usize(..=sent.len()) };
        if matches!(sent.get(number), Some(Sent::Acknowledged(_))) && self.offer(tenant, number).is_some() {
            self.books.duplicates += 1;
        }
    }

    /// An ordinary request, after which the app may remember that the tenant is enabled.
    fn use_features(&mut self, tenant: usize) {
        let Some(root) = self.roots.any(&mut self.rng) else { return };
        let name = &self.books.tenants[tenant].name;
        let _ = self.client.status(&root, "/features", &[("x-app", "crash"), ("x-tenant", name)]);
    }

    /// The last callbacks of a tenant, all of which are acknowledged: a whole life from an install on, until the app is
    /// enabled, disabled or uninstalled. Where the clock is broken, what opens may count for nothing, so it closes.
    fn end(&mut self, tenant: usize) {
        let last = match self.books.tenants[tenant].clock {
            Clock::Broken => *self.rng.choice(&[DISABLE, UNINSTALL]).unwrap_or(&DISABLE),
            Clock::None | Clock::Right => *self.rng.choice(&[ENABLE, DISABLE, UNINSTALL]).unwrap_or(&ENABLE),
        };
        let deadline = Instant::now() + PATIENCE;
        let mut has_begun = false;
        loop {
            let number = self.books.tenants[tenant].sent.len();
            let begun = loop {
                match self.offer(tenant, number) {
                    Some(begun) => break begun,
                    None if self.roots.all().is_empty() => return, // the round has failed
                    None if Instant::now() > deadline => {
                        let name = &self.books.tenants[tenant].name;
                        self.books.faults.push(format!("{name}: number {number} is refused for ever"));
                        return;
                    }
                    None => self.pause(20),
                }
            };
            self.books.tenants[tenant].sent.push(Sent::Acknowledged(begun));
            has_begun |= number.is_multiple_of(KINDS.len());
            if has_begun && number % KINDS.len() == last {
                return;
            }
        }
    }

    /// When the request began, if the callback was acknowledged.
    fn offer(&mut self, tenant: usize, number: usize) -> Option<Instant> {
        let root = self.roots.any(&mut self.rng)?;
        let Tenant { name, clock, .. } = &self.books.tenants[tenant];
        let callback = sample(&seismic::PLATFORM, &EventKind::from_name(KINDS[number % KINDS.len()]))
            .app("crash")
            .tenant(name)
            .request_id(number.to_string())
            .version(format!("1.{number}.0"));
        let callback = match clock.stamp(&mut self.rng) {
            Some(stamp) => callback.set("timestamp", stamp),
            None => callback.without("timestamp"),
        };
        let begun = Instant::now();
        match self.client.send(&root, callback.sign(&self.keys)).map(|answer| answer.status) {
            Ok(202) => Some(begun),
            Err(_) | Ok(500..) => None,
            Ok(408) if self.may_be_late => None,
            Ok(status) => {
                self.books.faults.push(format!("{name}: number {number} was answered {status}"));
                None
            }
        }
    }

    fn pause(&mut self, most_ms: u64) {
        thread::sleep(Duration::from_micros(self.rng.u64(..most_ms * 1000)));
    }
}
