//! Delivery: sends requests, some at a time, and judges what came back.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use lifecycle_core::AckPolicy;

use crate::client::{Client, Exchange, Outgoing};
use crate::failure::Failure;
use crate::verdict::{Intent, Verdict, judge};

/// A request's exchange and what the platform would make of it.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(crate) exchange: Exchange,
    pub(crate) verdict: Verdict,
}

/// Sends all of them, at most `concurrency` at a time, and gives what became of each, in their order.
///
/// # Errors
/// When the server cannot be reached.
pub(crate) fn deliver(
    outgoing: impl ExactSizeIterator<Item = Outgoing>,
    concurrency: usize,
    timeout: Duration,
    ack: &AckPolicy,
    intent: Intent,
) -> Result<Vec<Delivered>, Failure> {
    let client = Client::new(timeout)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(format!("no runtime: {error}"), "free some of the system's resources")
    })?;
    let total = outgoing.len();
    let progress = Progress { total, shown: total > 1 && stderr().is_terminal() };
    runtime.block_on(async {
        let mut sent = stream::iter(outgoing)
            .map(|outgoing| {
                let client = &client;
                async move { client.send(&outgoing).await }
            })
            .buffered(concurrency);
        let mut delivered = Vec::with_capacity(total);
        while let Some(exchange) = sent.next().await {
            let exchange = exchange.inspect_err(|_| progress.clear())?;
            let verdict = judge(ack, &exchange, intent);
            delivered.push(Delivered { exchange, verdict });
            progress.show(delivered.len());
        }
        progress.clear();
        Ok(delivered)
    })
}

/// A line on a terminal's standard error that is written over.
struct Progress {
    total: usize,
    shown: bool,
}

impl Progress {
    fn show(&self, done: usize) {
        if self.shown {
            let mut err = stderr().lock();
            let _ = write!(err, "\r\x1b[K{done} of {} sent", self.total).and_then(|()| err.flush());
        }
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
