//! Effects: a table that handlers write to, in the transaction that completes their delivery.

use std::collections::HashMap;

use lifecycle_core::{Delivery, HandlerError};
use lifecycle_inbox_postgres::tokio_postgres::Transaction;

use super::Store;

/// The table, in the schema of this name.
pub(crate) struct Effects(pub(crate) String);

impl Effects {
    pub(crate) async fn create(store: &Store) -> Self {
        let create = format!(
            "CREATE TABLE {}.effects (id bigint GENERATED ALWAYS AS IDENTITY, tenant text, nth text)",
            store.schema()
        );
        store.client().await.batch_execute(&create).await.expect("a new table");
        Self(store.schema().to_owned())
    }

    /// One row for the nth delivery of a tenant.
    pub(crate) async fn note(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        let (tenant, nth) = (delivery.event().tenant(), delivery.event().request_id());
        let insert = format!("INSERT INTO {}.effects (tenant, nth) VALUES ($1, $2)", self.0);
        transaction.execute(&insert, &[&tenant, &nth]).await?;
        Ok(())
    }
}

/// What took effect, for each tenant in order.
pub(crate) async fn effects(store: &Store) -> HashMap<String, Vec<String>> {
    let select = format!("SELECT tenant, nth FROM {}.effects ORDER BY id", store.schema());
    let mut effects: HashMap<String, Vec<String>> = HashMap::new();
    for row in store.client().await.query(&select, &[]).await.expect("the table") {
        effects.entry(row.get(0)).or_default().push(row.get(1));
    }
    effects
}
