//! The engine in memory does what the model of the contract does.

use std::cell::RefCell;

use lifecycle_inbox::MemoryEngine;

#[test]
fn the_engine_in_memory_does_what_the_model_does() {
    let latest = RefCell::new((0, MemoryEngine::new()));
    test_model::check(0..300, async |store| {
        let mut latest = latest.borrow_mut();
        if latest.0 != store {
            *latest = (store, MemoryEngine::new());
        }
        latest.1.clone()
    });
}
