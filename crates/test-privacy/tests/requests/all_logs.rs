//! All logs: each event that this process logs, at every level, with whichever of the two facades, and with the spans that it is in.

use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record as Values};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

static EVENTS: Mutex<Vec<Logged>> = Mutex::new(Vec::new());

/// One event, or the values of a span.
pub(crate) struct Logged {
    pub(crate) target: String,
    pub(crate) text: String,
}

/// Everything is kept.
#[derive(Clone, Copy)]
pub(crate) struct AllLogs;

impl AllLogs {
    /// Logs from now on.
    pub(crate) fn start() {
        log::set_logger(&Self).expect("the only logger");
        log::set_max_level(LevelFilter::Trace);
        let subscriber = tracing_subscriber::registry().with(Self);
        tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
    }

    /// What was logged so far.
    pub(crate) fn take() -> Vec<Logged> {
        std::mem::take(&mut *EVENTS.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn keep(target: &str, text: String) {
    EVENTS.lock().unwrap_or_else(PoisonError::into_inner).push(Logged { target: target.to_owned(), text });
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for AllLogs {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        keep(event.metadata().target(), text.0);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut text = Text(attributes.metadata().name().to_owned());
        attributes.record(&mut text);
        keep(attributes.metadata().target(), text.0);
    }

    fn on_record(&self, id: &Id, values: &Values<'_>, context: Context<'_, S>) {
        let mut text = Text(String::new());
        values.record(&mut text);
        keep(context.metadata(id).map_or("unknown", |metadata| metadata.target()), text.0);
    }
}

/// The fields of an event, one after the other.
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {field}={value}"); // to memory: it succeeds
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Log for AllLogs {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        keep(record.target(), record.args().to_string());
    }

    fn flush(&self) {}
}
