//! Leases: what a worker has leased, the renewal of that, and the signal to an attempt that its lease is lost.

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
    tracked: Mutex<HashMap<LeaseToken, TrackedLease>>,
    clocks: Mutex<(Instant, Timestamp)>,
}

struct TrackedLease {
    /// Until when nobody else takes the delivery over, counted from before it was claimed.
    until: Instant,
    /// The attempt is finishing, and learns from the engine whether it still held the delivery.
    is_finishing: bool,
    /// Dropping it tells the attempt that the lease is lost.
    _lost: oneshot::Sender<()>,
}

impl Leases {
    pub(crate) fn new(engine: Arc<dyn Engine>, lease: Duration) -> Self {
        let clocks = Mutex::new((Instant::now(), engine.now()));
        Self { engine, lease, tracked: Mutex::default(), clocks }
    }

    /// Renews the lease of a delivery that was claimed after `asked`, from now on. The receiver ends when the lease is lost.
    pub(crate) fn track(&self, token: LeaseToken, asked: Instant) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let lease = TrackedLease { until: asked + self.lease, is_finishing: false, _lost: sender };
        self.tracked().insert(token, lease);
        receiver
    }

    /// The delivery is about to be finished.
    pub(crate) fn finishing(&self, token: LeaseToken) {
        if let Some(lease) = self.tracked().get_mut(&token) {
            lease.is_finishing = true;
        }
    }

    /// The attempt is over.
    pub(crate) fn untrack(&self, token: LeaseToken) {
        self.tracked().remove(&token);
    }

    /// Takes all leases out: they are no longer renewed.
    pub(crate) fn take_all(&self) -> Vec<LeaseToken> {
        self.tracked().drain().map(|(token, _)| token).collect()
    }

    /// Renews until it is dropped, three times in the length of a lease, and ends the attempts whose lease could not be renewed in time.
    pub(crate) async fn renew_loop(&self) {
        let mut next = Instant::now() + self.lease / 3;
        loop {
            let first_end = self.tracked().values().map(|lease| lease.until).min();
            sleep_until(first_end.map_or(next, |end| end.min(next))).await;
            if Instant::now() >= next {
                let renewed = self.renew().await;
                next = Instant::now() + if renewed { self.lease / 3 } else { self.lease / 10 };
            }
            let now = Instant::now();
            self.tracked().retain(|_, lease| lease.until > now);
        }
    }

    /// When the clock was set, or the machine slept, the leases in the store may look as if they were over: renews them
    /// before anybody, this worker included, claims by the new time.
    pub(crate) async fn resync_clock(&self) {
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
        let tokens: Vec<LeaseToken> = self.tracked().keys().copied().collect();
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
        let mut tracked = self.tracked();
        for token in tokens {
            let Some(lease) = tracked.get_mut(&token) else { continue };
            if owned.contains(&token) {
                lease.until = asked + self.lease;
            } else if !lease.is_finishing {
                tracked.remove(&token);
            }
        }
        true
    }

    fn not_renewed(&self, error: &EngineError) -> bool {
        telemetry::store_failed("renew", error, self.lease / 10);
        false
    }

    fn tracked(&self) -> MutexGuard<'_, HashMap<LeaseToken, TrackedLease>> {
        self.tracked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
