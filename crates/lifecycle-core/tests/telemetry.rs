//! What rejected requests leave in the log and in the metrics, however many there are.

use std::time::{Duration, SystemTime};

use lifecycle_core::{
    Decision, EventKind, ExpectedApp, Method, Rejection, RequestOutcome, Secret, Undecodable, Verifier,
    seismic,
};
use test_adapter::Log;

/// Whoever knows the URL causes these, some with a captured request or a token of their own; so does a fault that blocks an
/// administrator.
const ANYBODY: [Rejection; 12] = [
    Rejection::BodyLate,
    Rejection::BodyTimeout,
    Rejection::BodyTooLarge,
    Rejection::BodyUnreadable,
    Rejection::Contradiction("tid"),
    Rejection::InvalidHeader("x-seismic-signature"),
    Rejection::KeysUnavailable,
    Rejection::SignatureMismatch,
    Rejection::Stale,
    Rejection::Undecodable(Undecodable::NotUtf8),
    Rejection::UnexpectedApp,
    Rejection::UnexpectedEvent,
];

fn verifier() -> Verifier {
    Verifier::new(&seismic::PLATFORM, Secret::new("s3cr3t").unwrap(), ExpectedApp::Any).unwrap()
}

fn reject(verifier: &Verifier, rejection: &Rejection, second: u64) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
    verifier.record(RequestOutcome::Rejected(&rejection.clone().into()), Duration::ZERO, now);
}

/// The lines of one level that name this code.
fn lines<'l>(log: &'l str, level: &str, code: &str) -> Vec<&'l str> {
    let code = format!("code=\"{code}\"");
    log.lines().filter(|line| line.contains(level) && line.contains(&code)).collect()
}

#[test]
fn a_flood_of_forged_requests_leaves_one_warning_a_minute_and_code() {
    let (log, _logging) = Log::start("lifecycle=info");
    let verifier = verifier();
    for forged in 0..10_000 {
        reject(&verifier, &Rejection::SignatureMismatch, forged * 60 / 10_000);
    }
    let first = log.take();
    assert_eq!(first.lines().count(), 1, "{first}");
    let warnings = lines(&first, "WARN", "signature-mismatch");
    assert!(warnings[0].contains("does not match the body received"), "the detail: {first}");
    assert!(!first.contains("suppressed"), "{first}");

    for other in ANYBODY.iter().filter(|other| **other != Rejection::SignatureMismatch) {
        reject(&verifier, other, 59);
        let shown = log.take();
        assert_eq!(lines(&shown, "WARN", other.code()).len(), 1, "another code shows at once: {shown}");
    }

    reject(&verifier, &Rejection::SignatureMismatch, 60);
    let next = log.take();
    assert!(lines(&next, "WARN", "signature-mismatch")[0].contains("suppressed=9999"), "{next}");
}

#[test]
fn at_debug_every_rejection_shows() {
    let (log, _logging) = Log::start("lifecycle=debug");
    let verifier = verifier();
    for _ in 0..100 {
        reject(&verifier, &Rejection::SignatureMismatch, 0);
    }
    let shown = log.take();
    assert_eq!(lines(&shown, "WARN", "signature-mismatch").len(), 1, "{shown}");
    assert_eq!(lines(&shown, "DEBUG", "signature-mismatch").len(), 99, "{shown}");
}

#[test]
fn what_the_app_rejects_is_warned_of_each_time() {
    let (log, _logging) = Log::start("lifecycle=info");
    let verifier = verifier();
    let Decision::Refuse(reason) = Decision::refuse("no contract") else { unreachable!() };
    for rejection in [
        Rejection::DeadlineExceeded,
        Rejection::HandlerFailed,
        Rejection::Refused(reason),
        Rejection::Unavailable,
    ] {
        for _ in 0..10 {
            reject(&verifier, &rejection, 0);
        }
        let shown = log.take();
        assert_eq!(lines(&shown, "WARN", rejection.code()).len(), 10, "{shown}");
    }
}

#[test]
fn scanners_cause_no_warning() {
    let (log, _logging) = Log::start("lifecycle=info");
    let verifier = verifier();
    for rejection in
        [Rejection::MethodNotAllowed(Method::Post), Rejection::MissingSignature, Rejection::NotFound]
    {
        reject(&verifier, &rejection, 0);
    }
    assert_eq!(log.take(), "");
}

#[test]
fn a_flood_at_one_url_does_not_hide_a_warning_of_another() {
    let (log, _logging) = Log::start("lifecycle=info");
    let flooded = verifier();
    let shared = flooded.clone();
    let own = flooded.clone().expect_event(EventKind::Install);
    for (verifier, shown) in [(&flooded, 1), (&flooded, 0), (&shared, 0), (&own, 1), (&own, 0)] {
        reject(verifier, &Rejection::SignatureMismatch, 0);
        assert_eq!(log.take().lines().count(), shown);
    }
}

#[cfg(feature = "metrics")]
mod counted {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};

    use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

    use super::*;

    #[test]
    fn the_metrics_count_those_too_that_are_not_warned_of() {
        let counters = Counters::default();
        metrics::with_local_recorder(&counters, || {
            let verifier = verifier();
            for rejection in ANYBODY.iter().cycle().take(2_000 * ANYBODY.len()) {
                reject(&verifier, rejection, 0);
            }
        });
        let counted: BTreeMap<_, _> = counters
            .0
            .lock()
            .unwrap()
            .iter()
            .map(|(code, n)| (code.clone(), n.load(Ordering::Relaxed)))
            .collect();
        let expected: BTreeMap<_, _> =
            ANYBODY.iter().map(|rejection| (rejection.code().to_owned(), 2_000)).collect();
        assert_eq!(counted, expected);
    }

    /// Counts by code.
    #[derive(Default)]
    struct Counters(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

    impl Recorder for Counters {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            assert_eq!(key.name(), "lifecycle_callbacks_total");
            let code = key.labels().find(|label| label.key() == "code").unwrap().value().to_owned();
            Counter::from_arc(Arc::clone(self.0.lock().unwrap().entry(code).or_default()))
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }
}
