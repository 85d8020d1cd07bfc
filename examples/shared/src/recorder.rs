//! Recorder: a handler that remembers what it saw, and fails on request so that the other answers can be tried.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lifecycle_core::{
    Change, Delivery, HandlerError, Installation, LifecycleHandler, Outcome, Reply, Trust, seismic,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The most deliveries that are remembered; then the oldest go.
const CAPACITY: usize = 10_000;

/// Remembers each delivery and the state of each installation that follows from it.
///
/// A Seismic tenant named `refuse-me`, `fail-me` or `sleep-me` is refused, fails, or takes 10 s.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    deliveries: VecDeque<Value>,
    installations: BTreeMap<(String, String, String), Installation>,
}

#[async_trait]
impl LifecycleHandler for Recorder {
    async fn handle(&self, delivery: &Delivery) -> Result<Outcome, HandlerError> {
        let callback = delivery.payload::<seismic::Callback>().ok();
        match callback.and_then(|callback| callback.tenant).as_deref() {
            Some("refuse-me") => return Ok(Outcome::refuse("this tenant is refused on request")),
            Some("fail-me") => return Err("this tenant fails on request".into()),
            Some("sleep-me") => tokio::time::sleep(Duration::from_secs(10)).await,
            _ => {}
        }
        self.remember(delivery);
        Ok(Outcome::Accept)
    }
}

impl Recorder {
    /// `GET /deliveries`: what was handled, in order.
    pub fn deliveries(&self) -> Reply {
        reply(&self.seen().deliveries)
    }

    /// `GET /installations`: the state that follows from it.
    pub fn installations(&self) -> Reply {
        let seen = self.seen();
        let list: Vec<Value> = seen
            .installations
            .iter()
            .map(|((platform, app, tenant), installation)| {
                json!({
                    "platform": platform,
                    "app": app,
                    "tenant": tenant,
                    "status": installation.status(),
                    "version": installation.version(),
                    "generation": installation.generation(),
                    "since": unix_millis(installation.since()),
                })
            })
            .collect();
        reply(&list)
    }

    fn remember(&self, delivery: &Delivery) {
        let event = delivery.event();
        let key = (delivery.platform().name().to_owned(), event.app().to_owned(), event.tenant().to_owned());
        let mut seen = self.seen();
        let (state, _) = Installation::fold(seen.installations.remove(&key), &Change::from(delivery));
        if let Some(state) = state {
            seen.installations.insert(key, state);
        }
        if seen.deliveries.len() == CAPACITY {
            seen.deliveries.pop_front();
        }
        seen.deliveries.push_back(describe(delivery));
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `GET /deliveries` tells of a delivery. A real app keeps tenants and users to itself.
fn describe(delivery: &Delivery) -> Value {
    let event = delivery.event();
    let trust = match delivery.trust() {
        Trust::Signed { secret, header } => json!({"signed": {"secret": secret.as_str(), "header": header}}),
        _ => json!("unsigned"),
    };
    json!({
        "platform": delivery.platform().name(),
        "kind": event.kind().name(),
        "app": event.app(),
        "tenant": event.tenant(),
        "version": event.version(),
        "prior_version": event.prior_version(),
        "request_id": event.request_id(),
        "trust": trust,
        "idempotency_key": delivery.idempotency_key(),
        "body_length": delivery.body().len(),
        "body_sha256": sha256(delivery.body()),
    })
}

/// Lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    const_hex::const_encode::<32, false>(&digest).as_str().to_owned()
}

pub(crate) fn reply<T: serde::Serialize>(value: &T) -> Reply {
    let body = serde_json::to_vec(value).expect("these values have text keys");
    Reply::new(200, "application/json", body)
}

fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
