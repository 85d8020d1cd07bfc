//! Load: what one sender sends in the name of all platforms, and the books that it keeps of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use lifecycle_testing::{Answer, Consequence, SignedRequest};

use crate::client::{Client, Received};
use crate::crash::clock::Clock;
use crate::crash::sender::{Roots, Sent, Tenant};
use crate::marketplace::{Callback, Marketplace};

/// Between two requests of one sender, at most.
const PAUSE: u64 = 300;

/// Sends one request after the other, each of any of its tenants: one of each platform.
pub(crate) struct Load<'a> {
    client: Client,
    roots: &'a Roots,
    rng: Rng,
    accounts: Vec<Account<'a>>,
    pub(crate) counts: Counts,
}

/// One tenant of one platform.
struct Account<'a> {
    marketplace: &'a Marketplace,
    number: u32,
    tenant: Tenant,
    /// What was sent of it: the place of each callback in `tenant.sent`, by its key.
    keys: HashMap<String, usize>,
    /// Of those that were acknowledged.
    latest: Option<Callback>,
}

/// How much was sent, and what was wrong with an answer.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: usize,
    pub(crate) in_doubt: usize,
    pub(crate) duplicates: usize,
    pub(crate) forged: usize,
    pub(crate) broken: usize,
    pub(crate) handshakes: usize,
    /// How long each acknowledgement took.
    pub(crate) took: Vec<Duration>,
    /// Acknowledgements that came after the platform had given up.
    pub(crate) late: usize,
    pub(crate) faults: Vec<String>,
}

impl<'a> Load<'a> {
    /// The tenants of one sender have its number.
    pub(crate) fn new(marketplaces: &'a [Marketplace], roots: &'a Roots, number: u32, rng: Rng) -> Self {
        let own = marketplaces.iter().filter(|marketplace| number == 0 || marketplace.has_tenants());
        let accounts = own.map(|marketplace| Account {
            marketplace,
            number: 1000 + number,
            tenant: Tenant {
                name: format!("{} {number}", marketplace.name()),
                clock: Clock::Right,
                sent: Vec::new(),
            },
            keys: HashMap::new(),
            latest: None,
        });
        Self { client: Client::new(), roots, rng, accounts: accounts.collect(), counts: Counts::default() }
    }

    pub(crate) fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.accounts.iter().map(|account| &account.tenant)
    }

    /// Whose callback has this key, and its number among that tenant's.
    pub(crate) fn find(&self, key: &str) -> Option<(String, usize)> {
        let found = |account: &Account<'_>| Some((account.tenant.name.clone(), *account.keys.get(key)?));
        self.accounts.iter().find_map(found)
    }

    pub(crate) fn send_until(&mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            self.pause(PAUSE);
            let account = self.rng.usize(..self.accounts.len());
            match self.rng.u8(..10) {
                0 => self.forge(account),
                1 => self.send_broken(account),
                2 => self.repeat(account),
                3 => self.shake_hands(account),
                _ => self.send(account, stop),
            }
        }
        self.client = Client::new(); // the connections close
    }

    /// As a marketplace that tries again, and that at some time stops trying.
    fn send(&mut self, account: usize, stop: &AtomicBool) {
        let Account { marketplace, number, .. } = self.accounts[account];
        let callback = match marketplace.callback(number, &mut self.rng) {
            Ok(callback) => callback,
            Err(failure) => return self.counts.faults.push(format!("{}: {failure}", marketplace.name())),
        };
        let own = &mut self.accounts[account];
        let place = own.tenant.sent.len();
        let key = callback.key.to_string();
        // Where a platform tells a time in seconds and no id, two events of one second are one.
        if own.keys.contains_key(&key) {
            return;
        }
        own.keys.insert(key, place);
        own.tenant.sent.push(Sent::InDoubt);
        loop {
            let begun = Instant::now();
            if self.offer(marketplace, marketplace.attempt(&callback), place) {
                self.counts.acknowledged += 1;
                let own = &mut self.accounts[account];
                own.tenant.sent[place] = Sent::Acknowledged(begun);
                own.latest = Some(callback);
                return;
            }
            if stop.load(Ordering::Relaxed) || self.rng.u8(..32) == 0 {
                self.counts.in_doubt += 1;
                return;
            }
            self.pause(PAUSE);
        }
    }

    fn repeat(&mut self, account: usize) {
        let Account { marketplace, latest: Some(callback), tenant, .. } = &self.accounts[account] else {
            return;
        };
        let (marketplace, request) = (*marketplace, marketplace.attempt(callback));
        if self.offer(marketplace, request, tenant.sent.len()) {
            self.counts.duplicates += 1;
        }
    }

    /// Whether the platform takes it as received. Nothing else but a refusal for now may come.
    fn offer(&mut self, marketplace: &Marketplace, request: SignedRequest, place: usize) -> bool {
        let begun = Instant::now();
        let Some(Received { status, .. }) = self.answer(request) else { return false };
        let took = begun.elapsed();
        if status == marketplace.acknowledgement() {
            self.counts.took.push(took);
            self.counts.late += usize::from(marketplace.is_late(took));
            return true;
        }
        // A machine that is too slow for its load reads a body too late.
        if !matches!(status, 408 | 503) {
            let name = marketplace.name();
            self.counts.faults.push(format!("{name}: number {place}, genuine, was answered {status}"));
        }
        false
    }

    /// A stranger's is refused, and not known again in what was handled.
    fn forge(&mut self, account: usize) {
        self.send_bad(account, "forged", Marketplace::forgery);
        self.counts.forged += 1;
    }

    fn send_broken(&mut self, account: usize) {
        self.send_bad(account, "broken", Marketplace::broken);
        self.counts.broken += 1;
    }

    fn send_bad(
        &mut self,
        account: usize,
        what: &str,
        make: impl Fn(&Marketplace, &Callback) -> SignedRequest,
    ) {
        let Account { marketplace, number, .. } = self.accounts[account];
        let Ok(callback) = marketplace.callback(number, &mut self.rng) else { return };
        if let Some(Received { status, .. }) = self.answer(make(marketplace, &callback))
            && !matches!(status, 400..=499 | 503)
        {
            self.counts.faults.push(format!("{}: {what} was answered {status}", marketplace.name()));
        }
    }

    fn shake_hands(&mut self, account: usize) {
        let marketplace = self.accounts[account].marketplace;
        let Some((sample, request)) = marketplace.handshake() else { return };
        let Some(Received { status, content_type, body }) = self.answer(request) else { return };
        let answer = Answer { status, content_type: content_type.as_deref(), body: &body };
        let judged = sample.judge(Some(answer), Duration::ZERO);
        if judged.consequence != Consequence::Accepted {
            self.counts.faults.push(format!("{}: a handshake: {}", marketplace.name(), judged.reason));
        }
        self.counts.handshakes += 1;
    }

    fn answer(&mut self, request: SignedRequest) -> Option<Received> {
        let root = self.roots.any(&mut self.rng)?;
        self.client.send(&root, request).ok()
    }

    fn pause(&mut self, most_ms: u64) {
        thread::sleep(Duration::from_micros(self.rng.u64(..most_ms * 1000)));
    }
}
