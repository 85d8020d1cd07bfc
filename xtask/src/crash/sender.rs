//! Sender: the load, and the books that are kept of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use serde_json::json;

use super::client::Client;
use crate::Failure;

/// The most callbacks of one tenant: what `GET /deliveries` shows has to hold them all.
const MOST: usize = 400;

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
        let roots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rng.choice(roots.iter()).map(|(_, root)| root.clone())
    }
}

/// What became of a callback, as far as its sender can tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sent {
    /// 202.
    Acknowledged,
    /// No answer, or a 5xx, and the sender gave it up: it may be in the inbox or not.
    InDoubt,
}

/// A tenant, and its callbacks in the order in which they were sent: their numbers are their places here.
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) sent: Vec<Sent>,
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
    roots: &'a Roots,
    rng: Rng,
    books: Books,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(roots: &'a Roots, rng: Rng, tenants: Vec<String>) -> Result<Self, Failure> {
        let tenants = tenants.into_iter().map(|name| Tenant { name, sent: Vec::new() }).collect();
        Ok(Self { client: Client::new()?, roots, rng, books: Books { tenants, ..Books::default() } })
    }

    pub(crate) fn send_until(mut self, stop: &AtomicBool) -> Books {
        while !stop.load(Ordering::Relaxed) {
            self.pause(3);
            let tenant = self.rng.usize(..self.books.tenants.len());
            let number = self.books.tenants[tenant].sent.len();
            if number < MOST {
                let sent = self.send(tenant, number);
                self.books.tenants[tenant].sent.push(sent);
            }
            if self.rng.u8(..4) == 0 {
                self.repeat(tenant);
            }
        }
        self.books
    }

    /// As a marketplace that tries again, and that at some time stops trying.
    fn send(&mut self, tenant: usize, number: usize) -> Sent {
        loop {
            if self.offer(tenant, number) {
                return Sent::Acknowledged;
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
        if sent.get(number) == Some(&Sent::Acknowledged) && self.offer(tenant, number) {
            self.books.duplicates += 1;
        }
    }

    /// Whether the callback was acknowledged.
    fn offer(&mut self, tenant: usize, number: usize) -> bool {
        let Some(root) = self.roots.any(&mut self.rng) else { return false };
        let name = &self.books.tenants[tenant].name;
        let kind = ["install", "enable", "upgrade", "disable", "uninstall"][number % 5];
        let callback = json!({
            "type": kind,
            "appId": "crash",
            "tenantId": name,
            "requestId": number.to_string(),
            "version": format!("1.{number}.0"),
        });
        match self.client.deliver(&root, &callback.to_string()) {
            Ok(202) => true,
            Err(_) | Ok(500..) => false,
            Ok(status) => {
                self.books.faults.push(format!("{name}: number {number} was answered {status}"));
                false
            }
        }
    }

    fn pause(&mut self, most_ms: u64) {
        thread::sleep(Duration::from_micros(self.rng.u64(..most_ms * 1000)));
    }
}
