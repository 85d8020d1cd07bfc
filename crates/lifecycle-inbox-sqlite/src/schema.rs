//! Schema: its version, and the way from an older one to this release's.

use rusqlite::{Connection, OptionalExtension};

/// The migrations, and the version that each leads to. Released ones never change.
const MIGRATIONS: [(i64, &str); 1] = [(1, include_str!("../migrations/1.sql"))];

/// The version that this release writes and reads.
pub(crate) const KNOWN: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// The version of a file; 0 without any of our tables.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'lifecycle_schema'";
    if connection.query_row(sql, [], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    connection.query_row("SELECT coalesce(max(version), 0) FROM lifecycle_schema", [], |row| row.get(0))
}

/// Brings a file to this release's version, in one transaction. Does nothing to one that is there, or beyond.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS lifecycle_schema (
            version    INTEGER PRIMARY KEY,
            applied_at INTEGER NOT NULL
        ) STRICT;",
    )?;
    let found = version(&transaction)?; // read again: another process may have migrated meanwhile
    for (version, sql) in MIGRATIONS.into_iter().filter(|(version, _)| *version > found) {
        transaction.execute_batch(sql)?;
        transaction.execute(
            "INSERT INTO lifecycle_schema (version, applied_at) VALUES (?1, ?2)",
            (version, lifecycle_inbox::Timestamp::now().as_millis()),
        )?;
    }
    transaction.commit()
}
