//! Turn: what may be done once, by one at a time; the others wait until that one is over.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Whether something is done, for one at a time to find out and to do. It needs no runtime.
#[derive(Default)]
pub(crate) struct Turn(Mutex<State>);

#[derive(Default)]
struct State {
    is_taken: bool,
    done: bool,
    waiting: Vec<Waker>,
}

impl Turn {
    /// Waits until nobody else has the turn.
    pub(crate) async fn take(&self) -> Taken<'_> {
        poll_fn(|context| self.poll_take(context)).await
    }

    /// Whether it is done, as the last one left it.
    pub(crate) fn is_done(&self) -> bool {
        self.state().done
    }

    fn poll_take(&self, context: &mut Context<'_>) -> Poll<Taken<'_>> {
        let mut state = self.state();
        if state.is_taken {
            if !state.waiting.iter().any(|own| own.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            return Poll::Pending;
        }
        state.is_taken = true;
        Poll::Ready(Taken { turn: self, done: state.done })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn, until it is dropped.
pub(crate) struct Taken<'t> {
    turn: &'t Turn,
    /// Whether it is done; the next finds it as it is left.
    pub(crate) done: bool,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.turn.state();
        state.is_taken = false;
        state.done = self.done;
        // All of them: one that was woken alone could be gone before it takes its turn, and the rest would sleep on.
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time;

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_has_the_turn_and_leaves_it_as_it_found_out() {
        let turn = Turn::default();
        let visit = async || {
            let mut taken = turn.take().await;
            let found = taken.done;
            time::sleep(Duration::from_secs(1)).await;
            taken.done = true;
            found
        };
        let start = time::Instant::now();
        let (first, second, third) = tokio::join!(visit(), visit(), visit());
        assert_eq!([first, second, third].iter().filter(|found| **found).count(), 2);
        assert_eq!(start.elapsed(), Duration::from_secs(3));
        assert!(turn.is_done());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_stopped_waiting_does_not_keep_the_next_from_its_turn() {
        let turn = Turn::default();
        let first = async {
            let _taken = turn.take().await;
            time::sleep(Duration::from_secs(2)).await;
        };
        let gone = time::timeout(Duration::from_secs(1), turn.take());
        let ((), gone, last) = tokio::join!(first, gone, turn.take());
        assert!(gone.is_err());
        assert!(!last.done);
    }
}
