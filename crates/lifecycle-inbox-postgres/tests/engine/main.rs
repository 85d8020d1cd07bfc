//! What the engine does beyond the contract, on real servers.

#[path = "../support/mod.rs"]
mod support;

mod claims;
mod cuts;
mod damage;
mod deadline;
mod endings;
mod failover;
mod faults;
mod gate;
mod keys;
mod model;
mod notifications;
mod opening;
mod order;
mod outage;
mod pooler;
mod rolling;
mod snapshot;
mod starving;
#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc"))]
mod tls;
mod transactions;

use std::time::Duration;

use lifecycle_inbox::{Accepted, Claim, ClaimRequest, DeliveryId, Engine};
use lifecycle_inbox_postgres::PostgresEngine;

/// Accepts the nth delivery to a tenant, which must be new.
async fn put(engine: &PostgresEngine, tenant: &str, nth: u32) -> DeliveryId {
    match engine
        .accept(support::record(tenant, nth), engine.now(), support::WITHIN)
        .await
        .expect("it is written")
    {
        Accepted::New(id) => id,
        Accepted::Duplicate => panic!("{tenant}/{nth} is no duplicate"),
    }
}

async fn claim(engine: &PostgresEngine) -> Vec<Claim> {
    let request = ClaimRequest::new("w", &["seismic"], engine.now(), Duration::from_secs(60), 100);
    engine.claim(request).await.expect("a claim")
}

/// Claims the one row that can be claimed.
async fn claim_one(engine: &PostgresEngine) -> Claim {
    let mut claims = claim(engine).await;
    assert_eq!(claims.len(), 1, "one row can be claimed");
    claims.remove(0)
}

/// Waits until it is so, for as long as a slow machine may need.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    // Ten minutes: a busy machine is no failure.
    for _ in 0..12_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("in vain: {what}");
}
