//! The engine does what the model of the contract does, by two handles to one schema.

use tokio::sync::Mutex;

use crate::support::Store;

#[test]
fn the_engine_does_what_the_model_does() {
    let latest = Mutex::new((0, Store::new()));
    test_model::check(0..8, async |store| {
        let mut latest = latest.lock().await;
        if latest.0 != store {
            let before = std::mem::replace(&mut *latest, (store, Store::new()));
            before.1.remove().await;
        }
        latest.1.open().await
    });
}
