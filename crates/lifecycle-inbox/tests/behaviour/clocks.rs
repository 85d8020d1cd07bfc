//! Callbacks with broken times, from the inbox to the gate.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use lifecycle_core::{Delivery, seismic};
use lifecycle_inbox::EnabledGate;

use crate::support::{Bench, answer, key, start};

/// When all callbacks are received.
const NOW: &str = "2023-11-14T22:13:20Z";

/// What is received now and says that it was sent at that time.
fn callback(tenant: &str, kind: &str, sent: &str) -> Delivery {
    let body = serde_json::json!({
        "type": kind, "appId": "app", "tenantId": tenant, "requestId": format!("ok/{kind}"), "timestamp": sent,
    });
    let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    lifecycle_testing::delivery_at(&seismic::PLATFORM, &body.to_string(), now)
}

#[tokio::test(start_paused = true)]
async fn no_broken_time_keeps_the_features_of_a_closed_tenant_on() {
    let bench = Bench::default();
    let inbox = bench.inbox();
    let gate = EnabledGate::new(Arc::new(bench.engine.clone()));
    let _worker = start(bench.worker());
    for (enabled, closed) in [
        (NOW, "0001-01-01T00:00:00Z"),
        (NOW, "0001-01-01T00:00:00"),
        (NOW, "1601-01-01T00:00:00Z"),
        (NOW, "1900-01-01T00:00:00Z"),
        (NOW, "1970-01-01T00:00:00Z"),
        ("2099-01-01T00:00:00Z", NOW),
    ] {
        for close in ["disable", "uninstall"] {
            let tenant = format!("{enabled} {close} {closed}");
            let code = async || gate.check(&key(&tenant)).await.err().map(|reply| reply.status());
            for (kind, sent) in [("install", NOW), ("enable", enabled)] {
                assert_eq!(answer(&inbox, &callback(&tenant, kind, sent)).await, Ok(()));
            }
            bench.settled().await;
            assert_eq!(code().await, None, "{tenant}");
            assert_eq!(answer(&inbox, &callback(&tenant, close, closed)).await, Ok(()));
            bench.settled().await;
            assert_eq!(code().await, Some(403), "{tenant}");
        }
    }
}
