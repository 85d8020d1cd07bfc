//! The engine does what the model of the contract does, by two handles to one file.

use lifecycle_inbox_sqlite::SqliteEngine;

#[test]
fn the_engine_does_what_the_model_does() {
    let folder = tempfile::tempdir().unwrap();
    test_model::check(0..30, async |store| {
        SqliteEngine::open(folder.path().join(format!("{store}.db"))).unwrap()
    });
}
