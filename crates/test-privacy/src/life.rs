//! Life: an inbox through all that can become of a delivery, with the canary wherever a stranger's text can be.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lifecycle_core::{
    Decision, Delivery, HandlerError, LifecycleHandler, Rejection, TenantKey, run_handler, seismic,
};
use lifecycle_inbox::{Backoff, DeliveryFilter, DeliveryState, Inbox, Retention, SecretStore, Store, Worker};
use lifecycle_vault::{Keyring, Vault};

use crate::canary::CANARY;

const KEY: &str = "key:9c0f3d0e4f7a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6071829304";

/// Refuses, accepts, claims, fails, panics, gives up, retries, lists and deletes; the worker's handler is [`Careless`]. Gives what can be
/// printed of it: every row, and its last error.
///
/// # Panics
/// When the store fails.
pub async fn live_through(
    store: &Store,
    inbox: &Inbox,
    worker: Worker,
    secrets: Arc<dyn SecretStore>,
) -> Vec<String> {
    let within = Duration::from_secs(60);
    for word in ["accept", "database", "panic", "parse", "refuse"] {
        for _ in 0..2 {
            let answer = run_handler(inbox, &delivery(word), within).await;
            assert_eq!(matches!(answer, Err(Rejection::Refused(_))), word == "refuse", "{answer:?}");
            assert_eq!(answer.is_ok(), word != "refuse", "{answer:?}");
        }
    }
    let worker = worker.attempts(2).backoff(Backoff::new(Duration::ZERO, Duration::ZERO));
    worker.run_until_idle().await.expect("the store answers");

    let tenant = TenantKey::new("seismic", CANARY, CANARY);
    let vault = Vault::new(secrets, Keyring::parse(KEY).expect("a key"));
    vault.put(&tenant, "api-key", CANARY).await.expect("a secret is kept");
    let mut shown = vec![format!("{vault:?} {:?}", vault.get(&tenant, "api-key").await)];
    for row in store.list(&DeliveryFilter::default()).await.expect("list") {
        let stored = store.show(row.id).await.expect("show");
        shown.push(format!("{row:?} {stored:?} {:?}", row.last_error));
    }
    let dead = DeliveryFilter::in_state(DeliveryState::Dead);
    for row in store.list(&dead).await.expect("list").iter().skip(1).take(1) {
        assert!(store.retry(row.id).await.expect("retry"));
        assert!(store.delete(row.id).await.expect("delete"));
    }
    let mut nothing = Retention::default();
    (nothing.done, nothing.dead, nothing.keys) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    tokio::time::sleep(Duration::from_millis(5)).await;
    shown.push(format!("{:?}", store.prune(nothing).await.expect("prune")));
    shown
}

fn delivery(word: &str) -> Delivery {
    let body = serde_json::json!({
        "type": "install", "appId": CANARY, "tenantId": format!("{CANARY} {word}"), "requestId": format!("{word} {CANARY}"),
        "userId": format!("{CANARY}@mail.example"), "secret": CANARY,
    });
    lifecycle_testing::delivery(&seismic::PLATFORM, &body.to_string())
}

/// A handler that does what the first word of the request id says, and takes no care of what it prints.
#[derive(Clone, Copy, Debug)]
pub struct Careless;

impl Careless {
    /// What is decided about a delivery.
    pub fn decision(delivery: &Delivery) -> Decision {
        match word(delivery) {
            "refuse" => Decision::refuse("no seats left"),
            _ => Decision::Accept,
        }
    }

    /// What becomes of a delivery.
    ///
    /// # Errors
    /// If its request says so.
    ///
    /// # Panics
    /// If its request says so.
    pub fn outcome(delivery: &Delivery) -> Result<(), HandlerError> {
        match word(delivery) {
            "database" => Err(Taken.into()),
            "panic" => panic!("{CANARY}: {delivery:?} {:?}", delivery.body()),
            "parse" => Ok(serde_json::from_slice::<Vec<u8>>(delivery.body()).map(drop)?),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl LifecycleHandler for Careless {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        Ok(Self::decision(delivery))
    }

    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        Self::outcome(delivery)
    }
}

fn word(delivery: &Delivery) -> &str {
    delivery.event().request_id().unwrap_or_default().split(' ').next().unwrap_or_default()
}

/// What a database says of a value that is there already.
#[derive(Debug)]
struct Taken;

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "duplicate key\nDETAIL: Key (email)=({CANARY}) already exists.")
    }
}

impl std::error::Error for Taken {}
