//! History: finished deliveries, remembered keys and installations, as years of use leave them.

use std::path::Path;

use lifecycle_core::{Change, Installation, seismic};
use lifecycle_inbox::{Record, Timestamp};
use rusqlite::{Connection, named_params};

use super::callbacks::{APP, Callbacks, TENANT};
use super::stores::connect;
use crate::Failure;

/// How many deliveries each tenant had.
pub(crate) const PER_TENANT: u64 = 10;

/// What all rows have in common.
struct Sample {
    record: Record,
    installation: Installation,
    json: String,
    /// One delivery a millisecond came, until now.
    first_at: i64,
}

impl Sample {
    fn of(rows: i64) -> Result<Self, Failure> {
        let delivery = Callbacks::to(1).next();
        let (installation, _) = Installation::fold(None, &Change::new(&delivery, 1));
        let installation = installation.ok_or("an install makes an installation")?;
        let json = serde_json::to_string(&installation)?;
        let first_at = Timestamp::now().as_millis() - rows;
        Ok(Self { record: Record::from(&delivery), installation, json, first_at })
    }
}

/// Fills a file that has the schema and no rows, and that nobody else uses.
pub(crate) fn sqlite(path: &Path, rows: u64) -> Result<(), Failure> {
    let (rows, per_tenant) = (i64::try_from(rows)?, i64::try_from(PER_TENANT)?);
    let Sample { record, installation, json, first_at } = Sample::of(rows)?;
    let mut connection = Connection::open(path)?;
    // Neither a log nor flushes: whoever fills a file for a measurement can fill it again.
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;",
    )?;
    let all = connection.transaction()?;
    all.execute(
        "WITH RECURSIVE numbers (nth) AS (SELECT 1 UNION ALL SELECT nth + 1 FROM numbers WHERE nth < ?1)
         INSERT INTO lifecycle_keys (id, key, accepted_at) SELECT nth, randomblob(32), ?2 + nth FROM numbers",
        [rows, first_at],
    )?;
    all.execute(
        "INSERT INTO lifecycle_inbox
             (id, platform, app, tenant, kind, key, state, is_head, attempts, fence, due_at, touched_at, received_at,
              accepted_at, finished_at, envelope, body)
         SELECT id, :platform, :app, :tenant || format('%014x', (id - 1) / :per_tenant), :kind, key, 'done', 0, 1, 1,
             :due_at, accepted_at, accepted_at, accepted_at, accepted_at, :envelope, :body
         FROM lifecycle_keys",
        named_params! {
            ":platform": seismic::PLATFORM.name(),
            ":app": APP,
            ":tenant": TENANT,
            ":per_tenant": per_tenant,
            ":kind": record.kind,
            ":due_at": Timestamp::MIN.as_millis(),
            ":envelope": record.envelope,
            ":body": &record.body[..],
        },
    )?;
    all.execute(
        "INSERT INTO lifecycle_installations (platform, app, tenant, status, installation)
         SELECT platform, app, tenant, ?1, ?2 FROM lifecycle_inbox WHERE id % ?3 = 0",
        (installation.status().name(), json, per_tenant),
    )?;
    all.commit()?;
    // What is in use every day is in memory: the index that tells duplicates.
    let keys = "SELECT count(key) FROM lifecycle_keys INDEXED BY sqlite_autoindex_lifecycle_keys_1";
    connection.query_row(keys, [], |_| Ok(()))?;
    Ok(())
}

