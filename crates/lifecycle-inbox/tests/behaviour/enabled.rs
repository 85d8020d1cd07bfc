//! The gate of an app's ordinary routes.

use std::sync::Arc;
use std::time::Duration;

use lifecycle_core::{Change, Installation, async_trait, securityscorecard, seismic};
use lifecycle_inbox::{
    ClaimRequest, EnabledGate, Engine, EngineError, Fault, InstallationFilter, InstallationStore,
    MemoryEngine, Platforms, Record, TenantKey,
};
use test_adapter::Log;
use tokio::time::sleep;

use crate::support::{LEASE, delivery, key};

/// Accepts an event and handles it.
async fn handle(engine: &MemoryEngine, kind: &str) {
    let now = engine.now();
    let record = Record::from(&delivery("t", kind, kind));
    engine.accept(record.clone(), now).await.unwrap();
    let request = ClaimRequest { worker: "w", platforms: &["seismic"], now, lease: LEASE, limit: 1 };
    let claim = engine.claim(request).await.unwrap().remove(0);
    let change = Change::new(&record.restore(&Platforms::default()).unwrap(), claim.token.id.0);
    assert!(engine.complete(claim.token, now, &change).await.unwrap());
}

async fn code(gate: &EnabledGate) -> Option<u16> {
    gate.check(&key("t")).await.err().map(|reply| reply.status())
}

#[tokio::test]
async fn only_an_enabled_app_is_let_through() {
    let engine = MemoryEngine::new();
    let gate = EnabledGate::new(Arc::new(engine.clone()));
    assert_eq!(code(&gate).await, Some(403), "unknown");
    let steps = [
        ("install", Some(403)),
        ("enable", None),
        ("upgrade", None),
        ("disable", Some(403)),
        ("uninstall", Some(403)),
    ];
    for (kind, expected) in steps {
        handle(&engine, kind).await;
        assert_eq!(code(&gate).await, expected, "after {kind}");
    }
    let reply = gate.check(&key("t")).await.unwrap_err();
    let body = std::str::from_utf8(reply.body()).unwrap();
    assert!(body.contains(r#""code":"not-enabled""#), "{body}");
}

#[tokio::test]
async fn while_the_store_is_away_requests_do_not_fill_the_log() {
    let (log, _logging) = Log::start("lifecycle=info");
    let engine = MemoryEngine::new();
    let gate = EnabledGate::new(Arc::new(engine.clone()));
    engine.set_fault(Some(Fault::Away));
    for _ in 0..1000 {
        assert_eq!(code(&gate.clone()).await, Some(503));
    }
    let lines = log.take();
    assert!(lines.lines().count() == 1 && lines.contains("installation not read"), "{lines}");
}

#[tokio::test(start_paused = true)]
async fn on_the_same_replica_a_disable_counts_at_once() {
    let engine = MemoryEngine::new();
    let gate = EnabledGate::new(Arc::new(engine.clone())).time_to_live(Duration::MAX);
    handle(&engine, "enable").await;
    assert_eq!(code(&gate).await, None);
    engine.set_fault(Some(Fault::Away));
    assert_eq!(code(&gate).await, None, "remembered");
    engine.set_fault(None);
    handle(&engine, "disable").await;
    assert_eq!(code(&gate).await, Some(403));
}

#[tokio::test(start_paused = true)]
async fn on_another_replica_a_disable_counts_after_the_time_to_live() {
    let engine = MemoryEngine::new();
    let gate = EnabledGate::new(Arc::new(View::elsewhere(&engine)));
    handle(&engine, "enable").await;
    assert_eq!(code(&gate).await, None);
    handle(&engine, "disable").await;
    sleep(Duration::from_millis(4_999)).await;
    assert_eq!(code(&gate).await, None);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(code(&gate).await, Some(403));
}

#[tokio::test]
async fn installed_is_enough_only_where_the_app_says_so() {
    let engine = MemoryEngine::new();
    let gate = EnabledGate::new(Arc::new(engine.clone()));
    let lenient = gate.clone().installed_is_enough(&seismic::PLATFORM);
    let other = gate.clone().installed_is_enough(&securityscorecard::PLATFORM);
    assert_eq!(code(&lenient).await, Some(403), "unknown");
    handle(&engine, "install").await;
    assert_eq!(code(&lenient).await, None);
    assert_eq!((code(&gate).await, code(&other).await), (Some(403), Some(403)));
    handle(&engine, "disable").await;
    assert_eq!(code(&lenient).await, Some(403));
}

#[tokio::test(start_paused = true)]
async fn an_enable_counts_at_once_everywhere() {
    let engine = MemoryEngine::new();
    let gate = EnabledGate::new(Arc::new(View::elsewhere(&engine)));
    assert_eq!(code(&gate).await, Some(403));
    handle(&engine, "enable").await;
    assert_eq!(code(&gate).await, None);
}

#[tokio::test(start_paused = true)]
async fn without_a_store_nobody_new_is_let_through() {
    let engine = MemoryEngine::new();
    let gate = EnabledGate::new(Arc::new(engine.clone()));
    handle(&engine, "enable").await;
    engine.set_fault(Some(Fault::Away));
    assert_eq!(code(&gate).await, Some(503));
    engine.set_fault(None);
    assert_eq!(code(&gate).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_change_while_the_store_is_read_is_not_missed() {
    let engine = MemoryEngine::new();
    let gate = EnabledGate::new(Arc::new(View::late(&engine))).time_to_live(Duration::MAX);
    handle(&engine, "enable").await;
    // The store answers "enabled", and before the answer is here, the app is disabled.
    let (first, ()) = tokio::join!(code(&gate), async {
        sleep(Duration::from_millis(100)).await;
        handle(&engine, "disable").await;
    });
    assert_eq!(first, None);
    assert_eq!(code(&gate).await, Some(403));
}

/// The store, as another process or over a slow line sees it.
struct View {
    engine: MemoryEngine,
    hears_of_changes: bool,
    answers_after: Duration,
}

impl View {
    fn elsewhere(engine: &MemoryEngine) -> Self {
        Self { engine: engine.clone(), hears_of_changes: false, answers_after: Duration::ZERO }
    }

    fn late(engine: &MemoryEngine) -> Self {
        Self { engine: engine.clone(), hears_of_changes: true, answers_after: Duration::from_secs(1) }
    }
}

#[async_trait]
impl InstallationStore for View {
    fn revision(&self) -> u64 {
        if self.hears_of_changes { self.engine.revision() } else { 0 }
    }

    async fn installation(&self, tenant: &TenantKey) -> Result<Option<Installation>, EngineError> {
        let found = self.engine.installation(tenant).await;
        sleep(self.answers_after).await;
        found
    }

    async fn installations(
        &self,
        _: &InstallationFilter,
    ) -> Result<Vec<(TenantKey, Installation)>, EngineError> {
        Ok(Vec::new())
    }
}
