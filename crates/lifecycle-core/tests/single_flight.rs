//! All orders in which those that come with one key may begin, end and wait.

use std::pin::pin;
use std::task::{Context, Waker};

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;

use single_flight::SingleFlight;

#[path = "../src/single_flight.rs"]
mod single_flight;

/// What that file takes from core.
mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};
}

mod idempotency {
    #[derive(Clone, Copy, Eq, Hash, PartialEq)]
    pub(crate) struct IdempotencyKey;
}

use idempotency::IdempotencyKey;

/// The key, and what is seen of those that come with it.
struct Shared {
    keys: SingleFlight,
    is_busy: AtomicBool,
    runs: AtomicUsize,
}

impl Shared {
    fn new() -> Arc<Self> {
        let keys = SingleFlight::new(1);
        assert_eq!(keys.capacity(), 1);
        Arc::new(Self { keys, is_busy: AtomicBool::new(false), runs: AtomicUsize::new(0) })
    }

    /// Runs unless that was done, alone.
    async fn run(&self, is_well: bool) {
        let Some(flight) = self.keys.begin(IdempotencyKey).await else { return };
        assert!(!self.is_busy.swap(true, Ordering::SeqCst), "another one runs");
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.is_busy.store(false, Ordering::SeqCst);
        if is_well {
            flight.done();
        }
    }

    /// Comes, and is gone again before it had its turn.
    fn come_and_go(&self) {
        let mut begun = pin!(self.keys.begin(IdempotencyKey));
        drop(begun.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    }
}

/// Tries all orders in which these can be done at once, as far as they interrupt each other twice at most. It fails
/// where one of them sleeps for ever.
fn in_all_orders(all: &'static [fn(&Shared)], check: fn(usize)) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(move || {
        let shared = Shared::new();
        let threads: Vec<_> = all
            .iter()
            .map(|one| {
                let shared = shared.clone();
                thread::spawn(move || one(&shared))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        check(shared.runs.load(Ordering::SeqCst));
    });
}

const RUN: fn(&Shared) = |shared| block_on(shared.run(true));
const FAIL: fn(&Shared) = |shared| block_on(shared.run(false));

#[test]
fn one_of_all_runs_and_the_others_hear_that_it_is_done() {
    in_all_orders(&[RUN, RUN, RUN], |runs| assert_eq!(runs, 1));
}

#[test]
fn after_one_that_failed_the_next_runs() {
    in_all_orders(&[FAIL, RUN, RUN], |runs| assert!(runs == 1 || runs == 2, "{runs}"));
}

#[test]
fn one_that_is_gone_before_its_turn_keeps_nobody_waiting() {
    in_all_orders(&[Shared::come_and_go, FAIL, RUN], |runs| assert!(runs >= 1, "{runs}"));
}
