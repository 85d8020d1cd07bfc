//! The demo app on PostgreSQL: any number of its processes may share one database.

use std::sync::Arc;

use async_trait::async_trait;
use lifecycle_core::{Decision, Delivery, HandlerError};
use lifecycle_inbox::{Inbox, Store, Worker};
use lifecycle_inbox_postgres::tokio_postgres::config::TargetSessionAttrs;
use lifecycle_inbox_postgres::tokio_postgres::{Client, Config, NoTls, Transaction};
use lifecycle_inbox_postgres::{PostgresEngine, TransactionalHandler};
use serde_json::Value;

use super::SHOWN;
use crate::decision::decide;
use crate::describe;
use crate::failure::Failure;

#[derive(Clone)]
pub(crate) struct Database {
    pub(super) engine: PostgresEngine,
    url: Arc<str>,
}

impl Database {
    pub(super) async fn open(url: &str) -> Result<Self, Failure> {
        // The engine keeps its connections, so this one comes first: where they are few, there would be none left for it.
        // Processes that start at the same time would both find no table, and one of them fail to create it. Its schema is
        // named: that of a user whose name is the engine's schema's would be another one once the engine has made that.
        let table = "BEGIN; SELECT pg_advisory_xact_lock(7071); \
            CREATE TABLE IF NOT EXISTS public.handled (position bigserial PRIMARY KEY, delivery text NOT NULL); COMMIT";
        connect(url).await?.batch_execute(table).await?;
        Ok(Self { engine: PostgresEngine::open(url).await?, url: url.into() })
    }

    pub(super) fn inbox(&self) -> (Store, Inbox, Worker) {
        let store = Store::new(self.engine.clone());
        let (inbox, worker) = store.open_with(self.engine.runner(Handled));
        (store, inbox, worker)
    }

    pub(super) async fn handled(&self) -> Result<Vec<Value>, Failure> {
        let latest = "SELECT delivery FROM public.handled ORDER BY position DESC LIMIT $1";
        let rows = connect(&self.url).await?.query(latest, &[&i64::from(SHOWN)]).await?;
        rows.iter().rev().map(|row| Ok(serde_json::from_str(row.try_get(0)?)?)).collect()
    }
}

/// A connection for the app's own statements; it closes when the client is dropped.
async fn connect(url: &str) -> Result<Client, Failure> {
    let mut config: Config = url.parse()?;
    config.target_session_attrs(TargetSessionAttrs::ReadWrite); // a standby would tell what was true once
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The work: one row for each delivery, which is there if and only if the delivery is done.
struct Handled;

#[async_trait]
impl TransactionalHandler for Handled {
    async fn decide(&self, delivery: &Delivery) -> Result<Decision, HandlerError> {
        decide(delivery).await
    }

    async fn event(
        &self,
        delivery: &Delivery,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), HandlerError> {
        let text = describe::delivery(delivery).to_string();
        transaction.execute("INSERT INTO public.handled (delivery) VALUES ($1)", &[&text]).await?;
        Ok(())
    }
}
