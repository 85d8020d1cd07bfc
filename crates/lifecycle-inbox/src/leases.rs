//! Leases: the rows that a worker has right now, their renewal, and the word when one is lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use crate::engine::{Engine, LeaseToken};
use crate::error::EngineError;
use crate::telemetry;
use crate::timestamp::Timestamp;

/// A wall clock that moved this much against the monotonic one was set, or the machine slept.
const JUMP: Duration = Duration::from_secs(1);

pub(crate) struct Leases {
    engine: Arc<dyn Engine>,
    lease: Duration,
    holds: Mutex<HashMap<LeaseToken, Hold>>,
    clocks: Mutex<(Instant, Timestamp)>,
}

struct Hold {
    /// Until when nobody else takes it over, counted from before it was asked for.
    until: Instant,
    /// The attempt is finishing its row, and will hear from the engine itself whether it still had it.
    is_finishing: bool,
    /// Dropping it tells the attempt that the lease is lost.
    _lost: oneshot::Sender<()>,
}

impl Leases {
    pub(crate) fn new(engine: Arc<dyn Engine>, lease: Duration) -> Self {
        let clocks = Mutex::new((Instant::now(), engine.now()));
        Self { engine, lease, holds: Mutex::default(), clocks }
    }

    /// Keeps the lease of a row that was claimed at some time after `asked`. The receiver ends when it is lost.
    pub(crate) fn hold(&self, token: LeaseToken, asked: Instant) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let hold = Hold { until: asked + self.lease, is_finishing: false, _lost: sender };
        self.holds().insert(token, hold);
        receiver
    }

    /// The row is about to be finished.
    pub(crate) fn finishing(&self, token: LeaseToken) {
        if let Some(hold) = self.holds().get_mut(&token) {
            hold.is_finishing = true;
        }
    }

    /// The attempt is over.
    pub(crate) fn let_go(&self, token: LeaseToken) {
        self.holds().remove(&token);
    }

    /// All that are held, which are no longer renewed from now on.
    pub(crate) fn take_all(&self) -> Vec<LeaseToken> {
        self.holds().drain().map(|(token, _)| token).collect()
    }

    /// Renews for ever, three times in the length of a lease, and ends what could not be renewed in time.
    pub(crate) async fn keep(&self) {
        let mut next = Instant::now() + self.lease / 3;
        loop {
            let first_end = self.holds().values().map(|hold| hold.until).min();
            sleep_until(first_end.map_or(next, |end| end.min(next))).await;
            if Instant::now() >= next {
                let renewed = self.renew().await;
                next = Instant::now() + if renewed { self.lease / 3 } else { self.lease / 10 };
            }
            let now = Instant::now();
            self.holds().retain(|_, hold| hold.until > now);
        }
    }

    /// When the clock was set, or the machine slept, the leases in the store may look as if they were over: renews them
    /// before anybody, this worker included, claims by the new time.
    pub(crate) async fn follow_clock(&self) {
        let (instant, now) = (Instant::now(), self.engine.now());
        let before = {
            let mut clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *clocks, (instant, now))
        };
        let expected = before.1 + instant.duration_since(before.0);
        if now.since(expected) > JUMP || expected.since(now) > JUMP {
            self.renew().await;
        }
    }

    async fn renew(&self) -> bool {
        let tokens: Vec<LeaseToken> = self.holds().keys().copied().collect();
        if tokens.is_empty() {
            return true;
        }
        let asked = Instant::now();
        let renewal = self.engine.renew(&tokens, self.engine.now(), self.lease);
        let owned = match timeout(self.lease / 3, renewal).await {
            Ok(Ok(owned)) => owned,
            Ok(Err(error)) => return self.not_renewed(&error),
            Err(_) => return self.not_renewed(&EngineError::new("no answer in a third of a lease")),
        };
        let mut holds = self.holds();
        for token in tokens {
            let Some(hold) = holds.get_mut(&token) else { continue };
            if owned.contains(&token) {
                hold.until = asked + self.lease;
            } else if !hold.is_finishing {
                holds.remove(&token);
            }
        }
        true
    }

    fn not_renewed(&self, error: &EngineError) -> bool {
        telemetry::store_failed("renew", error, self.lease / 10);
        false
    }

    fn holds(&self) -> MutexGuard<'_, HashMap<LeaseToken, Hold>> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
