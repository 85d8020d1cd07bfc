//! Telemetry: the events and metrics of this crate, under fixed names.
//!
//! Each answered callback is a `tracing` event with the target `lifecycle::callback` and the fields `platform`, `code`
//! (`accepted`, `not-acknowledged` when the app's own route gave another status than the platform takes as received, or
//! `handshake` when a platform tried out the URL, or a rejection's), `status` (absent where an extractor leaves the answer to the route), `kind`, `key` (the idempotency
//! key), `secret` and `header` (what proved it; of a token the name of its key, and `token`), `elapsed_ms` and `deadline_ms`.
//!
//! | what | level |
//! | --- | --- |
//! | `accepted`, `handshake` | `INFO` |
//! | `method-not-allowed`, `missing-signature`, `missing-token`, `not-found`: any scanner causes them | `DEBUG` |
//! | `body-late`, `body-timeout`, `body-too-large`, `body-unreadable`, `contradiction`, `invalid-header`, `invalid-token`, `keys-unavailable`, `signature-mismatch`, `stale`, `undecodable`, `unexpected-app`, `unexpected-event`: anybody can cause them, some by what was captured or is proven for another use, and so can a fault that blocks an administrator | `WARN` once a minute for each code and verifier, the others `DEBUG` |
//! | everything else: the app's own answer | `WARN` |
//!
//! So strangers cannot fill a disk with warnings, nor hide one of another code or URL behind those of theirs. A warning
//! that follows suppressed ones has their number in the field `suppressed`; alert on the counter below, which has all of
//! them. Clones of a [`Verifier`](crate::Verifier) share their minute.
//!
//! With the feature `metrics`: the counter `lifecycle_callbacks_total` by `platform` and `code`, and the histogram
//! `lifecycle_callback_seconds` by `platform`.
//!
//! An install or enable that may have been sent before a disable or uninstall, and so did not open the installation
//! ([`Transition::KeptClosed`](crate::Transition::KeptClosed)), is a `WARN` event with the target
//! `lifecycle::installation` and the fields `id` (of the delivery: its [`Change::seq`](crate::Change::seq)), `kind` and
//! `status`.
//!
//! None of them ever holds a payload, a tenant, a person, a signature or a secret.

use std::time::{Duration, SystemTime};

use crate::change::Change;
use crate::delivery::Delivery;
use crate::log_limit::LogLimit;
use crate::platform::Platform;
use crate::rejection::Rejection;
use crate::status::Status;
use crate::trust::Trust;

