//! One `INSERT` for each callback, in PostgreSQL.

use lifecycle_core::{Delivery, HandlerError, LifecycleHandler, async_trait};
use tokio_postgres::{Client, NoTls, Statement};

use super::{Store, unavailable};
use crate::Failure;

/// One connection, on which each statement is a transaction.
pub(crate) struct EachInPostgres {
    client: Client,
    insert: Statement,
    count: Statement,
}

impl EachInPostgres {
    pub(crate) async fn create(url: &str, schema: &str) -> Result<Self, Failure> {
        let client = connect(url).await?;
        let table = format!("{schema}_callbacks");
        let create = format!(
            "CREATE TABLE {table} (id bigserial PRIMARY KEY, key bytea NOT NULL UNIQUE, body bytea NOT NULL)"
        );
        client.batch_execute(&create).await?;
        let insert = format!("INSERT INTO {table} (key, body) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        let insert = client.prepare(&insert).await?;
        let count = client.prepare(&format!("SELECT count(*) FROM {table}")).await?;
        Ok(Self { client, insert, count })
    }
}

/// A connection that lasts as long as its client.
pub(crate) async fn connect(url: &str) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[async_trait]
impl LifecycleHandler for EachInPostgres {
    async fn event(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let key = delivery.idempotency_key();
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] =
            [&key.as_bytes().as_slice(), &delivery.body().as_ref()];
        self.client.execute(&self.insert, &values).await.map_err(unavailable)?;
        Ok(())
    }
}

#[async_trait]
impl Store for EachInPostgres {
    async fn count(&self) -> Result<u64, Failure> {
        Ok(u64::try_from(self.client.query_one(&self.count, &[]).await?.get::<_, i64>(0))?)
    }
}
