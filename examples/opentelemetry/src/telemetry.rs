//! Telemetry: traces and metrics go to an OpenTelemetry collector, by OTLP.

use std::error::Error;
use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics::{CounterFn, GaugeFn, HistogramFn};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

type Failure = Box<dyn Error + Send + Sync>;

/// From 5 ms to 5 s, in which a platform waits. A lag in the inbox may be longer, and is in the last bucket then.
const SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// What sends traces and metrics; [`Telemetry::stop`] sends what is left.
pub(crate) struct Telemetry {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Telemetry {
    /// Sends to this collector, such as `http://127.0.0.1:4318`, and writes the log to the standard error. Call it first of all: a
    /// verifier takes the recorder that is there when it is made.
    pub(crate) fn start(service: &'static str, collector: &str) -> Result<Self, Failure> {
        let resource = Resource::builder().with_service_name(service).build();
        let spans = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(format!("{collector}/v1/traces"))
            .build()?;
        let traces =
            SdkTracerProvider::builder().with_resource(resource.clone()).with_batch_exporter(spans).build();
        let exporter = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(format!("{collector}/v1/metrics"))
            .build()?;
        let metrics =
            SdkMeterProvider::builder().with_resource(resource).with_periodic_exporter(exporter).build();

        metrics::set_global_recorder(ToMeter(metrics.meter("lifecycle")))
            .map_err(|_| "there is a recorder of metrics already")?;
        let spans = tracing_opentelemetry::layer().with_tracer(traces.tracer("lifecycle"));
        tracing_subscriber::registry()
            .with(spans.with_filter(LevelFilter::INFO))
            .with(
                tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(LevelFilter::INFO),
            )
            .try_init()?;
        Ok(Self { traces, metrics })
    }

    /// Sends what has not been sent yet. It blocks.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.traces.shutdown()?;
        self.metrics.shutdown()?;
        Ok(())
    }
}

/// What the libraries count through the `metrics` facade, as instruments of a meter. It asks for an instrument at each use: the SDK
/// gives the same one for the same name.
struct ToMeter(Meter);

impl Recorder for ToMeter {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let counter = self.0.u64_counter(key.name().to_owned()).build();
        Counter::from_arc(Arc::new(Labelled { instrument: counter, labels: labels(key) }))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let gauge = self.0.f64_gauge(key.name().to_owned()).build();
        Gauge::from_arc(Arc::new(Labelled { instrument: gauge, labels: labels(key) }))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let histogram = self.0.f64_histogram(key.name().to_owned()).with_boundaries(SECONDS.to_vec()).build();
        Histogram::from_arc(Arc::new(Labelled { instrument: histogram, labels: labels(key) }))
    }
}

struct Labelled<I> {
    instrument: I,
    labels: Vec<KeyValue>,
}

fn labels(key: &Key) -> Vec<KeyValue> {
    key.labels().map(|label| KeyValue::new(label.key().to_owned(), label.value().to_owned())).collect()
}

impl CounterFn for Labelled<opentelemetry::metrics::Counter<u64>> {
    fn increment(&self, value: u64) {
        self.instrument.add(value, &self.labels);
    }

    fn absolute(&self, _: u64) {} // these libraries do not use it
}

impl GaugeFn for Labelled<opentelemetry::metrics::Gauge<f64>> {
    fn increment(&self, _: f64) {} // these libraries only set a gauge
    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.instrument.record(value, &self.labels);
    }
}

impl HistogramFn for Labelled<opentelemetry::metrics::Histogram<f64>> {
    fn record(&self, value: f64) {
        self.instrument.record(value, &self.labels);
    }
}
