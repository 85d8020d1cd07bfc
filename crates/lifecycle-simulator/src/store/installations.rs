//! Installations in the database.

use lifecycle_core::Status;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{EngineError, Store, parse_word};
use crate::installation::Installation;
use crate::moment::Moment;

const SELECT: &str = "SELECT id, app, tenant, status, version, since, completed_at FROM installation";

impl Store {
    pub(crate) fn installations(&self, app: i64) -> Result<Vec<Installation>, EngineError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE app = ?1 ORDER BY tenant"))?;
        let rows = statement.query_map([app], raw)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(|row| read(&connection, row)).collect()
    }

    pub(crate) fn installation(&self, id: i64) -> Result<Option<Installation>, EngineError> {
        self.find("id = ?1", [id])
    }

    pub(crate) fn installation_of(&self, app: i64, tenant: i64) -> Result<Option<Installation>, EngineError> {
        self.find("app = ?1 AND tenant = ?2", [app, tenant])
    }

    /// The one whose installation page was given the id with this hash.
    pub(crate) fn installation_by_token(
        &self,
        sha256: [u8; 32],
    ) -> Result<Option<Installation>, EngineError> {
        self.find("token_sha256 = ?1", [sha256])
    }

    /// Starts an installation again: without secrets, with the hash of a new id.
    pub(crate) fn begin_installation(
        &self,
        app: i64,
        tenant: i64,
        token_sha256: [u8; 32],
    ) -> Result<i64, EngineError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let id: i64 = transaction.query_row(
            "INSERT INTO installation (app, tenant, status, since, token_sha256) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (app, tenant) DO UPDATE SET status = excluded.status, since = excluded.since,
                token_sha256 = excluded.token_sha256, completed_at = NULL
             RETURNING id",
            params![app, tenant, Status::Installed.name(), Moment::now().0, token_sha256],
            |row| row.get(0),
        )?;
        transaction.execute("DELETE FROM installation_secret WHERE installation = ?1", [id])?;
        transaction.commit()?;
        Ok(id)
    }

    /// Ends an installation: its secrets are gone, and its id opens nothing any more.
    pub(crate) fn end_installation(&self, id: i64) -> Result<(), EngineError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM installation_secret WHERE installation = ?1", [id])?;
        transaction.execute(
            "UPDATE installation SET status = ?2, since = ?3, token_sha256 = NULL, completed_at = NULL WHERE id = ?1",
            params![id, Status::Uninstalled.name(), Moment::now().0],
        )?;
        Ok(transaction.commit()?)
    }

    fn find(
        &self,
        condition: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<Installation>, EngineError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE {condition}"))?;
        let row = statement.query_row(values, raw).optional()?;
        row.map(|row| read(&connection, row)).transpose()
    }
}

/// The state after an action that went through.
pub(super) fn apply(
    connection: &Connection,
    app: i64,
    tenant: i64,
    status: Status,
    version: Option<&str>,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO installation (app, tenant, status, version, since) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (app, tenant) DO UPDATE SET version = excluded.version, status = excluded.status,
            since = iif(status = excluded.status, since, excluded.since)";
    connection.execute(sql, params![app, tenant, status.name(), version, Moment::now().0])?;
    Ok(())
}

type Raw = (i64, i64, i64, String, Option<String>, i64, Option<i64>);

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
}

fn read(connection: &Connection, row: Raw) -> Result<Installation, EngineError> {
    let (id, app, tenant, status, version, since, completed_at) = row;
    let mut statement = connection
        .prepare_cached("SELECT key FROM installation_secret WHERE installation = ?1 ORDER BY key")?;
    let keys = statement.query_map([id], |row| row.get(0))?;
    Ok(Installation {
        id,
        app,
        tenant,
        status: parse_word(status)?,
        version,
        since: Moment(since),
        stored_secrets: keys.collect::<Result<_, _>>()?,
        completed_at: completed_at.map(Moment),
    })
}
