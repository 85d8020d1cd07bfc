//! Attempt: one run of the handler for one claimed delivery, and what becomes of the delivery.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use lifecycle_core::{Change, Delivery};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::dispatcher::{Dispatcher, STORE_BACKOFF};
use crate::engine::{AfterFailure, Claim, LeaseToken};
use crate::error::EngineError;
use crate::record::Unreadable;
use crate::runner::RunOutcome;
use crate::telemetry;

/// How long a delivery waits when the runner had no connection for it.
const NOT_RUN: Duration = Duration::from_secs(1);

/// How an attempt ended.
enum Outcome {
    Dead(String),
    Done,
    LeaseLost,
    NotRun,
    Retry(String, Duration),
}

impl Dispatcher {
    /// Makes one attempt. Returns after which time the delivery is due again, if it is.
    pub(crate) async fn attempt(
        self: Arc<Self>,
        claim: Claim,
        lost: oneshot::Receiver<()>,
    ) -> Option<Duration> {
        let started = Instant::now();
        let record = claim.record.as_ref().ok();
        let platform = record.and_then(|record| self.settings.platforms.find(&record.tenant.platform));
        let end = tokio::select! {
            biased;
            end = self.run(&claim) => end,
            _ = lost => Outcome::LeaseLost,
        };
        self.leases.untrack(claim.token);
        let told = telemetry::Attempt {
            token: claim.token,
            platform: platform.map_or("unknown", |platform| platform.name()),
            kind: record.map_or("unknown", |record| &record.kind),
            nth: claim.attempt,
            overtaken_by: claim.overtaken_by.map(|later| later.0),
            elapsed: started.elapsed(),
            lag: record.map_or(Duration::ZERO, |record| self.engine.now().since(record.received_at)),
        };
        match end {
            Outcome::Dead(error) => told.ended("dead", Some(&error)),
            Outcome::Done => told.ended("done", None),
            Outcome::LeaseLost => told.ended("lost", Some("the lease was lost")),
            Outcome::NotRun => {} // it was no attempt
            Outcome::Retry(error, wait) => {
                told.ended("retry", Some(&error));
                return Some(wait);
            }
        }
        None
    }

    async fn run(&self, claim: &Claim) -> Outcome {
        if claim.attempt > self.settings.attempts {
            // The attempts before were neither finished nor failed: whoever made them died, perhaps of this very delivery.
            let error = format!("given up after {} attempts; the last one never ended", claim.attempt - 1);
            return self.give_up(claim, error).await;
        }
        let delivery = match self.delivery(claim) {
            Ok(delivery) => delivery,
            // A worker of that release can read it.
            Err(unreadable) if unreadable.is_of_later_release() => {
                return self.failed(claim, unreadable.to_string()).await;
            }
            Err(unreadable) => return self.give_up(claim, unreadable.to_string()).await,
        };
        let run = AssertUnwindSafe(self.runner.run(claim.token, &delivery)).catch_unwind();
        let ran = timeout(self.settings.time_limit, run).await;
        self.leases.finishing(claim.token);
        match ran {
            Ok(Ok(Ok(RunOutcome::Handled))) => self.complete(claim.token, &delivery).await,
            Ok(Ok(Ok(RunOutcome::Committed))) => Outcome::Done,
            Ok(Ok(Ok(RunOutcome::LeaseLost))) => Outcome::LeaseLost,
            Ok(Ok(Ok(RunOutcome::NotRun(why)))) => self.release(claim.token, why).await,
            Ok(Ok(Err(error))) => self.failed(claim, error.to_string()).await,
            Ok(Err(_panic)) => self.failed(claim, "the handler panicked".to_owned()).await, // its message may hold anything
            Err(_elapsed) => {
                let limit = self.settings.time_limit.as_secs_f64();
                self.failed(claim, format!("the handler did not end within {limit} s")).await
            }
        }
    }

    /// Releases the delivery after a moment: at once, it would be claimed again at once, and again without a connection.
    async fn release(&self, token: LeaseToken, why: String) -> Outcome {
        telemetry::store_failed("run", &EngineError::new(why), NOT_RUN);
        sleep(NOT_RUN).await;
        self.until_stored("release", || self.engine.release(token, self.engine.now())).await;
        Outcome::NotRun
    }

    fn delivery(&self, claim: &Claim) -> Result<Delivery, Unreadable> {
        let record = claim.record.as_ref().map_err(Clone::clone)?;
        let overtaken_by = claim.overtaken_by.map(|later| later.0);
        record.restore(&self.settings.platforms).map(|delivery| delivery.with_overtaken_by(overtaken_by))
    }

    async fn complete(&self, token: LeaseToken, delivery: &Delivery) -> Outcome {
        let change = Change::new(delivery, token.id.0);
        let held =
            self.until_stored("complete", || self.engine.complete(token, self.engine.now(), &change)).await;
        if held { Outcome::Done } else { Outcome::LeaseLost }
    }

    async fn failed(&self, claim: &Claim, error: String) -> Outcome {
        if claim.attempt >= self.settings.attempts {
            return self.give_up(claim, error).await;
        }
        let wait = self.settings.backoff.after(claim.attempt);
        self.fail(claim, error, AfterFailure::At(self.engine.now() + wait), wait).await
    }

    /// Makes it a dead letter. What closes an installation closes it all the same: the administrator was told that it
    /// is closed, and the app must not go on acting for the tenant.
    async fn give_up(&self, claim: &Claim, error: String) -> Outcome {
        let delivery = self.delivery(claim).ok().filter(|delivery| delivery.event().kind().closes());
        let change = delivery.map(|delivery| Change::new(&delivery, claim.token.id.0));
        self.fail(claim, error, AfterFailure::Dead(change.as_ref()), Duration::ZERO).await
    }

    async fn fail(&self, claim: &Claim, error: String, next: AfterFailure<'_>, wait: Duration) -> Outcome {
        self.leases.finishing(claim.token);
        let held = self
            .until_stored("fail", || self.engine.fail(claim.token, self.engine.now(), &error, next))
            .await;
        match next {
            _ if !held => Outcome::LeaseLost,
            AfterFailure::At(_) => Outcome::Retry(error, wait),
            AfterFailure::Dead(_) => Outcome::Dead(error),
        }
    }

    /// Tries until the store answers. The end of the lease ends this too.
    async fn until_stored<F>(&self, operation: &'static str, store: impl Fn() -> F) -> bool
    where
        F: Future<Output = Result<bool, EngineError>>,
    {
        let mut failures = 0;
        loop {
            match store().await {
                Ok(held) => return held,
                Err(error) => {
                    failures += 1;
                    let wait = STORE_BACKOFF.after(failures);
                    telemetry::store_failed(operation, &error, wait);
                    sleep(wait).await;
                }
            }
        }
    }
}
