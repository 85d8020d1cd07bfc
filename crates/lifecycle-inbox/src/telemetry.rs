//! Telemetry: the events and metrics of the inbox and its workers, under fixed names.
//!
//! `tracing` events with the target `lifecycle::inbox`:
//!
//! | message | level | fields |
//! | --- | --- | --- |
//! | `delivery stored` | `DEBUG`; a duplicate `INFO` | `platform`, `kind`, `key`, `result` (`new`, `duplicate`) |
//! | `delivery not stored` | `ERROR` | `platform`, `kind`, `key`, `error` |
//! | `attempt ended` | `done` `INFO`, `retry` and `lost` `WARN`, `dead` `ERROR` | `id`, `platform`, `kind`, `attempt`, `result`, `elapsed_ms`, `overtaken_by` (a later delivery of the tenant that is done), `error` |
//! | `store failed` | `WARN` | `operation`, `error`, `again_in_ms` |
//! | `installation not read` | `ERROR`, at most once a minute | `platform`, `error`, `suppressed` (how many more there were) |
//! | `deliveries of unknown platforms wait` | `ERROR`, at most once a minute | `platforms`, `open` (how many deliveries), `oldest_s` |
//! | `slow handlers have all places` | `WARN` | `running` |
//! | `worker started` | `INFO` | `worker` |
//! | `worker stopped` | `INFO` | `worker`, `released` (how many deliveries it gave back unfinished) |
//! | `old deliveries pruned` | `DEBUG`; with dead letters among them `WARN` | `done`, `dead`, `keys` (how many of each) |
//!
//! With the feature `metrics`:
//!
//! | metric | kind | labels |
//! | --- | --- | --- |
//! | `lifecycle_inbox_writes_total` | counter | `platform`, `result` (`new`, `duplicate`, `failed`) |
//! | `lifecycle_inbox_write_seconds` | histogram | `platform` |
//! | `lifecycle_inbox_attempts_total` | counter | `platform`, `result` (`done`, `retry`, `dead`, `lost`) |
//! | `lifecycle_inbox_attempt_seconds` | histogram | `platform` |
//! | `lifecycle_inbox_lag_seconds` | histogram, from receipt to completion | `platform` |
//! | `lifecycle_inbox_pruned_total` | counter of deliveries that were too old | `state` (`done`, `dead`) |
//! | `lifecycle_inbox_store_errors_total` | counter | `operation` |
//! | `lifecycle_inbox_pending`, `lifecycle_inbox_leased`, `lifecycle_inbox_dead` | gauge | - |
//! | `lifecycle_inbox_oldest_seconds` | gauge, age of the oldest open delivery, 0 without one | - |
//! | `lifecycle_inbox_unknown_platform` | gauge, open deliveries of platforms that this worker does not know | - |
//! | `lifecycle_inbox_unknown_platform_oldest_seconds` | gauge, age of the oldest of them, 0 without one | - |
//!
//! Every worker sets the gauges to the numbers of the whole store, so take the maximum over replicas, not the sum. Of those of
//! unknown platforms take the minimum: what any worker knows is handled.
//!
//! The `error` of an attempt is the app's own text, as far as [`HandlerError`](lifecycle_core::HandlerError) shows it; of a
//! panic it says only that there was one. Nothing else ever holds a payload, a tenant or a person.

use std::time::Duration;

use lifecycle_core::Delivery;

use crate::engine::{Accepted, LeaseToken};
use crate::error::EngineError;
use crate::operations::{Pruned, Stats, UnknownPlatform};

/// A delivery was written, or known already.
pub(crate) fn stored(delivery: &Delivery, accepted: Accepted, elapsed: Duration) {
    let (platform, kind) = (delivery.platform().name(), delivery.event().kind().name());
    let key = delivery.idempotency_key();
    let result = match accepted {
        Accepted::Duplicate => {
            tracing::info!(
                target: "lifecycle::inbox", platform, kind, %key, result = "duplicate", "delivery stored"
            );
            "duplicate"
        }
        Accepted::New(_) => {
            tracing::debug!(
                target: "lifecycle::inbox", platform, kind, %key, result = "new", "delivery stored"
            );
            "new"
        }
    };
    metrics::written(platform, result, elapsed);
}

/// A delivery could not be written.
pub(crate) fn not_stored(delivery: &Delivery, error: &EngineError, elapsed: Duration) {
    let (platform, kind) = (delivery.platform().name(), delivery.event().kind().name());
    let key = delivery.idempotency_key();
    tracing::error!(target: "lifecycle::inbox", platform, kind, %key, %error, "delivery not stored");
    metrics::written(platform, "failed", elapsed);
    metrics::store_failed("accept");
}

/// What there is to say of an attempt.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) token: LeaseToken,
    /// A platform that the worker knows, or `unknown`.
    pub(crate) platform: &'static str,
    pub(crate) kind: &'a str,
    /// Counted from 1.
    pub(crate) nth: u32,
    /// A later delivery of the tenant that is done.
    pub(crate) overtaken_by: Option<i64>,
    pub(crate) elapsed: Duration,
    /// From receipt to now.
    pub(crate) lag: Duration,
}