/// Fills a schema that has the tables and no rows, and looks after it as PostgreSQL itself does in time.
pub(crate) async fn postgres(url: &str, schema: &str, rows: u64) -> Result<(), Failure> {
    let (rows, per_tenant) = (i64::try_from(rows)?, i64::try_from(PER_TENANT)?);
    let Sample { record, installation, json, first_at } = Sample::of(rows)?;
    let client = connect(url).await?;
    // Indexes on digests are built afterwards, and references are right by construction: that takes a third of the time.
    let prepare = format!(
        "SET search_path = {schema}; SET synchronous_commit = off; SET maintenance_work_mem = '1GB';
         SET session_replication_role = replica;
         ALTER TABLE old_keys DROP CONSTRAINT old_keys_pkey;
         DROP INDEX deliveries_ended;
         CREATE FUNCTION pg_temp.sized(_part bytea) RETURNS bytea LANGUAGE sql IMMUTABLE
             AS 'SELECT int8send(length(_part)) || _part';
         CREATE FUNCTION pg_temp.name(_tenant bigint) RETURNS bytea LANGUAGE sql IMMUTABLE
             AS $$SELECT convert_to('{TENANT}' || lpad(to_hex(_tenant), 14, '0'), 'UTF8')$$;
         CREATE FUNCTION pg_temp.key(_tenant bigint) RETURNS bytea LANGUAGE sql IMMUTABLE
             AS $$SELECT sha256(pg_temp.sized('{platform}') || pg_temp.sized('{APP}') || pg_temp.sized(pg_temp.name(_tenant)))$$;",
        platform = seismic::PLATFORM.name(),
    );
    client.batch_execute(&prepare).await?;
    client
        .execute(
            "INSERT INTO tenants (key, platform, app, tenant)
             SELECT pg_temp.key(nth), $1, $2, pg_temp.name(nth) FROM generate_series(0, $3::bigint) AS nth",
            &[&seismic::PLATFORM.name().as_bytes(), &APP.as_bytes(), &((rows - 1) / per_tenant)],
        )
        .await?;
    client
        .execute(
            "INSERT INTO old_keys (key, delivery, accepted_at)
             SELECT short(sha256(int8send(nth))), nth, $1 + nth FROM generate_series(1, $2::bigint) AS nth",
            &[&first_at, &rows],
        )
        .await?;
    client
        .execute(
            "INSERT INTO deliveries
                 (id, tenant, kind, key, state, attempts, fence, due_at, touched_at, received_at, accepted_at,
                  finished_at, envelope, body)
             SELECT delivery, pg_temp.key((delivery - 1) / $1), $2, sha256(int8send(delivery)), 'done', 1, 1, $3,
                 accepted_at, accepted_at, accepted_at, accepted_at, $4, $5
             FROM old_keys",
            &[
                &per_tenant,
                &record.kind.as_bytes(),
                &Timestamp::MIN.as_millis(),
                &record.envelope.as_bytes(),
                &&record.body[..],
            ],
        )
        .await?;
    client
        .execute(
            "INSERT INTO installations (tenant, status, installation) SELECT key, $1, $2 FROM tenants",
            &[&installation.status().name(), &json.as_bytes()],
        )
        .await?;
    client.execute("SELECT setval('delivery_ids', $1)", &[&rows]).await?;
    client
        .batch_execute(
            "ALTER TABLE old_keys ADD PRIMARY KEY (key);
             CREATE INDEX deliveries_ended ON deliveries (tenant, id) WHERE state IN ('done', 'dead');",
        )
        .await?;
    client.batch_execute("VACUUM (ANALYZE)").await?;
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use lifecycle_inbox::{DeliveryFilter, DeliveryState, Engine, InstallationStore, TenantKey};
    use lifecycle_inbox_sqlite::SqliteEngine;

    use super::*;
    use crate::inbox::stores::postgres_engine;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_history_is_one_that_the_engines_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        SqliteEngine::migrate(&path).unwrap();
        sqlite(&path, 30).unwrap();
        let url = test_postgres::url();
        let in_postgres = postgres_engine(url, "bench_history").await.unwrap();
        postgres(url, "bench_history", 30).await.unwrap();
        check(SqliteEngine::open(&path).unwrap()).await;
        check(in_postgres).await;
    }

    async fn check(engine: impl Engine + InstallationStore) {
        let tenant = TenantKey::new("seismic", APP, format!("{TENANT}{:014x}", 2));
        assert!(engine.installation(&tenant).await.unwrap().is_some());
        let mut filter = DeliveryFilter::in_state(DeliveryState::Done);
        filter.tenant = Some(tenant);
        let done = engine.list(&filter).await.unwrap();
        assert_eq!(done.len(), 10);
        let row = engine.show(done[0].id).await.unwrap().unwrap();
        assert!(row.headers().is_ok());
        assert!(engine.is_known(row.summary.key.unwrap()).await.unwrap());
    }
}
