//! The engine keeps the contract of the inbox, on files on disk.

use std::sync::{Arc, Mutex};

use lifecycle_inbox::contract::{self, Replicas};
use lifecycle_inbox_sqlite::SqliteEngine;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_to_one_file_keep_every_rule_of_the_contract() {
    let folders = Mutex::new(Vec::new());
    contract::check(|| async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inbox.db");
        folders.lock().unwrap().push(folder);
        // Two writers with connections of their own, as two processes would have.
        let (one, two) = (SqliteEngine::open(&path).unwrap(), SqliteEngine::open(&path).unwrap());
        Replicas { one: Arc::new(one), two: Arc::new(two) }
    })
    .await;
}

#[tokio::test]
async fn one_handle_keeps_every_rule_of_the_contract() {
    let folders = Mutex::new(Vec::new());
    contract::check(|| async {
        let folder = tempfile::tempdir().unwrap();
        let engine = SqliteEngine::open(folder.path().join("inbox.db")).unwrap();
        folders.lock().unwrap().push(folder);
        Replicas { one: Arc::new(engine.clone()), two: Arc::new(engine) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_to_one_file_keep_the_contract_of_a_store_of_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inbox.db");
    let (one, two) = (SqliteEngine::open(&path).unwrap(), SqliteEngine::open(&path).unwrap());
    contract::check_secrets(&one, &two).await;
}
