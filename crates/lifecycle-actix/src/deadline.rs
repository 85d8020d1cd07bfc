//! Deadline: the timeout of one exchange, shared by its body and its handler.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Timeout, timeout_at};

/// Stands for a timeout that is longer than a clock can tell: a year.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Counts from its creation.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    started: Instant,
    end: Instant,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        let started = Instant::now();
        Self { started, end: started.checked_add(timeout).unwrap_or(started + NEVER) }
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    /// How much time is left.
    pub(crate) fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// The future's output, unless the time is over first.
    pub(crate) fn wait<F: Future>(self, future: F) -> Timeout<F> {
        timeout_at(self.end, future)
    }

    /// The same, or `None`, for a future that most often need not wait: the timer is made when it has to.
    pub(crate) async fn bound<F: Future>(self, mut future: Pin<&mut F>) -> Option<F::Output> {
        match poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
            Poll::Ready(output) => Some(output),
            Poll::Pending => Box::pin(self.wait(future)).await.ok(),
        }
    }
}
