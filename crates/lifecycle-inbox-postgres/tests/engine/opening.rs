//! Opening a store, or being told why not.

use std::sync::OnceLock;

use lifecycle_core::Change;
use lifecycle_inbox::Engine;
use lifecycle_inbox_postgres::{OpenError, PostgresEngine, Settings};
use test_postgres::Server;

use crate::support::{Store, connect};
use crate::{claim_one, put};

/// A server on which the tests are superusers.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

async fn refusal(url: &str) -> OpenError {
    let error = PostgresEngine::open(url).await.expect_err(url);
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("hunter2"), "{text}");
        assert!(!text.contains('\n'), "one line: {text}");
    }
    error
}

#[tokio::test]
async fn each_mistake_in_the_url_has_an_error_of_its_own() {
    let server = server();
    let wrong = refusal(&server.url_of("lifecycle", "hunter2", "postgres")).await;
    assert!(matches!(wrong, OpenError::Login(_)), "{wrong:?}");
    let stranger = refusal(&server.url_of("stranger", "hunter2", "postgres")).await;
    assert!(matches!(stranger, OpenError::Login(_)), "{stranger:?}");
    let nowhere = refusal(&server.url().replace("/postgres", "/nowhere")).await;
    assert!(matches!(&nowhere, OpenError::NoDatabase(_)), "{nowhere:?}");
    assert!(nowhere.to_string().contains("nowhere"), "{nowhere}");
    let closed = refusal("postgres://u:hunter2@127.0.0.1:1/db").await;
    assert!(matches!(&closed, OpenError::Unreachable { place, .. } if place == "127.0.0.1:1"), "{closed:?}");
    let unknown = refusal("postgres://u:hunter2@no-such-host.invalid/db").await;
    assert!(matches!(&unknown, OpenError::Unreachable { .. }), "{unknown:?}");
    let torn = refusal("postgres://u:abc@hunter2@host/db").await;
    assert!(matches!(torn, OpenError::Url), "{torn:?}");
    let passwordless = refusal(&server.url().replace(":not%20a%20secret", "")).await;
    assert!(matches!(passwordless, OpenError::Login(_)), "{passwordless:?}");
}

