//! The gate of an app's ordinary routes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lifecycle_core::{Change, Delivery, Installation, async_trait, github, registry};
use lifecycle_inbox::{
    ClaimRequest, EnabledGate, Engine, EngineError, Fault, InstallationFilter, InstallationStore,
    MemoryEngine, Platforms, Record, TenantKey,
};
use test_adapter::Log;
use tokio::time::sleep;

use crate::support::{LEASE, WITHIN, delivery, key};

/// Accepts an event of Seismic and handles it.
async fn handle(engine: &MemoryEngine, kind: &str) {
    handle_delivery(engine, &delivery("t", kind, kind)).await;
}

async fn handle_delivery(engine: &MemoryEngine, delivery: &Delivery) {
    let now = engine.now();
    let record = Record::from(delivery);
    engine.accept(record.clone(), now, WITHIN).await.unwrap();
    let platforms = &[delivery.platform().name()];
    let request = ClaimRequest::new("w", platforms, now, LEASE, 1);
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

/// The install of each platform that sends one. Slack sends none.
const INSTALLS: [(&str, &str); 5] = [
    (
        "discord",
        r#"{"application_id":"1","type":1,"event":{"type":"APPLICATION_AUTHORIZED","data":{"user":{"id":"2"}}}}"#,
    ),
    ("github", r#"{"action":"created","installation":{"id":3,"app_id":1,"account":{"id":2}}}"#),
    (
        "securityscorecard",
        r#"{"event":{"type":"app.installed","payload":{"app":{"id":"1"},"user":{"username":"2"}}}}"#,
    ),
    ("seismic", r#"{"type":"install","appId":"1","tenantId":"2"}"#),
    (
        "stripe",
        r#"{"id":"evt_1","account":"2","created":1790812800,"data":{"object":{"id":"3","app":"1"}},"type":"apps.install.created"}"#,
    ),
];

#[tokio::test]
async fn an_install_lets_in_at_once_where_no_enable_follows() {
    let headers = [(github::EVENT, "installation")];
    for (name, body) in INSTALLS {
        let platform = registry().iter().find(|platform| platform.name() == name).unwrap();
        let install = lifecycle_testing::delivery_with(platform, &headers, body, SystemTime::now());
        let engine = MemoryEngine::new();
        let gate = EnabledGate::new(Arc::new(engine.clone()));
        let tenant = TenantKey::new(name, install.event().app(), install.event().tenant());
        assert!(gate.check(&tenant).await.is_err(), "{name}: nothing is known");
        handle_delivery(&engine, &install).await;
        assert_eq!(gate.check(&tenant).await.is_ok(), name != "seismic", "{name}");
    }
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
