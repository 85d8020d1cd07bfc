//! Courier: sends requests, some at a time, and judges what came back.

use std::io::{IsTerminal, Write, stderr};
use std::pin::pin;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::runtime::{Builder, Runtime};

use crate::client::{Client, Exchange, Outgoing};
use crate::failure::Failure;
use crate::verdict::{Intent, Judge, Verdict};

/// A request's exchange and what the platform would make of it.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(crate) exchange: Exchange,
    pub(crate) verdict: Verdict,
}

/// Sends requests.
pub(crate) struct Courier {
    client: Client,
    runtime: Runtime,
}

impl Courier {
    /// A courier that waits this long for each answer.
    pub(crate) fn new(timeout: Duration) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            Failure::new(format!("no runtime: {error}"), "free some of the system's resources")
        })?;
        Ok(Self { client: Client::new(timeout)?, runtime })
    }

    /// Sends all of them, at most `concurrency` at a time, and gives what became of each, in their order. Where several are sent, Ctrl-C ends it,
    /// and those that were answered are given. `doing` begins the line of progress.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub(crate) fn deliver(
        &self,
        outgoing: impl ExactSizeIterator<Item = Outgoing>,
        concurrency: usize,
        judge: &Judge<'_>,
        intent: Intent,
        doing: &str,
    ) -> Result<Vec<Delivered>, Failure> {
        let total = outgoing.len();
        let progress = Progress { doing, total, shown: stderr().is_terminal() };
        self.runtime.block_on(async {
            let sent = stream::iter(outgoing)
                .map(|outgoing| async move { self.client.send(&outgoing).await })
                .buffered(concurrency);
            let mut delivered = Vec::with_capacity(total);
            progress.show(0);
            let interrupted = pin!(interrupted(total > 1));
            let mut sent = sent.take_until(interrupted);
            while let Some(exchange) = sent.next().await {
                let exchange = exchange.inspect_err(|_| progress.clear())?;
                let verdict = judge.verdict(&exchange, intent);
                delivered.push(Delivered { exchange, verdict });
                progress.show(delivered.len());
            }
            progress.clear();
            Ok(delivered)
        })
    }
}

/// Completes with Ctrl-C; a single request is ended by it as by default.
async fn interrupted(several: bool) {
    if !several || tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A line on a terminal's standard error that is written over.
struct Progress<'a> {
    doing: &'a str,
    total: usize,
    shown: bool,
}

impl Progress<'_> {
    fn show(&self, done: usize) {
        if self.shown {
            let mut err = stderr().lock();
            let _ =
                write!(err, "\r\x1b[K{}{done} of {} sent", self.doing, self.total).and_then(|()| err.flush());
        }
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