/// A verified callback, and the status that it was answered with, if that is known.
pub(crate) fn answered(delivery: &Delivery, status: Option<u16>, elapsed: Duration) {
    let platform = delivery.platform();
    let (secret, header) = match delivery.trust() {
        Trust::PublicKey { key: name, header } | Trust::Signed { secret: name, header } => {
            (name.as_str(), header.as_ref())
        }
        Trust::Bearer { key } => (key.as_str(), "token"),
        Trust::Observed | Trust::UnguessableUrl => ("none", "none"),
    };
    let kind = delivery.event().kind().name();
    let name = platform.name();
    let acknowledged = status.is_none_or(|status| status == platform.ack().status());
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

/// A platform tried out the URL.
pub(crate) fn handshake(platform: &'static Platform, elapsed: Duration) {
    let code = "handshake";
    tracing::info!(
        target: "lifecycle::callback",
        platform = platform.name(), code, elapsed_ms = millis(elapsed), deadline_ms = deadline(platform),
        "handshake answered"
    );
    count(platform, code, elapsed);
}

/// An install or enable did not open an installation.
pub(crate) fn kept_closed(change: &Change, status: Status) {
    let (id, kind, status) = (change.seq, change.kind.name(), status.name());
    tracing::warn!(
        target: "lifecycle::installation", id, kind, status,
        "kept closed: this event may have been sent before what closed the installation"
    );
}

/// A callback that was not acknowledged.
pub(crate) fn rejected(
    platform: &'static Platform,
    rejection: &Rejection,
    elapsed: Duration,
    warnings: &Warnings,
    now: SystemTime,
) {
    let (code, status) = (rejection.code(), rejection.status());
    let name = platform.name();
    let suppressed = match warnings.cause(rejection) {
        Cause::Scanner => None,
        Cause::Anybody(limit) => limit.admit(now),
        Cause::App => Some(0),
    };
    if let Some(suppressed) = suppressed {
        tracing::warn!(
            target: "lifecycle::callback",
            platform = name, code, status, elapsed_ms = millis(elapsed), deadline_ms = deadline(platform),
            suppressed = (suppressed > 0).then_some(suppressed),
            "callback rejected: {rejection}"
        );
    } else {
        tracing::debug!(
            target: "lifecycle::callback",
            platform = name, code, status, elapsed_ms = millis(elapsed), deadline_ms = deadline(platform),
            "callback rejected: {rejection}"
        );
    }
    count(platform, code, elapsed);
}

/// When a verifier last warned of each of the rejections that anybody can cause.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    body_late: LogLimit,
    body_timeout: LogLimit,
    body_too_large: LogLimit,
    body_unreadable: LogLimit,
    contradiction: LogLimit,
    invalid_header: LogLimit,
    invalid_token: LogLimit,
    keys_unavailable: LogLimit,
    signature_mismatch: LogLimit,
    stale: LogLimit,
    undecodable: LogLimit,
    unexpected_app: LogLimit,
    unexpected_event: LogLimit,
}

/// Whose requests are rejected so.
enum Cause<'w> {
    /// Those of anybody who knows the URL, and of a platform or a proxy that is set up wrong.
    Anybody(&'w LogLimit),
    /// Those that the app gives itself.
    App,
    /// Those of whoever tries out URLs.
    Scanner,
}

impl Warnings {
    fn cause(&self, rejection: &Rejection) -> Cause<'_> {
        match rejection {
            Rejection::BodyLate => Cause::Anybody(&self.body_late),
            Rejection::BodyTimeout => Cause::Anybody(&self.body_timeout),
            Rejection::BodyTooLarge => Cause::Anybody(&self.body_too_large),
            Rejection::BodyUnreadable => Cause::Anybody(&self.body_unreadable),
            Rejection::InvalidHeader(_) => Cause::Anybody(&self.invalid_header),
            Rejection::InvalidToken => Cause::Anybody(&self.invalid_token),
            Rejection::SignatureMismatch => Cause::Anybody(&self.signature_mismatch),
            // What was captured is old some day, and goes to any URL; beside a token anybody puts another body; and a key signs
            // other texts too, such as a session token that each of its users has.
            Rejection::Contradiction(_) => Cause::Anybody(&self.contradiction),
            Rejection::Stale => Cause::Anybody(&self.stale),
            Rejection::Undecodable(_) => Cause::Anybody(&self.undecodable),
            Rejection::UnexpectedApp => Cause::Anybody(&self.unexpected_app),
            Rejection::UnexpectedEvent => Cause::Anybody(&self.unexpected_event),
            Rejection::KeysUnavailable => Cause::Anybody(&self.keys_unavailable),
            Rejection::MethodNotAllowed(_)
            | Rejection::MissingSignature
            | Rejection::MissingToken
            | Rejection::NotFound => Cause::Scanner,
            Rejection::DeadlineExceeded
            | Rejection::HandlerFailed
            | Rejection::Refused(_)
            | Rejection::Unavailable => Cause::App,
        }
    }
}

impl Clone for Warnings {
    /// A verifier that is made from another one, for another URL, warns separately.
    fn clone(&self) -> Self {
        Self::default()
    }
}

fn deadline(platform: &Platform) -> Option<u64> {
    platform.ack().deadline().map(millis)
}

pub(crate) fn millis(time: Duration) -> u64 {
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
