//! Dispatcher: claims deliveries and starts attempts, as many as may run at a time, until the shutdown.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::backoff::Backoff;
use crate::engine::{ClaimRequest, Engine};
use crate::error::EngineError;
use crate::leases::Leases;
use crate::runner::Runner;
use crate::slots::{Ended, Slots};
use crate::telemetry;
use crate::worker::Settings;

/// The waits after errors of the store.
pub(crate) const STORE_BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// How long a worker that stops may take to release what it could not finish.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);

/// Claims for one worker; its attempts share it.
pub(crate) struct Dispatcher {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) leases: Leases,
    pub(crate) settings: Settings,
}

impl Dispatcher {
    /// Claims and starts attempts until the shutdown.
    pub(crate) async fn work(self: &Arc<Self>, slots: &mut Slots, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut subscription = self.engine.notifier().subscribe();
        let mut retries = Retries::default();
        let mut failures = 0;
        loop {
            while let Some(ended) = slots.try_join_next() {
                retries.note(ended);
            }
            subscription.mark_seen();
            // A claim is never dropped half-way: what it has leased would be without an owner.
            let claimed = self.claim(slots).await;
            let wake = match claimed {
                Ok(_) => {
                    failures = 0;
                    retries.next_before(Instant::now() + self.settings.poll)
                }
                Err(error) => {
                    failures += 1;
                    let wait = STORE_BACKOFF.after(failures);
                    telemetry::store_failed("claim", &error, wait);
                    Instant::now() + wait
                }
            };
            slots.warn_if_taken();
            let wake = slots.next_free().map_or(wake, |free| wake.min(free));
            let may_claim = failures == 0 && slots.free() > 0;
            tokio::select! {
                biased;
                () = &mut shutdown => return,
                Some(ended) = slots.join_next() => retries.note(ended),
                () = subscription.changed(), if may_claim => {}
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Claims and starts attempts until none is due and none runs. Returns how many there were.
    pub(crate) async fn work_off(self: &Arc<Self>, slots: &mut Slots) -> Result<usize, EngineError> {
        let mut attempts = 0;
        loop {
            attempts += self.claim(slots).await?;
            // Its end may be the beginning of the next of its tenant, or of a retry that is due at once.
            if slots.join_next().await.is_none() {
                return Ok(attempts);
            }
        }
    }

    /// Returns how many attempts it has started.
    async fn claim(self: &Arc<Self>, slots: &mut Slots) -> Result<usize, EngineError> {
        let limit = slots.free();
        if limit == 0 {
            return Ok(0);
        }
        self.leases.resync_clock().await;
        let asked = Instant::now();
        let (worker, platforms) = (&*self.settings.name, &*self.settings.platforms.names());
        let (now, lease) = (self.engine.now(), self.settings.lease);
        let claims = self.engine.claim(ClaimRequest { worker, platforms, now, lease, limit }).await?;
        let started = claims.len();
        for claim in claims {
            let lost = self.leases.track(claim.token, asked);
            slots.spawn(self.clone().attempt(claim, lost));
        }
        Ok(started)
    }

    /// Lets the running attempts end, drops those that take too long, and releases their deliveries. Returns how many.
    pub(crate) async fn drain(&self, slots: &mut Slots) -> usize {
        let all = async { while slots.join_next().await.is_some() {} };
        if timeout(self.settings.drain, all).await.is_ok() {
            return 0;
        }
        slots.shutdown().await;
        let tokens = self.leases.take_all();
        let release_all = async {
            for token in &tokens {
                while let Err(error) = self.engine.release(*token, self.engine.now()).await {
                    let wait = STORE_BACKOFF.after(1);
                    telemetry::store_failed("release", &error, wait);
                    sleep(wait).await;
                }
            }
        };
        let _ = timeout(RELEASE_TIMEOUT, release_all).await; // what is left is taken over when its lease ends
        tokens.len()
    }
}

/// When deliveries that failed here are due again: the store notifies nobody of that.
#[derive(Default)]
struct Retries(BinaryHeap<Reverse<Instant>>);

impl Retries {
    fn note(&mut self, ended: Ended) {
        let wait = ended.due_after;
        self.0.extend(wait.map(|wait| Reverse(Instant::now() + wait)));
    }

    /// The next of them if it is before this, and forgets those that are past.
    fn next_before(&mut self, latest: Instant) -> Instant {
        while self.0.peek().is_some_and(|Reverse(at)| *at <= Instant::now()) {
            self.0.pop();
        }
        self.0.peek().map_or(latest, |Reverse(at)| latest.min(*at))
    }
}
