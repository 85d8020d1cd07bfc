//! Behind Debian's pgbouncer, in each of its modes.

use std::time::Duration;

use lifecycle_core::{Change, Delivery};
use lifecycle_inbox::{Engine, Platforms};
use lifecycle_inbox_postgres::tokio_postgres::{Client, SimpleQueryMessage};
use lifecycle_inbox_postgres::{OpenError, PostgresEngine, Settings};
use test_postgres::{Pooler, Server};
use tokio::time::sleep;

use crate::support::{Store, connect};
use crate::{claim_one, put};

async fn told(client: &Client, sql: &str) -> String {
    let rows = client.simple_query(sql).await.unwrap();
    let row = rows.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    row.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_a_pooler_are_as_good_as_the_servers_own() {
    let server = Server::start();
    let pooler = Pooler::start(&server, "session");
    let store = Store::on(&pooler.url());
    let engine = store.open().await;
    for nth in 1..=20 {
        put(&engine, "t", nth).await;
        let claim = claim_one(&engine).await;
        let delivery: Delivery = claim.record.unwrap().restore(&Platforms::default()).unwrap();
        assert!(
            engine
                .complete(claim.token, engine.now(), &Change::new(&delivery, claim.token.id.0))
                .await
                .unwrap()
        );
    }
    engine.check().await.unwrap();
}

/// Why the engine makes its settings by SET: a pooler refuses those of the start-up packet, or is told to drop them.
#[tokio::test(flavor = "multi_thread")]
async fn no_pooler_passes_on_the_options_of_the_start_up_packet() {
    let server = Server::start();
    for mode in ["session", "transaction", "statement"] {
        let pooler = Pooler::start(&server, mode);
        let url = format!("{}?options=-c%20statement_timeout%3D5s", pooler.url());
        let error = connect(&url).await.err().unwrap_or_else(|| panic!("{mode}: it lets options pass"));
        let error = error.as_db_error().unwrap_or_else(|| panic!("{mode}: {error}")).message();
        assert_eq!(error, "unsupported startup parameter: options", "{mode}");
        let pooler = Pooler::start_with(&server, mode, "ignore_startup_parameters = options");
        let url = format!("{}?options=-c%20statement_timeout%3D5s", pooler.url());
        assert_eq!(told(&connect(&url).await.unwrap(), "SHOW statement_timeout").await, "0", "{mode}");
    }
    let direct = format!("{}?options=-c%20statement_timeout%3D5s", server.url());
    assert_eq!(told(&connect(&direct).await.unwrap(), "SHOW statement_timeout").await, "5s");
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_sessions_are_refused_at_the_start_and_left_as_they_were() {
    let server = Server::start();
    for mode in ["transaction", "statement"] {
        let pooler = Pooler::start(&server, mode);
        let other = connect(&pooler.url()).await.unwrap();
        told(&other, "SELECT 1").await; // there is a session for all now
        let settings = Settings::new(&pooler.url()).unwrap();
        let opened = PostgresEngine::open_with(settings.clone()).await;
        assert!(matches!(opened, Err(OpenError::Pooler)), "{mode}: {opened:?}");
        let migrated = PostgresEngine::migrate(&settings).await;
        assert!(matches!(migrated, Err(OpenError::Pooler)), "{mode}: {migrated:?}");
        let text = OpenError::Pooler.to_string();
        assert!(text.contains("session mode") && !text.contains('\n'), "{text}");
        for (setting, value) in [
            ("enable_seqscan", "on"),
            ("statement_timeout", "0"),
            ("jit", "on"),
            ("tcp_keepalives_idle", "7200"),
        ] {
            assert_eq!(told(&other, &format!("SHOW {setting}")).await, value, "{mode}: {setting}");
        }
        assert_eq!(told(&other, "SELECT count(*) FROM pg_prepared_statements").await, "0", "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_sessions_are_found_out_among_other_clients() {
    let server = Server::start();
    let pooler = Pooler::start(&server, "transaction");
    let mut others = Vec::new();
    for _ in 0..6 {
        let other = connect(&pooler.url()).await.unwrap();
        others.push(tokio::spawn(async move {
            loop {
                told(&other, "SELECT pg_sleep(0.005)").await;
            }
        }));
    }
    sleep(Duration::from_millis(200)).await;
    for _ in 0..10 {
        let opened = PostgresEngine::open(&pooler.url()).await;
        assert!(matches!(opened, Err(OpenError::Pooler)), "{opened:?}");
    }
    for other in others {
        other.abort();
    }
}
