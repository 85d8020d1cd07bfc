//! Describe: what the demo's pages show of deliveries and installations. A real app keeps tenants and users private.

use std::time::SystemTime;

use lifecycle_core::{Delivery, Field, Installation, Reply, TenantKey, Trust};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) fn delivery(delivery: &Delivery) -> Value {
    let event = delivery.event();
    let trust = match delivery.trust() {
        Trust::Signed { secret, header } => json!({"signed": {"secret": secret.as_str(), "header": header}}),
        Trust::Bearer { key } => json!({"bearer": {"key": key.as_str()}}),
        Trust::PublicKey { key, header } => json!({"public-key": {"key": key.as_str(), "header": header}}),
        Trust::Observed => json!("observed"),
        Trust::UnguessableUrl => json!("unguessable-url"),
        _ => Value::Null, // one of a later release
    };
    let unproven: Vec<&str> =
        Field::ALL.into_iter().filter(|field| !delivery.proves(*field)).map(Field::name).collect();
    json!({
        "platform": delivery.platform().name(),
        "kind": event.kind().name(),
        "app": event.app(),
        "tenant": event.tenant(),
        "installation": event.installation(),
        "version": event.version(),
        "prior_version": event.prior_version(),
        "request_id": event.request_id(),
        "trust": trust,
        "unproven": unproven,
        "idempotency_key": delivery.idempotency_key(),
        "body_length": delivery.body().len(),
        "body_sha256": sha256(delivery.body()),
    })
}

pub(crate) fn installation(key: &TenantKey, installation: &Installation) -> Value {
    json!({
        "platform": key.platform,
        "app": key.app,
        "tenant": key.tenant,
        "status": installation.status(),
        "version": installation.version(),
        "generation": installation.generation(),
        "since": unix_millis(installation.since()),
    })
}

/// Lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    const_hex::const_encode::<32, false>(&digest).as_str().to_owned()
}

pub(crate) fn page(value: &Value) -> Reply {
    Reply::new(200, "application/json", value.to_string())
}

fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
