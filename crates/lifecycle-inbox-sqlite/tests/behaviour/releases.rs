//! Files of earlier releases.

use std::fs;
use std::path::Path;

use lifecycle_core::{LifecycleHandler, Status};
use lifecycle_inbox::{
    Accepted, DeliveryFilter, DeliveryId, DeliveryState, Engine, InstallationFilter, InstallationStore,
    SecretStore, Store, TenantKey,
};
use lifecycle_inbox_sqlite::{SqliteEngine, rusqlite};
use rusqlite::Connection;

use crate::support::{WITHIN, record};

struct Accepting;

impl LifecycleHandler for Accepting {}

/// `tests/data/README.md` says what is in the file.
#[tokio::test]
async fn a_file_of_the_first_release_opens_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inbox.db");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/v1.db"), &path).unwrap();
    let engine = SqliteEngine::open(&path).unwrap();

    let rows = engine.list(&DeliveryFilter::default()).await.unwrap();
    let states: Vec<_> = rows.iter().map(|row| (row.id.0, row.state)).collect();
    assert_eq!(
        states,
        [
            (1, DeliveryState::Done),
            (2, DeliveryState::Dead),
            (3, DeliveryState::Leased),
            (4, DeliveryState::Pending)
        ]
    );
    assert_eq!(rows[1].last_error.as_deref(), Some("the seat could not be made"));
    assert_eq!(rows[2].worker.as_deref(), Some("worker-of-the-first-release"));
    for (nth, row) in rows.iter().enumerate() {
        let stored = engine.show(row.id).await.unwrap().unwrap();
        // As values: the order of members follows what other crates of the build ask of serde_json.
        let read = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap();
        assert_eq!(read(&stored.body), read(&record("t", &nth.to_string()).body));
        assert_eq!(
            engine.accept(record("t", &nth.to_string()), engine.now(), WITHIN).await.unwrap(),
            Accepted::Duplicate
        );
    }
    let tenant = TenantKey::new("seismic", "app", "t");
    let installation = engine.installation(&tenant).await.unwrap().unwrap();
    assert_eq!((installation.status(), installation.generation()), (Status::Installed, 1));
    assert_eq!(engine.installations(&InstallationFilter::default()).await.unwrap().len(), 1);
    assert_eq!(engine.sealed(&tenant, "api-key").await.unwrap().as_deref(), Some(&b"sealed"[..]));

    assert!(engine.retry(DeliveryId(2), engine.now()).await.unwrap());
    Store::new(engine.clone()).open(Accepting).1.run_until_idle().await.unwrap();
    let rows = engine.list(&DeliveryFilter::in_state(DeliveryState::Done)).await.unwrap();
    assert_eq!(rows.len(), 4);
}

#[test]
fn a_new_file_has_the_tables_of_a_migrated_one() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old.db"), folder.path().join("new.db"));
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/v1.db"), &old).unwrap();
    SqliteEngine::migrate(&old).unwrap();
    SqliteEngine::migrate(&new).unwrap();
    assert_eq!(tables(&old), tables(&new));
}

fn tables(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement =
        connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}
