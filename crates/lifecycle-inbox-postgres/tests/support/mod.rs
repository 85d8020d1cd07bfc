//! A schema of its own for each test, and deliveries for it.

pub(crate) mod effects;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lifecycle_core::{Delivery, seismic};
use lifecycle_inbox::Record;
use lifecycle_inbox_postgres::{PostgresEngine, Settings, tokio_postgres};
use tokio_postgres::NoTls;

/// How long a write may take.
pub(crate) const WITHIN: Duration = Duration::from_millis(2_300);

/// A schema that no other test has.
pub(crate) struct Store {
    pub(crate) url: String,
    schema: String,
}

impl Store {
    /// On the server that all tests share.
    pub(crate) fn new() -> Self {
        Self::on(test_postgres::url())
    }

    pub(crate) fn on(url: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { url: url.to_owned(), schema: format!("test_{}_{nth}", std::process::id()) }
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings_of(&self.url)
    }

    /// Of this schema, for another user.
    pub(crate) fn settings_of(&self, url: &str) -> Settings {
        Settings::new(url).and_then(|settings| settings.schema(&self.schema)).expect("good settings")
    }

    pub(crate) async fn open(&self) -> PostgresEngine {
        PostgresEngine::open_with(self.settings()).await.expect("the store opens")
    }

    /// A connection of the test's own.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        connect(&self.url).await.expect("the server lets the test in")
    }

    pub(crate) async fn remove(self) {
        let drop = format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.schema);
        self.client().await.batch_execute(&drop).await.expect("the schema goes");
    }
}

pub(crate) async fn connect(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The nth delivery to a tenant.
pub(crate) fn delivery(tenant: &str, nth: u32) -> Delivery {
    let body = format!(
        r#"{{"type":"upgrade","appId":"app","tenantId":"{tenant}","requestId":"{nth}","appVersion":"1.0.{nth}"}}"#
    );
    lifecycle_testing::delivery(&seismic::PLATFORM, &body)
}

pub(crate) fn record(tenant: &str, nth: u32) -> Record {
    Record::from(&delivery(tenant, nth))
}
