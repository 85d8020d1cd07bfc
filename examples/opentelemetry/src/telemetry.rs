//! Telemetry: traces and metrics go to an OpenTelemetry collector, by OTLP.

use std::error::Error;

use metrics_exporter_opentelemetry::Recorder;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{Aggregation, Instrument, InstrumentKind, SdkMeterProvider, Stream};
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
        let (metrics, _) = Recorder::builder("lifecycle")
            .with_meter_provider(|builder| {
                builder.with_resource(resource).with_periodic_exporter(exporter).with_view(in_seconds)
            })
            .install()?;
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

/// Seconds as [`SECONDS`] for each histogram: the SDK's own boundaries are made for milliseconds.
fn in_seconds(instrument: &Instrument) -> Option<Stream> {
    let boundaries = SECONDS.to_vec();
    let aggregation = Aggregation::ExplicitBucketHistogram { boundaries, record_min_max: true };
    let is_histogram = instrument.kind() == InstrumentKind::Histogram;
    is_histogram.then(|| Stream::builder().with_aggregation(aggregation).build().ok()).flatten()
}
