//! The metrics that come out are the metrics that are documented.

use std::collections::BTreeSet;
use std::sync::Mutex;

use lifecycle_inbox::Fault;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tokio::time::sleep;

use crate::support::{Bench, SECOND, answer, delivery, put, start};

const DOCUMENTED: &str = include_str!("../../src/telemetry.rs");

#[tokio::test(start_paused = true)]
async fn every_metric_is_documented_and_names_nobody() {
    let names = Names::default();
    let _here = metrics::set_default_local_recorder(&names);
    let bench = Bench::default();
    let inbox = bench.inbox();
    for _ in 0..2 {
        answer(&inbox, &delivery("somebody", "install", "ok")).await.unwrap();
    }
    bench.engine.set_fault(Some(Fault::Away));
    answer(&inbox, &delivery("somebody", "install", "away")).await.unwrap_err();
    bench.engine.set_fault(None);
    put(&bench.engine, "somebody", "fail:1").await;
    put(&bench.engine, "other", "panic").await;
    let _worker = start(bench.worker().attempts(2));
    bench.settled().await;
    sleep(SECOND * 1_300).await; // until the clock has been steady for long enough to prune

    let seen = names.0.lock().unwrap();
    for (name, labels) in &*seen {
        assert!(DOCUMENTED.contains(name.trim_start_matches("lifecycle_inbox")), "{name} is not documented");
        assert!(!labels.contains("somebody"), "{labels}");
    }
    for (name, labels) in [
        ("lifecycle_inbox_writes_total", "platform=seismic result=new"),
        ("lifecycle_inbox_writes_total", "platform=seismic result=duplicate"),
        ("lifecycle_inbox_writes_total", "platform=seismic result=failed"),
        ("lifecycle_inbox_write_seconds", "platform=seismic"),
        ("lifecycle_inbox_attempts_total", "platform=seismic result=done"),
        ("lifecycle_inbox_attempts_total", "platform=seismic result=retry"),
        ("lifecycle_inbox_attempts_total", "platform=seismic result=dead"),
        ("lifecycle_inbox_attempt_seconds", "platform=seismic"),
        ("lifecycle_inbox_lag_seconds", "platform=seismic"),
        ("lifecycle_inbox_pruned_total", "state=done"),
        ("lifecycle_inbox_pruned_total", "state=dead"),
        ("lifecycle_inbox_store_errors_total", "operation=accept"),
        ("lifecycle_inbox_pending", ""),
        ("lifecycle_inbox_leased", ""),
        ("lifecycle_inbox_dead", ""),
        ("lifecycle_inbox_oldest_seconds", ""),
        ("lifecycle_inbox_unknown_platform", ""),
        ("lifecycle_inbox_unknown_platform_oldest_seconds", ""),
    ] {
        assert!(seen.contains(&(name.to_owned(), labels.to_owned())), "{name} {labels} is missing: {seen:?}");
    }
}

/// Notes the names and labels of all metrics.
#[derive(Default)]
struct Names(Mutex<BTreeSet<(String, String)>>);

impl Names {
    fn note(&self, key: &Key) {
        let labels: Vec<String> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        self.0.lock().unwrap().insert((key.name().to_owned(), labels.join(" ")));
    }
}

impl Recorder for Names {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.note(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.note(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.note(key);
        Histogram::noop()
    }
}
