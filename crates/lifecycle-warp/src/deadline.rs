//! Deadline: the timeout of one exchange, shared by its body and its handler.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// Counts from its creation.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    started: Instant,
    timeout: Duration,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        Self { started: Instant::now(), timeout }
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    /// How much time is left.
    pub(crate) fn left(self) -> Duration {
        self.timeout.saturating_sub(self.elapsed())
    }

    /// The future's output, or `None` when the time is over first. The timer is made when the future has to wait: most
    /// callbacks arrive whole and are handled at once.
    pub(crate) async fn bound<F: Future>(self, mut future: Pin<&mut F>) -> Option<F::Output> {
        match poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
            Poll::Ready(output) => Some(output),
            Poll::Pending => Box::pin(timeout(self.left(), future)).await.ok(),
        }
    }
}
