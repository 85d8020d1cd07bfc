//! `Deadline`: the timeout of one request, shared by its body, its keys and its handler.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::{Unconstrained, unconstrained};
use tokio::time::{Instant, Sleep, sleep};

/// The timeout of one request. It counts from its creation, on tokio's clock.
///
/// The timer is made when something first has to wait: most callbacks arrive whole and are handled at once.
///
/// ```
/// use lifecycle_adapter::Deadline;
/// use std::future::{pending, ready};
/// use std::time::Duration;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mut deadline = Deadline::after(Duration::from_millis(10));
/// assert_eq!(deadline.bound(ready(1)).await, Some(1));
/// assert_eq!(deadline.bound(pending::<i32>()).await, None);
/// assert_eq!(deadline.left(), Duration::ZERO);
/// # });
/// ```
pub struct Deadline {
    started: Instant,
    timeout: Duration,
    timer: Option<Pin<Box<Unconstrained<Sleep>>>>,
}

impl Deadline {
    /// Ends this long after now.
    pub fn after(timeout: Duration) -> Self {
        Self { started: Instant::now(), timeout, timer: None }
    }

    /// How much time has passed.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// How much time is left.
    pub fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.elapsed())
    }

    /// The future's output, or `None` when the time is over first.
    pub async fn bound<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| self.poll(future.as_mut(), cx)).await
    }

    /// [`bound`](Self::bound) for a future that is polled by hand.
    pub fn poll<F: Future + ?Sized>(
        &mut self,
        future: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<F::Output>> {
        if let Poll::Ready(output) = future.poll(cx) {
            return Poll::Ready(Some(output));
        }
        let left = self.left();
        // Unconstrained: a future that has used up the budget of its task would keep the timer from firing.
        let timer = self.timer.get_or_insert_with(|| Box::pin(unconstrained(sleep(left))));
        timer.as_mut().poll(cx).map(|()| None)
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadline").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::task::consume_budget;

    #[tokio::test(start_paused = true)]
    async fn two_futures_share_the_time() {
        let mut deadline = Deadline::after(Duration::from_secs(2));
        assert_eq!(deadline.bound(sleep(Duration::from_secs(1))).await, Some(()));
        assert_eq!(deadline.left(), Duration::from_secs(1));
        assert_eq!(deadline.bound(sleep(Duration::from_secs(3))).await, None);
        assert_eq!(deadline.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn no_timeout_is_too_long() {
        let mut deadline = Deadline::after(Duration::MAX);
        assert_eq!(deadline.bound(sleep(Duration::from_secs(1))).await, Some(()));
    }

    #[tokio::test]
    async fn a_future_that_never_waits_is_cut_off_too() {
        let mut deadline = Deadline::after(Duration::from_millis(10));
        let busy = async {
            loop {
                consume_budget().await;
            }
        };
        assert_eq!(deadline.bound(busy).await, None::<()>);
        assert_eq!(deadline.bound(pending::<()>()).await, None);
    }
}
