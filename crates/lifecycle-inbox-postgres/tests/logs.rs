//! What the engine and its driver log, of which every level is asked for; in a process of its own, as a logger is for all of it.

use std::sync::Arc;

use lifecycle_core::{Decision, Delivery, HandlerError, async_trait};
use lifecycle_inbox::Store;
use lifecycle_inbox_postgres::{PostgresEngine, Settings, TransactionalHandler, tokio_postgres};
use test_privacy::{Careless, Logs, live_through, shows};
use tokio_postgres::{NoTls, Transaction};

struct Writing;

#[async_trait]
impl TransactionalHandler for Writing {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        Ok(Careless::decision(delivery))
    }

    async fn event(&self, delivery: &Delivery, _: &mut Transaction<'_>) -> Result<(), HandlerError> {
        Careless::outcome(delivery)
    }
}

#[tokio::test]
async fn nothing_of_a_delivery_is_logged_at_whatever_level() {
    let schema = format!("test_{}_logs", std::process::id());
    let settings = Settings::new(test_postgres::url()).unwrap().schema(&schema).unwrap();
    let logs = Logs::start();
    let engine = PostgresEngine::open_with(settings).await.unwrap();
    let store = Store::new(engine.clone());
    for (inbox, worker) in [store.open(Careless), store.open_with(engine.runner(Writing))] {
        let mut shown = live_through(&store, &inbox, worker, Arc::new(engine.clone())).await;
        shown.push(format!("{engine:?} {:?}", engine.runner(Writing)));
        for text in shown {
            assert!(!shows(&text), "{text}");
        }
    }
    drop((engine, store));
    let (client, connection) = tokio_postgres::connect(test_postgres::url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
    let text = logs.text();
    for event in ["attempt ended", "the handler panicked", "executing statement", "with parameters"] {
        assert!(text.contains(event), "{event}");
    }
    let shown: Vec<&str> = text.lines().filter(|line| shows(line)).collect();
    assert!(shown.is_empty(), "{shown:#?}");
}
