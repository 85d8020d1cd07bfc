//! A server that is short of connections.

use std::time::Duration;

use futures_util::future::join_all;
use lifecycle_inbox::Engine;
use lifecycle_inbox_postgres::PostgresEngine;
use test_postgres::Server;
use tokio::sync::oneshot;

use crate::outage::Handler;
use crate::support::effects::{Effects, effects};
use crate::support::{Store, WITHIN, record};
use crate::until;

/// With two, it acknowledges; from the third on, it works too.
const ENOUGH: u32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn what_acknowledges_has_its_connection_first_and_keeps_it() {
    let server = Server::start();
    for limit in 1..=8_u32 {
        let owner = Store::on(&server.url());
        let role = format!("limited_{limit}");
        drop(owner.open().await);
        let effects_of = Effects::create(&owner).await;
        let allow = format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'p' CONNECTION LIMIT {limit};
            GRANT USAGE ON SCHEMA {schema} TO {role};
            GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role};
            GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
            schema = owner.schema()
        );
        owner.client().await.batch_execute(&allow).await.unwrap();
        let settings = owner.settings_of(&server.url_of(&role, "p", "postgres"));
        let opened = PostgresEngine::open_with(settings).await;
        if limit == 1 {
            let error = opened.unwrap_err().to_string();
            assert!(error.contains("too many connections"), "{error}");
            continue;
        }
        let engine = opened.unwrap();
        let runner = engine.runner(Handler(effects_of));
        let (_, worker) = lifecycle_inbox::Store::new(engine.clone()).open_with(runner);
        let worker = worker
            .attempts(1) // one that has no connection is none
            .poll(Duration::from_millis(100));
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = tokio::spawn(worker.run(async { drop(stopped.await) }));
        for round in 0..3_u32 {
            let accepts =
                (0..20_u32).map(|nth| engine.accept(record(&format!("t{nth}"), round), engine.now(), WITHIN));
            for accepted in join_all(accepts).await {
                accepted.unwrap_or_else(|error| panic!("of {limit}: {error}"));
            }
            engine.check().await.unwrap_or_else(|error| panic!("of {limit}: {error}"));
        }
        if limit >= ENOUGH {
            until(&format!("all is handled with {limit}"), async || {
                effects(&owner).await.values().map(Vec::len).sum::<usize>() == 60
            })
            .await;
        }
        stop.send(()).unwrap();
        worker.await.unwrap();
    }
}
