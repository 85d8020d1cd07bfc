//! Deliveries, times and short cuts for the rules.

use std::time::Duration;

use lifecycle_core::{Change, Delivery, TenantKey, seismic};
use serde_json::{Value, json};

use crate::engine::{Accepted, AfterFailure, Claim, ClaimRequest, DeliveryId, Engine, LeaseToken};
use crate::operations::{DeliveryFilter, DeliveryState, DeliverySummary};
use crate::record::{Platforms, Record};
use crate::timestamp::Timestamp;

/// When all rules begin: 2023-11-14T22:13:20Z.
pub(super) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// How long the leases of the rules are.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// How long a write may take.
pub(super) const WITHIN: Duration = Duration::from_secs(5);

/// That many seconds after the start.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + seconds * 1_000)
}

/// A delivery to a tenant; the same request is the same event. It does not tell when it was sent.
pub(super) fn delivery(tenant: &str, kind: &str, request: &str, received_at: Timestamp) -> Delivery {
    restore(&callback(tenant, kind, request), received_at)
}

/// One that tells when it was sent, and is received at the start.
pub(super) fn dated(tenant: &str, kind: &str, request: &str, sent: &str) -> Delivery {
    let mut body = callback(tenant, kind, request);
    body["timestamp"] = sent.into();
    restore(&body, START)
}

fn callback(tenant: &str, kind: &str, request: &str) -> Value {
    json!({
        "type": kind, "appId": "app", "tenantId": tenant, "requestId": request, "userId": "someone",
        "appVersion": "1.0.0",
    })
}

fn restore(body: &Value, received_at: Timestamp) -> Delivery {
    lifecycle_testing::delivery_at(&seismic::PLATFORM, &body.to_string(), received_at.into())
}

pub(super) fn record(tenant: &str, kind: &str, request: &str) -> Record {
    Record::from(&delivery(tenant, kind, request, START))
}

/// Accepts an install to the same tenant and app of another platform.
pub(super) async fn put_of(engine: &dyn Engine, platform: &str, tenant: &str, now: Timestamp) -> DeliveryId {
    let mut record = record(tenant, "install", &format!("{platform} at {}", now.as_millis()));
    platform.clone_into(&mut record.tenant.platform);
    match engine.accept(record, now, WITHIN).await.expect("accept") {
        Accepted::New(id) => id,
        Accepted::Duplicate => panic!("{platform}/{tenant} is no duplicate"),
    }
}

pub(super) fn key(tenant: &str) -> TenantKey {
    TenantKey::new("seismic", "app", tenant)
}

/// Accepts an install, which must be new.
pub(super) async fn put(engine: &dyn Engine, tenant: &str, request: &str) -> DeliveryId {
    put_kind(engine, tenant, "install", request).await
}

pub(super) async fn put_kind(engine: &dyn Engine, tenant: &str, kind: &str, request: &str) -> DeliveryId {
    match engine.accept(record(tenant, kind, request), START, WITHIN).await.expect("accept") {
        Accepted::New(id) => id,
        Accepted::Duplicate => panic!("{tenant}/{request} is no duplicate"),
    }
}

pub(super) async fn claim(engine: &dyn Engine, now: Timestamp, limit: usize) -> Vec<Claim> {
    claim_of(engine, &["seismic"], now, limit).await
}

/// Claims for a worker that knows these platforms.
pub(super) async fn claim_of(
    engine: &dyn Engine,
    platforms: &[&str],
    now: Timestamp,
    limit: usize,
) -> Vec<Claim> {
    let request = ClaimRequest { worker: "worker", platforms, now, lease: LEASE, limit };
    engine.claim(request).await.expect("claim")
}

/// Claims what there is, and tells the rows only.
pub(super) async fn claim_ids(engine: &dyn Engine, now: Timestamp) -> Vec<DeliveryId> {
    claim(engine, now, 100).await.iter().map(|claim| claim.token.id).collect()
}

/// Claims the one row that can be claimed.
pub(super) async fn claim_one(engine: &dyn Engine, now: Timestamp) -> Claim {
    let mut claims = claim(engine, now, 100).await;
    assert_eq!(claims.len(), 1, "one row can be claimed");
    claims.remove(0)
}

/// What a claim's delivery changes.
pub(super) fn change(claim: &Claim) -> Change {
    let mut record = claim.record.clone().expect("the columns read");
    "seismic".clone_into(&mut record.tenant.platform); // which all samples are of, also those that go by another name
    Change::new(&record.restore(&Platforms::default()).expect("a stored delivery"), claim.token.id.0)
}

pub(super) async fn complete(engine: &dyn Engine, claim: &Claim, now: Timestamp) -> bool {
    engine.complete(claim.token, now, &change(claim)).await.expect("complete")
}

pub(super) async fn fail(
    engine: &dyn Engine,
    token: LeaseToken,
    now: Timestamp,
    next: AfterFailure<'_>,
) -> bool {
    engine.fail(token, now, "it did not work", next).await.expect("fail")
}

pub(super) async fn summary(engine: &dyn Engine, id: DeliveryId) -> DeliverySummary {
    engine.show(id).await.expect("show").expect("the row is there").summary
}

pub(super) async fn state(engine: &dyn Engine, id: DeliveryId) -> DeliveryState {
    summary(engine, id).await.state
}

pub(super) async fn listed(engine: &dyn Engine, filter: DeliveryFilter) -> Vec<DeliveryId> {
    engine.list(&filter).await.expect("list").iter().map(|row| row.id).collect()
}
