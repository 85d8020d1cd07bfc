//! A gate over a server that is cut off, demoted or hung: it believes nothing beyond its time. How long each stays open is
//! printed: `cargo test -p lifecycle-inbox-postgres --test engine gate -- --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lifecycle_core::{Change, Delivery, TenantKey, seismic};
use lifecycle_inbox::{EnabledGate, Engine, InstallationStore, Record};
use lifecycle_inbox_postgres::PostgresEngine;
use test_postgres::Server;
use tokio::time::sleep;

use crate::failover::{READ_ONLY, WRITABLE, administer};
use crate::support::{Store, WITHIN};
use crate::{claim_one, until};

fn tenant() -> TenantKey {
    TenantKey::new("seismic", "app", "t")
}

/// A tenant's event, which is accepted and handled at once.
async fn handle(engine: &PostgresEngine, kind: &str) -> Delivery {
    let body = format!(r#"{{"type":"{kind}","appId":"app","tenantId":"t","requestId":"{kind}"}}"#);
    let delivery = lifecycle_testing::delivery(&seismic::PLATFORM, &body);
    engine.accept(Record::from(&delivery), engine.now(), WITHIN).await.unwrap();
    let claim = claim_one(engine).await;
    let change = Change::new(&delivery, claim.token.id.0);
    assert!(engine.complete(claim.token, engine.now(), &change).await.unwrap());
    delivery
}

/// Asks the gate until it is closed, and tells how long after the start it was open last.
async fn closes(gate: &EnabledGate, what: &str) {
    let started = Instant::now();
    let mut open = Duration::ZERO;
    until(what, async || {
        let asked = started.elapsed();
        let is_open = gate.check(&tenant()).await.is_ok();
        if is_open {
            open = asked;
        }
        !is_open
    })
    .await;
    println!("{what}: the gate was open for {:.1} s", open.as_secs_f32());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_does_not_believe_a_node_that_takes_no_writes_beyond_its_time() {
    let server = Server::start();
    let store = Store::on(&server.url());
    let engine = Arc::new(store.open().await);
    let enable = handle(&engine, "enable").await;
    let tenant = tenant();
    let gate = EnabledGate::new(engine.clone());
    gate.check(&tenant).await.unwrap();
    administer(&server, READ_ONLY).await;
    closes(&gate, "a server that is read-only").await;
    assert!(engine.installation(&tenant).await.is_err());
    assert!(engine.is_known(enable.idempotency_key()).await.is_err());
    administer(&server, WRITABLE).await;
    until("it is believed again", async || gate.check(&tenant).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_does_not_believe_what_a_primary_told_before_it_hung() {
    let mut primary = Server::start();
    let engine = Arc::new(Store::on(&primary.url()).open().await);
    handle(&engine, "enable").await;
    let gate = EnabledGate::new(engine);
    gate.check(&tenant()).await.unwrap();
    primary.freeze();
    closes(&gate, "a primary that hangs").await;
    primary.thaw();
    until("it is believed again", async || gate.check(&tenant()).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_does_not_believe_what_a_primary_told_before_it_was_lost() {
    let mut primary = Server::start();
    let standby = primary.start_standby();
    let engine = Arc::new(Store::on(&primary.url_with(&standby)).open().await);
    handle(&engine, "enable").await;
    let gate = EnabledGate::new(engine);
    gate.check(&tenant()).await.unwrap();
    primary.stop();
    closes(&gate, "a primary that is lost, with a standby").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_was_cut_off_opens_no_gate_and_closes_it_when_it_is_promoted() {
    let mut primary = Server::start();
    let mut standby = primary.start_standby();
    primary.execute(&["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"]);
    let store = Store::on(&primary.url_with(&standby));
    let engine = Arc::new(store.open().await);
    handle(&engine, "enable").await;
    let gate = EnabledGate::new(engine.clone());
    gate.check(&tenant()).await.unwrap();

    // The standby receives what follows, and answers as if it had not happened.
    let has_all = format!("SELECT count(*) FROM {}.installations WHERE status = 'enabled'", store.schema());
    until("the standby knows of it", async || standby.execute(&[&has_all]) == "1").await;
    standby.execute(&["SELECT pg_wal_replay_pause()"]);
    until("it waits", async || standby.execute(&["SELECT pg_get_wal_replay_pause_state()"]) == "paused")
        .await;
    handle(&store.open().await, "disable").await;
    primary.stop();
    closes(&gate, "a disable by another process, and a standby that lags").await;
    assert_eq!(standby.execute(&[&has_all]), "1", "who asks the standby is told that all is well");
    for _ in 0..20 {
        assert!(gate.check(&tenant()).await.is_err());
        sleep(Duration::from_millis(50)).await;
    }
    standby.promote();
    until("the gate is closed by what was acknowledged", async || {
        gate.check(&tenant()).await.expect_err("it was disabled").status() == 403
    })
    .await;
}
