//! `SingleFlight`: of the callers with the same key, one runs at a time, and none after one has succeeded.
//!
//! `tests/single_flight.rs` compiles this file with loom's mutex and tries all orders of its steps.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::poll_fn;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use crate::idempotency::IdempotencyKey;
use crate::sync::{Mutex, MutexGuard};

/// Which keys are done and which are running. It needs no runtime.
pub(crate) struct SingleFlight {
    keys: Mutex<Keys>,
    capacity: usize,
}

#[derive(Default)]
struct Keys {
    /// The callers that wait for each running key.
    under_way: HashMap<IdempotencyKey, Vec<Waker>>,
    done: HashSet<IdempotencyKey>,
    /// The keys that are done, in that order.
    oldest: VecDeque<IdempotencyKey>,
}

impl SingleFlight {
    /// Remembers so many keys that are done, and forgets the oldest first.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { keys: Mutex::new(Keys::default()), capacity }
    }

    /// How many keys are remembered.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Waits until no other caller runs with this key. `None` when one has succeeded.
    pub(crate) async fn begin(&self, key: IdempotencyKey) -> Option<Flight<'_>> {
        poll_fn(|context| self.poll_begin(key, context)).await
    }

    fn poll_begin(&self, key: IdempotencyKey, context: &mut Context<'_>) -> Poll<Option<Flight<'_>>> {
        let mut keys = self.keys();
        if keys.done.contains(&key) {
            return Poll::Ready(None);
        }
        if let Some(waiting) = keys.under_way.get_mut(&key) {
            if !waiting.iter().any(|own| own.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            return Poll::Pending;
        }
        keys.under_way.insert(key, Vec::new());
        Poll::Ready(Some(Flight { of: self, key, is_done: false }))
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running key, until this is dropped. Unless it was marked as done by then, the key is free for the next caller.
pub(crate) struct Flight<'f> {
    of: &'f SingleFlight,
    key: IdempotencyKey,
    is_done: bool,
}

impl Flight<'_> {
    /// Marks the key as done: no caller runs with it any more.
    pub(crate) fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut keys = self.of.keys();
        let waiting = keys.under_way.remove(&self.key).unwrap_or_default();
        if self.is_done {
            keys.done.insert(self.key);
            keys.oldest.push_back(self.key);
            while keys.oldest.len() > self.of.capacity {
                let forgotten = keys.oldest.pop_front();
                forgotten.map(|key| keys.done.remove(&key));
            }
        }
        drop(keys);
        // All of them: if one alone was woken and dropped before it ran, the rest would never wake.
        waiting.into_iter().for_each(Waker::wake);
    }
}
