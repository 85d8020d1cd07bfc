//! A connection is cut before each message of each operation: it has happened wholly or not at all, also in the answer, and the
//! next one works.

use std::time::Duration;

use lifecycle_inbox_postgres::tokio_postgres::Client;
use lifecycle_inbox_postgres::{PostgresEngine, PostgresRunner};
use test_model::{Operation, Scene};
use test_postgres::{Fault, Proxy, Server};
use tokio::time::timeout;

use crate::outage::Handler;
use crate::support::Store;
use crate::support::effects::Effects;
use crate::until;

const TABLES: [&str; 8] =
    ["tenants", "heads", "keys", "old_keys", "deliveries", "installations", "secrets", "effects"];

/// All that is stored, a row a line. Ids that were drawn in vain do not count, and neither does when a handler ran.
const STORED: &str = "
    SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
        SELECT 'delivery ' || row(
            rank() OVER (ORDER BY id), tenant, kind, key, state, attempts, fence, due_at, received_at, accepted_at,
            finished_at IS NULL, worker, last_error, envelope, body)::text AS line FROM SCHEMA.deliveries
        UNION ALL SELECT 'head ' || row(tenant, platform, (
            SELECT count(*) FROM SCHEMA.deliveries AS d
            WHERE d.tenant = h.tenant AND d.id < h.head AND d.state IN ('pending', 'leased')))::text
            FROM SCHEMA.heads AS h
        UNION ALL SELECT 'key ' || row(
            key, accepted_at, (SELECT key FROM SCHEMA.deliveries AS d WHERE d.id = k.delivery))::text
            FROM (TABLE SCHEMA.keys UNION ALL TABLE SCHEMA.old_keys) AS k
        UNION ALL SELECT 'tenant ' || t::text FROM SCHEMA.tenants AS t
        UNION ALL SELECT 'installation ' || i::text FROM SCHEMA.installations AS i
        UNION ALL SELECT 'secret ' || s::text FROM SCHEMA.secrets AS s
        UNION ALL SELECT 'effect ' || row(tenant, nth)::text FROM SCHEMA.effects
    ) AS all_lines";

struct Stage {
    store: Store,
    client: Client,
    scene: Scene,
    /// What the store has, and has again after each operation.
    before: String,
}

impl Stage {
    async fn new(store: Store) -> (Self, PostgresEngine) {
        let engine = store.open().await;
        Effects::create(&store).await;
        let scene = Scene::prepare(&engine).await;
        let client = store.client().await;
        for table in TABLES {
            let schema = store.schema();
            let keep = format!("CREATE TABLE {schema}.kept_{table} AS TABLE {schema}.{table}");
            client.batch_execute(&keep).await.unwrap();
        }
        let mut stage = Self { store, client, scene, before: String::new() };
        stage.before = stage.stored().await;
        (stage, engine)
    }

    fn runner(&self, engine: &PostgresEngine) -> PostgresRunner {
        engine.runner(Handler(Effects(self.store.schema().to_owned()))).connections(1)
    }

    async fn stored(&self) -> String {
        let stored = STORED.replace("SCHEMA", self.store.schema());
        self.client.query_one(&stored, &[]).await.unwrap().get(0)
    }

    async fn restore(&self) {
        let schema = self.store.schema();
        let delete = TABLES.iter().rev().map(|table| format!("DELETE FROM {schema}.{table};"));
        let insert = TABLES.iter().map(|table| {
            format!("INSERT INTO {schema}.{table} OVERRIDING SYSTEM VALUE TABLE {schema}.kept_{table};")
        });
        let restore: String = delete.chain(insert).collect();
        self.client.batch_execute(&restore).await.unwrap();
        assert_eq!(self.stored().await, self.before);
    }

    /// Waits until no session of the proxy is in the middle of something.
    async fn is_quiet(&self) {
        let busy =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'proxied' AND state <> 'idle'";
        until("no session works on", async || {
            self.client.query_one(busy, &[]).await.unwrap().get::<_, i64>(0) == 0
        })
        .await;
    }
}

/// What goes wrong, at one message of how many, and how long the engine waits then.
struct Faults {
    fault: Fault,
    one_of: usize,
    limit: Duration,
}

/// Returns how often something went wrong.
async fn each_operation_fails(Faults { fault, one_of, limit }: Faults) -> usize {
    let server = Server::start();
    let (stage, direct) = Stage::new(Store::on(&server.url())).await;
    let proxy = Proxy::start(&server);
    let settings = stage.store.settings_of(&proxy.url()).connections(1).time_limit(limit);
    let engine = PostgresEngine::open_with(settings).await.unwrap();
    let (through, beside) = (stage.runner(&engine), stage.runner(&direct));
    let mut faults = 0;
    // To delete what is old may take a minute more than anything else, and a freeze of it would be waited for as long.
    let is_too_long = |operation: &Operation| fault == Fault::Freeze && *operation == Operation::Prune;
    for operation in Operation::ALL.into_iter().filter(|operation| !is_too_long(operation)) {
        stage.restore().await;
        stage.scene.ask(operation, &direct, &beside).await.unwrap();
        let after = stage.stored().await;
        assert_ne!(after, stage.before, "{operation:?}");
        for messages in (0..).step_by(one_of) {
            stage.restore().await;
            proxy.fail_after(messages, fault);
            // A worker gives up a handler whose statement is not answered.
            let asked = timeout(limit * 10, stage.scene.ask(operation, &engine, &through)).await;
            let asked = asked.unwrap_or_else(|_| Err("given up".to_owned()));
            let has_failed = proxy.heal();
            stage.is_quiet().await;
            let stored = stage.stored().await;
            let is_done = stored == after;
            assert!(is_done || stored == stage.before, "{operation:?} after {messages} messages: {stored}");
            assert!(is_done || asked.is_err(), "{operation:?} is told as done after {messages} messages");
            if !has_failed {
                assert_eq!((asked, is_done), (Ok(()), true), "{operation:?}, where nothing went wrong");
                break;
            }
            faults += 1;
        }
    }
    faults
}

const CUT: Faults = Faults { fault: Fault::Cut, one_of: 1, limit: Duration::from_secs(5) };

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_at_some_message_has_happened_wholly_or_not_at_all() {
    let cuts = each_operation_fails(Faults { one_of: 11, ..CUT }).await;
    assert!(cuts > 30, "{cuts} cuts");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "some 900 cuts"]
async fn what_is_cut_at_any_message_has_happened_wholly_or_not_at_all() {
    println!("{} cuts", each_operation_fails(CUT).await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "some 100 times nothing goes through until the limit"]
async fn what_is_frozen_at_some_message_has_happened_wholly_or_not_at_all() {
    let limit = Duration::from_millis(1_500);
    let frozen = Faults { fault: Fault::Freeze, one_of: 9, limit };
    println!("{} times", each_operation_fails(frozen).await);
}
