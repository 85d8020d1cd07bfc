//! Values of the inbox, its engines and its vault.

use std::sync::Arc;
use std::time::Duration;

use lifecycle_core::{Change, Delivery, HandlerError};
use lifecycle_inbox::contract::{self, Replicas};
use lifecycle_inbox::{
    AfterFailure, ClaimRequest, DeliveryFilter, EnabledGate, Engine, EngineError, InstallationFilter,
    MemoryEngine, Platforms, Record, SealedSecret, Store, TenantKey,
};
use lifecycle_inbox_postgres::{PostgresEngine, Settings};
use lifecycle_inbox_sqlite::{SqliteEngine, Transaction, TransactionalHandler};
use lifecycle_vault::{Keyring, SealContext, SealError, TenantSecret, Vault, VaultError};
use test_privacy::{CANARY, Careless};

use super::{Shown, Taken, debug, delivery, display};

const WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn values() -> Vec<Shown> {
    let memory = MemoryEngine::new();
    let engine: Arc<dyn Engine> = Arc::new(memory.clone());
    let tenant = TenantKey::new("seismic", CANARY, CANARY);
    let record = Record::from(&delivery());
    engine.accept(record.clone(), engine.now(), WITHIN).await.unwrap();
    let request = ClaimRequest::new("worker", &["seismic"], engine.now(), Duration::from_secs(30), 1);
    let claim = engine.claim(request).await.unwrap().remove(0);
    let change = Change::new(&record.restore(&Platforms::default()).unwrap(), claim.token.id.0);
    assert!(engine.fail(claim.token, engine.now(), CANARY, AfterFailure::Dead(Some(&change))).await.unwrap());
    let stored = engine.show(claim.token.id).await.unwrap().unwrap();
    assert_eq!(stored.summary.last_error.as_deref(), Some(CANARY));
    let keys = format!("2026:{:02x?}", CANARY.as_bytes()).replace(['[', ']', ',', ' '], "");
    let keyring = Keyring::parse(&keys).unwrap();
    let vault = Vault::new(Arc::new(memory.clone()), Keyring::parse(&keys).unwrap());
    vault.put(&tenant, "api-key", CANARY).await.unwrap();
    let sealed = SealedSecret::new(tenant.clone(), "api-key", CANARY.into());
    let gate = EnabledGate::new(Arc::new(memory.clone()));
    gate.check(&tenant).await.unwrap_err();
    let notifier = engine.notifier();
    let store = Store::from(engine.clone());
    let (mut deliveries, mut installations) = (DeliveryFilter::default(), InstallationFilter::default());
    (deliveries.tenant, installations.after) = (Some(tenant.clone()), Some(tenant.clone()));
    let (inbox, worker) = store.open(Careless);
    vec![
        debug(&Replicas { one: Arc::new(memory.clone()), two: Arc::new(memory.clone()) }),
        debug(&contract::rules().remove(0)),
        debug(&gate),
        debug(&claim),
        debug(&request),
        debug(&AfterFailure::Dead(Some(&change))),
        display(&EngineError::new(Taken(CANARY))),
        debug(&inbox),
        debug(&store),
        debug(&worker),
        debug(&installations),
        debug(&sealed),
        debug(&keyring),
        debug(&memory),
        debug(&deliveries),
        debug(&stored),
        debug(&stored.summary),
        debug(&record),
        debug(&SealContext { tenant: &tenant, name: "api-key" }),
        display(&SealError::Unavailable(Box::new(Taken(CANARY)))),
        display(&VaultError::Seal(SealError::Unavailable(Box::new(Taken(CANARY))))),
        display(&VaultError::Store(EngineError::new(Taken(CANARY)))),
        debug(&TenantSecret::new(CANARY.into())),
        debug(&notifier.subscribe()),
        debug(notifier),
        debug(&vault),
    ]
    .into_iter()
    .chain(sqlite().await)
    .chain(postgres().await)
    .collect()
}

async fn sqlite() -> Vec<Shown> {
    let folder = tempfile::tempdir().unwrap();
    let engine = SqliteEngine::open(folder.path().join("inbox.db")).unwrap();
    engine.accept(Record::from(&delivery()), engine.now(), WITHIN).await.unwrap();
    vec![debug(&engine), debug(&engine.runner(Writing))]
}

struct Writing;

impl TransactionalHandler for Writing {
    fn install(&self, _: &Delivery, _: &Transaction<'_>) -> Result<(), HandlerError> {
        Ok(())
    }
}

async fn postgres() -> Vec<Shown> {
    // Nobody listens on port 1.
    let url = format!("postgres://user:{CANARY}@127.0.0.1:1/database");
    let torn = format!("postgres://user:{CANARY}@{CANARY}@/127.0.0.1");
    vec![
        debug(&Settings::new(&url).unwrap()),
        display(&PostgresEngine::open(&url).await.unwrap_err()),
        display(&Settings::new(&torn).unwrap_err()),
    ]
}
