//! Telemetry: the one event and the two metrics of each answered callback, under fixed names.
//!
//! A `tracing` event with the target `lifecycle::callback` and the fields `platform`, `code` (`accepted`,
//! `not-acknowledged` when the app's own route gave another status than the platform takes as received, or a
//! rejection's), `status` (absent where an extractor leaves the answer to the route), `kind`, `key` (the idempotency
//! key), `secret` and `header` (what proved it), `elapsed_ms` and `deadline_ms`. Accepted callbacks are `INFO`; all
//! others are `WARN`, except those that any stranger's scanner causes, which are `DEBUG`.
//!
//! With the feature `metrics`: the counter `lifecycle_callbacks_total` by `platform` and `code`, and the histogram
//! `lifecycle_callback_seconds` by `platform`.
//!
//! Neither ever holds a payload, a tenant, a person, a signature or a secret.

use std::time::Duration;

use crate::delivery::{Delivery, Trust};
use crate::platform::Platform;
use crate::rejection::Rejection;

/// A verified callback, and the status that it was answered with, if that is known.
pub(crate) fn answered(delivery: &Delivery, status: Option<u16>, elapsed: Duration) {
    let platform = delivery.platform();
    let (secret, header) = match delivery.trust() {
        Trust::Signed { secret, header } => (secret.as_str(), *header),
        Trust::Unsigned => ("none", "none"),
    };
    let kind = delivery.event().kind().name();
    let name = platform.name();
    let acknowledged = status.is_none_or(|status| status == platform.ack().success());
    let code = if acknowledged { "accepted" } else { "not-acknowledged" };
    if acknowledged {
        tracing::info!(
            target: "lifecycle::callback",
            platform = name, code, status, kind, key = %delivery.idempotency_key(), secret, header,
            elapsed_ms = millis(elapsed), deadline_ms = deadline(platform),
            "callback answered"
        );
    } else {
        tracing::warn!(
            target: "lifecycle::callback",
            platform = name, code, status, kind, key = %delivery.idempotency_key(), secret, header,
            elapsed_ms = millis(elapsed), deadline_ms = deadline(platform),
            "the route's status is not what the platform takes as received"
        );
    }
    count(platform, code, elapsed);
}

pub(crate) fn rejected(platform: &'static Platform, rejection: &Rejection, elapsed: Duration) {
    let (code, status) = (rejection.code(), rejection.status());
    let name = platform.name();
    match rejection {
        Rejection::MethodNotAllowed | Rejection::MissingSignature | Rejection::NotFound => tracing::debug!(
            target: "lifecycle::callback",
            platform = name, code, status, elapsed_ms = millis(elapsed), deadline_ms = deadline(platform),
            "callback rejected: {rejection}"
        ),
        _ => tracing::warn!(
            target: "lifecycle::callback",
            platform = name, code, status, elapsed_ms = millis(elapsed), deadline_ms = deadline(platform),
            "callback rejected: {rejection}"
        ),
    }
    count(platform, code, elapsed);
}

fn deadline(platform: &Platform) -> Option<u64> {
    platform.ack().deadline_after().map(millis)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(feature = "metrics")]
fn count(platform: &'static Platform, code: &'static str, elapsed: Duration) {
    metrics::counter!("lifecycle_callbacks_total", "platform" => platform.name(), "code" => code)
        .increment(1);
    metrics::histogram!("lifecycle_callback_seconds", "platform" => platform.name()).record(elapsed);
}

#[cfg(not(feature = "metrics"))]
fn count(_platform: &'static Platform, _code: &'static str, _elapsed: Duration) {}
