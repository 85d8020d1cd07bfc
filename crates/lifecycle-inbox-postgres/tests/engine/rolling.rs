//! A rolling deployment on one database.

use std::sync::Arc;

use crate::support::Store;

#[tokio::test(flavor = "multi_thread")]
async fn an_old_worker_leaves_the_deliveries_of_a_new_platform_to_the_new_one() {
    let store = Store::new();
    test_app::rolling::check(async || Arc::new(store.open().await) as _).await;
    store.remove().await;
}
