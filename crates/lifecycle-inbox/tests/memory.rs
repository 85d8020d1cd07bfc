//! The engine in memory keeps the contract.

use std::sync::Arc;

use lifecycle_inbox::Memory;
use lifecycle_inbox::contract::{self, Replicas};

#[tokio::test]
async fn memory_keeps_every_rule_of_the_contract() {
    contract::check(|| async {
        let engine = Memory::new();
        Replicas { one: Arc::new(engine.clone()), two: Arc::new(engine) }
    })
    .await;
}
