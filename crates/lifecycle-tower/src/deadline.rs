//! Deadline: the budget of one exchange, shared by its body and its handler.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

pin_project! {
    /// Counts from its creation. The timer is made when something first has to wait: most callbacks arrive whole and
    /// are handled at once.
    pub(crate) struct Deadline {
        started: Instant,
        budget: Duration,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl Deadline {
    pub(crate) fn after(budget: Duration) -> Self {
        Self { started: Instant::now(), budget, timer: None }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The future's output, or `None` when the time is over first.
    pub(crate) fn poll<F: Future + ?Sized>(
        self: Pin<&mut Self>,
        future: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<F::Output>> {
        if let Poll::Ready(output) = future.poll(cx) {
            return Poll::Ready(Some(output));
        }
        let mut this = self.project();
        if this.timer.is_none() {
            this.timer.set(Some(sleep(this.budget.saturating_sub(this.started.elapsed()))));
        }
        match this.timer.as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|()| None),
            None => Poll::Pending, // it was set above
        }
    }

    pub(crate) async fn bound<F: Future>(mut self: Pin<&mut Self>, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| self.as_mut().poll(future.as_mut(), cx)).await
    }
}