impl Attempt<'_> {
    pub(crate) fn ended(&self, result: &'static str, error: Option<&str>) {
        let Self { token, platform, kind, nth: attempt, overtaken_by, elapsed, lag } = *self;
        let (id, elapsed_ms) = (token.id.0, millis(elapsed));
        match result {
            "done" => tracing::info!(
                target: "lifecycle::inbox", id, platform, kind, attempt, result, elapsed_ms, overtaken_by,
                "attempt ended"
            ),
            "dead" => tracing::error!(
                target: "lifecycle::inbox", id, platform, kind, attempt, result, elapsed_ms, overtaken_by,
                error, "attempt ended"
            ),
            _ => tracing::warn!(
                target: "lifecycle::inbox", id, platform, kind, attempt, result, elapsed_ms, overtaken_by,
                error, "attempt ended"
            ),
        }
        metrics::attempted(platform, result, elapsed);
        if result == "done" {
            metrics::lagged(platform, lag);
        }
    }
}

/// An operation of the store failed, and is tried again.
pub(crate) fn store_failed(operation: &'static str, error: &EngineError, again: Duration) {
    tracing::warn!(
        target: "lifecycle::inbox", operation, %error, again_in_ms = millis(again), "store failed"
    );
    metrics::store_failed(operation);
}

/// Deliveries wait for a worker that knows their platform.
pub(crate) fn unknown_platforms(unknown: &[UnknownPlatform]) {
    let platforms: Vec<&str> = unknown.iter().map(|platform| &*platform.name).collect();
    let (open, oldest) = sum(unknown);
    tracing::error!(
        target: "lifecycle::inbox", ?platforms, open, oldest_s = oldest.as_secs(),
        "deliveries of unknown platforms wait"
    );
}

/// The same for the gauges, also when there are none.
pub(crate) fn unknown_waiting(unknown: &[UnknownPlatform]) {
    let (open, oldest) = sum(unknown);
    metrics::unknown(open, oldest);
}

fn sum(unknown: &[UnknownPlatform]) -> (u64, Duration) {
    let oldest = unknown.iter().map(|platform| platform.oldest).max().unwrap_or_default();
    (unknown.iter().map(|platform| platform.open).sum(), oldest)
}

/// Handlers that run for long hold up all other tenants.
pub(crate) fn slots_taken(running: usize) {
    tracing::warn!(target: "lifecycle::inbox", running, "slow handlers have all places");
}

pub(crate) fn worker_started(worker: &str) {
    tracing::info!(target: "lifecycle::inbox", worker, "worker started");
}

pub(crate) fn worker_stopped(worker: &str, released: usize) {
    tracing::info!(target: "lifecycle::inbox", worker, released, "worker stopped");
}

pub(crate) fn pruned(pruned: Pruned) {
    let Pruned { done, dead, keys } = pruned;
    if dead > 0 {
        tracing::warn!(target: "lifecycle::inbox", done, dead, keys, "old deliveries pruned"); // nobody had them handled
    } else {
        tracing::debug!(target: "lifecycle::inbox", done, dead, keys, "old deliveries pruned");
    }
    metrics::pruned(pruned);
}

pub(crate) fn depth(stats: &Stats) {
    metrics::depth(stats);
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(feature = "metrics")]
mod metrics {
    use std::time::Duration;

    use metrics::{counter, gauge, histogram};

    use crate::operations::{Pruned, Stats};

    pub(super) fn written(platform: &'static str, result: &'static str, elapsed: Duration) {
        counter!("lifecycle_inbox_writes_total", "platform" => platform, "result" => result).increment(1);
        histogram!("lifecycle_inbox_write_seconds", "platform" => platform).record(elapsed);
    }

    pub(super) fn attempted(platform: &'static str, result: &'static str, elapsed: Duration) {
        counter!("lifecycle_inbox_attempts_total", "platform" => platform, "result" => result).increment(1);
        histogram!("lifecycle_inbox_attempt_seconds", "platform" => platform).record(elapsed);
    }

    pub(super) fn lagged(platform: &'static str, lag: Duration) {
        histogram!("lifecycle_inbox_lag_seconds", "platform" => platform).record(lag);
    }

    pub(super) fn store_failed(operation: &'static str) {
        counter!("lifecycle_inbox_store_errors_total", "operation" => operation).increment(1);
    }

    pub(super) fn pruned(pruned: Pruned) {
        counter!("lifecycle_inbox_pruned_total", "state" => "done").increment(pruned.done);
        counter!("lifecycle_inbox_pruned_total", "state" => "dead").increment(pruned.dead);
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts stay far below 2^52")]
    pub(super) fn depth(stats: &Stats) {
        gauge!("lifecycle_inbox_pending").set(stats.pending as f64);
        gauge!("lifecycle_inbox_leased").set(stats.leased as f64);
        gauge!("lifecycle_inbox_dead").set(stats.dead as f64);
        gauge!("lifecycle_inbox_oldest_seconds").set(stats.oldest.unwrap_or_default().as_secs_f64());
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts stay far below 2^52")]
    pub(super) fn unknown(open: u64, oldest: Duration) {
        gauge!("lifecycle_inbox_unknown_platform").set(open as f64);
        gauge!("lifecycle_inbox_unknown_platform_oldest_seconds").set(oldest.as_secs_f64());
    }
}

/// The same without a recorder.
#[cfg(not(feature = "metrics"))]
mod metrics {
    use std::time::Duration;

    use crate::operations::{Pruned, Stats};

    pub(super) fn written(_platform: &'static str, _result: &'static str, _elapsed: Duration) {}
    pub(super) fn attempted(_platform: &'static str, _result: &'static str, _elapsed: Duration) {}
    pub(super) fn lagged(_platform: &'static str, _lag: Duration) {}
    pub(super) fn store_failed(_operation: &'static str) {}
    pub(super) fn pruned(_pruned: Pruned) {}
    pub(super) fn depth(_stats: &Stats) {}
    pub(super) fn unknown(_open: u64, _oldest: Duration) {}
}
