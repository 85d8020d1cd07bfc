//! Tenants in the database.

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::{EngineError, Store};
use crate::platform::Platform;
use crate::tenant::Tenant;

const SELECT: &str = "SELECT id, platform, name, tenant_id, user_id, user_email, domain FROM tenant";

impl Store {
    pub(crate) fn tenants(&self) -> Result<Vec<Tenant>, EngineError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY id"))?;
        let rows = statement.query_map([], read)?;
        rows.map(|row| row?).collect()
    }

    pub(crate) fn tenant(&self, id: i64) -> Result<Option<Tenant>, EngineError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
        statement.query_row([id], read).optional()?.transpose()
    }

    /// Removes a tenant with its installations and deliveries.
    pub(crate) fn remove_tenant(&self, id: i64) -> Result<bool, EngineError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM delivery WHERE tenant = ?1", [id])?;
        transaction.execute("DELETE FROM installation WHERE tenant = ?1", [id])?;
        let removed = transaction.execute("DELETE FROM tenant WHERE id = ?1", [id])? == 1;
        transaction.commit()?;
        Ok(removed)
    }

    /// Adds a tenant; `None` if the platform has one of this name.
    pub(crate) fn add_tenant(&self, tenant: &Tenant) -> Result<Option<i64>, EngineError> {
        match insert(&self.lock(), tenant) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Ok(None),
            result => Ok(Some(result?)),
        }
    }
}

pub(super) fn insert(connection: &Connection, tenant: &Tenant) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT INTO tenant (platform, name, tenant_id, user_id, user_email, domain) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            tenant.platform.name(),
            tenant.name,
            tenant.tenant_id,
            tenant.user_id,
            tenant.user_email,
            tenant.domain
        ],
    )?;
    Ok(connection.last_insert_rowid())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Result<Tenant, EngineError>> {
    let Some(platform) = Platform::from_name(&row.get::<_, String>(1)?) else {
        return Ok(Err(EngineError::Damaged));
    };
    Ok(Ok(Tenant {
        id: row.get(0)?,
        platform,
        name: row.get(2)?,
        tenant_id: row.get(3)?,
        user_id: row.get(4)?,
        user_email: row.get(5)?,
        domain: row.get(6)?,
    }))
}
