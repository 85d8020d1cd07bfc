//! Deadline: the timeout of one exchange, shared by its body and its handler.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep};

/// Counts from its creation. The timer is made when something first has to wait: most callbacks arrive whole and are
/// handled at once.
pub(crate) struct Deadline {
    started: Instant,
    timeout: Duration,
    timer: Option<Pin<Box<Unconstrained<Sleep>>>>,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        Self { started: Instant::now(), timeout, timer: None }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// How much time is left.
    pub(crate) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.elapsed())
    }

    /// The future's output, or `None` when the time is over first.
    pub(crate) fn poll<F: Future + ?Sized>(
        &mut self,
        future: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<F::Output>> {
        if let Poll::Ready(output) = future.poll(cx) {
            return Poll::Ready(Some(output));
        }
        let left = self.left();
        // Unconstrained: a future that has used up the task's turns would keep the timer from its own.
        let timer = self.timer.get_or_insert_with(|| Box::pin(unconstrained(sleep(left))));
        timer.as_mut().poll(cx).map(|()| None)
    }
}
