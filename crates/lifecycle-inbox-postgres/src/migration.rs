//! Migrations: the schema's versions, as plain SQL.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Error, Transaction};

use crate::error::OpenError;
use crate::session::Connector;
use crate::settings::{Schema, Settings};

/// Each leads from the version before to its own, which is its place counted from 1.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/1.sql")];

/// How long a migration may take, with the wait for other replicas that start at the same time.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Sees to it that the schema has the version that is known here, whatever the settings say about the start.
pub(crate) async fn migrate(settings: &Settings) -> Result<(), OpenError> {
    let settings = &settings.clone().migrate_at_start(true);
    let connector = Connector::new(settings)?;
    let [mut client, _] = connector.open_first(settings).await?;
    bring_up(&mut client, settings).await
}

/// Sees to it that the schema has the version that is known here, or tells that it has not.
pub(crate) async fn bring_up(client: &mut Client, settings: &Settings) -> Result<(), OpenError> {
    let telling = |error: Error| OpenError::new(&error, settings);
    let known = newest();
    let found = version(client, &settings.schema).await.map_err(telling)?;
    // Without a lock: most starts find nothing to do, and their user need not be allowed to.
    if is_current(found)? {
        return Ok(());
    }
    if !settings.migrate {
        return Err(OpenError::OlderSchema { found, known });
    }
    let work = async {
        let transaction = client.transaction().await.map_err(telling)?;
        lock(&transaction, &settings.schema).await.map_err(telling)?;
        let found = version(transaction.client(), &settings.schema).await.map_err(telling)?;
        if is_current(found)? {
            return Ok(()); // another replica was faster
        }
        if !has_schema(&transaction, &settings.schema).await.map_err(telling)? {
            let create = format!("CREATE SCHEMA \"{}\"", settings.schema.name());
            transaction.batch_execute(&create).await.map_err(telling)?;
        }
        let done = usize::try_from(found).unwrap_or(0);
        for (nth, migration) in MIGRATIONS.iter().enumerate().skip(done) {
            transaction.batch_execute(&settings.schema.sql(migration)).await.map_err(telling)?;
            let note = format!("INSERT INTO lifecycle.schema_version (version) VALUES ({})", nth + 1);
            transaction.batch_execute(&settings.schema.sql(&note)).await.map_err(telling)?;
        }
        transaction.commit().await.map_err(telling)
    };
    timeout(TIME_LIMIT, work).await.map_err(|_| OpenError::timeout(settings))??;
    tracing::info!(target: "lifecycle::inbox", from = found, to = known, "migrated the schema");
    Ok(())
}

/// Whether a schema of this version needs nothing.
fn is_current(found: i32) -> Result<bool, OpenError> {
    let known = newest();
    if found > known {
        return Err(OpenError::NewerSchema { found, known });
    }
    Ok(found == known)
}

/// The version of the schema that this release makes.
fn newest() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// The schema's version; 0 where there is none.
async fn version(client: &Client, schema: &Schema) -> Result<i32, Error> {
    // Asked of the catalogue, not by `to_regclass`: that may remember from before the lock that there was none.
    let exists = "SELECT EXISTS (
        SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = 'schema_version')";
    if !client.query_one(exists, &[&schema.name()]).await?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let newest = schema.sql("SELECT coalesce(max(version), 0) FROM lifecycle.schema_version");
    client.query_one(&newest, &[]).await?.try_get(0)
}

/// One replica at a time: until the end of the transaction.
async fn lock(transaction: &Transaction<'_>, schema: &Schema) -> Result<(), Error> {
    let limit = TIME_LIMIT.as_millis();
    transaction.batch_execute(&format!("SET LOCAL statement_timeout = {limit}")).await?;
    let what = format!("migration of {}", schema.channel());
    transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", &[&what]).await?;
    Ok(())
}

/// `CREATE SCHEMA IF NOT EXISTS` would ask for the privilege even where it exists.
async fn has_schema(transaction: &Transaction<'_>, schema: &Schema) -> Result<bool, Error> {
    let found = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)";
    transaction.query_one(found, &[&schema.name()]).await?.try_get(0)
}
