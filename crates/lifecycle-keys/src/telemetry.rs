//! Telemetry: the events and metrics of fetched keys, under fixed names.
//!
//! `tracing` events with the target `lifecycle::keys`:
//!
//! | message | level | fields |
//! | --- | --- | --- |
//! | `keys fetched` | `DEBUG` | `platform`, `fresh_s` (how long they are fresh) |
//! | `keys not fetched` | `WARN` while older ones are used, else `ERROR`: callbacks are answered 503 | `platform`, `error`, `age_s` (of the older ones) |
//!
//! A set is fetched at most every 30 s, and five times more where an app starts while its server is down, so strangers cannot fill a disk
//! with them. With the feature
//! `metrics`:
//!
//! | metric | kind | labels |
//! | --- | --- | --- |
//! | `lifecycle_keys_lookups_total` | counter of callbacks | `platform`, `result` (`found`; `unknown`: 401; `unavailable`: 503) |
//! | `lifecycle_keys_fetches_total` | counter | `platform`, `result` (`fetched`, `failed`) |
//! | `lifecycle_keys_age_seconds` | gauge, set at each fetch: the age of the keys that are used from then on, 0 where they are new | `platform` |
//!
//! Alert on `failed`, and on `unavailable`, which is a callback that was not taken. None of them ever holds a URL, a tenant, a
//! key or its id.

use std::time::Duration;

use lifecycle_core::Platform;

use crate::client::FetchError;

pub(crate) fn fetched(platform: &'static Platform, fresh_for: Duration) {
    tracing::debug!(
        target: "lifecycle::keys", platform = platform.name(), fresh_s = fresh_for.as_secs(), "keys fetched"
    );
    metrics::fetched(platform.name(), "fetched", Some(Duration::ZERO));
}

/// `age`: of the keys that are used meanwhile.
pub(crate) fn not_fetched(platform: &'static Platform, error: FetchError, age: Option<Duration>) {
    let (name, age_s) = (platform.name(), age.map(|age| age.as_secs()));
    if age.is_some() {
        tracing::warn!(target: "lifecycle::keys", platform = name, %error, age_s, "keys not fetched");
    } else {
        tracing::error!(target: "lifecycle::keys", platform = name, %error, "keys not fetched");
    }
    metrics::fetched(name, "failed", age);
}

pub(crate) fn looked_up(platform: &'static Platform, result: &'static str) {
    metrics::looked_up(platform.name(), result);
}

#[cfg(feature = "metrics")]
mod metrics {
    use std::time::Duration;

    use metrics::{counter, gauge};

    pub(super) fn fetched(platform: &'static str, result: &'static str, age: Option<Duration>) {
        counter!("lifecycle_keys_fetches_total", "platform" => platform, "result" => result).increment(1);
        if let Some(age) = age {
            gauge!("lifecycle_keys_age_seconds", "platform" => platform).set(age.as_secs_f64());
        }
    }

    pub(super) fn looked_up(platform: &'static str, result: &'static str) {
        counter!("lifecycle_keys_lookups_total", "platform" => platform, "result" => result).increment(1);
    }
}

/// The same without a recorder.
#[cfg(not(feature = "metrics"))]
mod metrics {
    use std::time::Duration;

    pub(super) fn fetched(_platform: &'static str, _result: &'static str, _age: Option<Duration>) {}
    pub(super) fn looked_up(_platform: &'static str, _result: &'static str) {}
}