#[tokio::test]
async fn tls_that_cannot_be_had_is_an_error() {
    let url = format!("{}?sslmode=require", test_postgres::url()); // it speaks none
    let error = refusal(&url).await;
    assert!(matches!(error, OpenError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn a_root_certificate_that_is_none_is_an_error() {
    let settings = Settings::new(test_postgres::url()).unwrap().root_certificates("Cargo.toml");
    let error = PostgresEngine::open_with(settings).await.unwrap_err();
    assert!(matches!(error, OpenError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap(); // it takes connections, and says nothing
    let url = format!("postgres://u:hunter2@{}/db", listener.local_addr().unwrap());
    let settings = Settings::new(&url).unwrap().time_limit(std::time::Duration::from_millis(200));
    let error = PostgresEngine::open_with(settings).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn many_replicas_that_start_at_once_make_one_schema() {
    let store = Store::new();
    let opened = futures_util::future::join_all((0..8).map(|_| store.open())).await;
    put(&opened[0], "t", 1).await;
    for engine in &opened {
        assert_eq!(engine.stats(engine.now()).await.unwrap().pending, 1);
    }
    store.remove().await;
}

#[tokio::test]
async fn a_newer_schema_is_an_error_and_left_as_it_is() {
    let store = Store::new();
    put(&store.open().await, "t", 1).await;
    let client = store.client().await;
    let newer = format!("INSERT INTO {}.schema_version (version) VALUES (99)", store.schema());
    client.batch_execute(&newer).await.unwrap();
    for error in [
        PostgresEngine::open_with(store.settings()).await.unwrap_err(),
        PostgresEngine::migrate(&store.settings()).await.unwrap_err(),
    ] {
        assert!(matches!(error, OpenError::NewerSchema { found: 99, known: 1 }), "{error:?}");
    }
    let versions =
        format!("SELECT count(*), (SELECT writes FROM {0}.probe) FROM {0}.schema_version", store.schema());
    let row = client.query_one(&versions, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 1), "nothing was written");
    store.remove().await;
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let store = Store::new();
    let client = store.client().await;
    let other = format!("CREATE SCHEMA {0}; CREATE TABLE {0}.probe (mine int)", store.schema());
    client.batch_execute(&other).await.unwrap();
    let error = PostgresEngine::open_with(store.settings()).await.unwrap_err();
    assert!(matches!(error, OpenError::Database(_)), "{error:?}");
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = $1::text::regnamespace";
    let row = client.query_one(tables, &[&store.schema()]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 1, "the table that was there");
    store.remove().await;
}

#[tokio::test]
async fn a_program_that_must_not_migrate_says_so() {
    let store = Store::new();
    let settings = store.settings().migrate_at_start(false);
    let error = PostgresEngine::open_with(settings.clone()).await.unwrap_err();
    assert!(matches!(error, OpenError::OlderSchema { found: 0, known: 1 }), "{error:?}");
    PostgresEngine::migrate(&settings).await.unwrap();
    PostgresEngine::migrate(&settings).await.unwrap();
    put(&PostgresEngine::open_with(settings).await.unwrap(), "t", 1).await;
    store.remove().await;
}

#[tokio::test]
async fn a_url_alone_opens_what_was_migrated() {
    let server = Server::start();
    let url = server.url();
    let error = PostgresEngine::open_without_migrating(&url).await.unwrap_err();
    assert!(matches!(error, OpenError::OlderSchema { found: 0, .. }), "{error:?}");
    PostgresEngine::migrate(&Settings::new(&url).unwrap()).await.unwrap();
    put(&PostgresEngine::open_without_migrating(&url).await.unwrap(), "t", 1).await;
}

#[tokio::test]
async fn the_privileges_that_the_readme_names_are_enough_and_needed() {
    let server = server();
    let owner = connect(&server.url()).await.unwrap();
    owner.batch_execute("CREATE ROLE program LOGIN PASSWORD 'hunter2'").await.unwrap();
    let store = Store::on(&server.url());
    let settings = Settings::new(&server.url_of("program", "hunter2", "postgres")).unwrap();
    let settings = settings.schema(store.schema()).unwrap();
    let open = async || PostgresEngine::open_with(settings.clone()).await;

    let error = open().await.unwrap_err(); // it may not create the schema
    assert!(matches!(error, OpenError::Privilege(_)), "{error:?}");
    PostgresEngine::migrate(&store.settings()).await.unwrap();
    let schema = store.schema();
    owner.batch_execute(&format!("GRANT USAGE ON SCHEMA {schema} TO program")).await.unwrap();
    let error = open().await.unwrap_err();
    assert!(matches!(error, OpenError::Privilege(_)), "{error:?}");
    owner
        .batch_execute(&format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO program;
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO program"
        ))
        .await
        .unwrap();

    let engine = open().await.unwrap();
    let id = put(&engine, "t", 1).await;
    let claimed = claim_one(&engine).await;
    let delivery = claimed.record.unwrap().restore(&lifecycle_inbox::Platforms::default()).unwrap();
    assert!(
        engine
            .complete(claimed.token, engine.now(), &Change::new(&delivery, claimed.token.id.0))
            .await
            .unwrap()
    );
    assert!(engine.delete(id).await.unwrap());
    engine.check().await.unwrap();
}

#[tokio::test]
async fn an_acknowledgement_is_on_disk_whatever_the_default_is() {
    let server = server();
    let owner = connect(&server.url()).await.unwrap();
    owner
        .batch_execute(
            "CREATE ROLE hasty SUPERUSER LOGIN PASSWORD 'p'; ALTER ROLE hasty SET synchronous_commit = off",
        )
        .await
        .unwrap();
    let store = Store::on(&server.url());
    let settings = Settings::new(&server.url_of("hasty", "p", "postgres")).unwrap();
    let engine = PostgresEngine::open_with(settings.schema(store.schema()).unwrap()).await.unwrap();
    let schema = store.schema();
    owner
        .batch_execute(&format!(
            "CREATE TABLE {schema}.seen (setting text);
            CREATE FUNCTION {schema}.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO {schema}.seen VALUES (current_setting('synchronous_commit'));
                RETURN NULL;
            END $$;
            CREATE TRIGGER see AFTER INSERT OR UPDATE ON {schema}.deliveries
                FOR EACH ROW EXECUTE FUNCTION {schema}.see()"
        ))
        .await
        .unwrap();
    put(&engine, "t", 1).await;
    claim_one(&engine).await;
    let seen = owner.query(&format!("SELECT setting FROM {schema}.seen"), &[]).await.unwrap();
    let seen: Vec<String> = seen.iter().map(|row| row.get(0)).collect();
    assert_eq!(seen, ["on", "on"]);
}
