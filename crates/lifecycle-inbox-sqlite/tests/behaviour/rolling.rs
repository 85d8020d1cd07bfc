//! A rolling deployment on one file.

use std::sync::Arc;

use lifecycle_inbox_sqlite::SqliteEngine;

#[tokio::test(flavor = "multi_thread")]
async fn an_old_worker_leaves_the_deliveries_of_a_new_platform_to_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inbox.db");
    test_app::rolling::check(async || Arc::new(SqliteEngine::open(&path).unwrap()) as _).await;
}
