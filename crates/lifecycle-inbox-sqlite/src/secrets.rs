//! Secrets: those that were sealed elsewhere, as bytes.

use lifecycle_inbox::{SealedSecret, TenantKey};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use crate::columns;
use crate::job::{JobResult, Notifications};

pub(crate) fn put(connection: &Connection, secret: &SealedSecret) -> rusqlite::Result<JobResult<()>> {
    let SealedSecret { tenant, name, sealed, .. } = secret;
    let mut put = connection.prepare_cached(
        "INSERT INTO lifecycle_secrets (platform, app, tenant, name, sealed) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (platform, app, tenant, name) DO UPDATE SET sealed = excluded.sealed",
    )?;
    put.execute(params![tenant.platform, tenant.app, tenant.tenant, name, sealed])?;
    Ok(JobResult::keep((), Notifications::NONE))
}

pub(crate) fn replace(
    connection: &Connection,
    old: &SealedSecret,
    sealed: &[u8],
) -> rusqlite::Result<JobResult<bool>> {
    let mut replace = connection.prepare_cached(
        "UPDATE lifecycle_secrets SET sealed = ?6
         WHERE platform = ?1 AND app = ?2 AND tenant = ?3 AND name = ?4 AND sealed = ?5",
    )?;
    let tenant = &old.tenant;
    let values = params![tenant.platform, tenant.app, tenant.tenant, old.name, old.sealed, sealed];
    Ok(JobResult::keep(replace.execute(values)? == 1, Notifications::NONE))
}

pub(crate) fn find(
    connection: &Connection,
    tenant: &TenantKey,
    name: &str,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut find = connection.prepare_cached(
        "SELECT sealed FROM lifecycle_secrets WHERE platform = ?1 AND app = ?2 AND tenant = ?3 AND name = ?4",
    )?;
    find.query_row(params![tenant.platform, tenant.app, tenant.tenant, name], |row| row.get(0)).optional()
}

pub(crate) fn delete(
    connection: &Connection,
    tenant: &TenantKey,
    name: Option<&str>,
) -> rusqlite::Result<JobResult<u64>> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM lifecycle_secrets
         WHERE platform = ?1 AND app = ?2 AND tenant = ?3 AND (?4 IS NULL OR name = ?4)",
    )?;
    let deleted = delete.execute(params![tenant.platform, tenant.app, tenant.tenant, name])?;
    Ok(JobResult::keep(deleted as u64, Notifications::NONE))
}

pub(crate) fn list(
    connection: &Connection,
    after: Option<&(TenantKey, String)>,
    limit: usize,
) -> rusqlite::Result<Vec<SealedSecret>> {
    let condition = match after {
        Some(_) => "(platform, app, tenant, name) > (:platform, :app, :tenant, :name)",
        None => ":platform IS NULL AND :app IS NULL AND :tenant IS NULL AND :name IS NULL",
    };
    let mut select = connection.prepare_cached(&format!(
        "SELECT platform, app, tenant, name, sealed FROM lifecycle_secrets
         WHERE {condition} ORDER BY platform, app, tenant, name LIMIT :limit"
    ))?;
    let values = named_params! {
        ":platform": after.map(|(tenant, _)| &tenant.platform),
        ":app": after.map(|(tenant, _)| &tenant.app),
        ":tenant": after.map(|(tenant, _)| &tenant.tenant),
        ":name": after.map(|(_, name)| name),
        ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
    };
    let read = |row: &rusqlite::Row<'_>| {
        Ok(SealedSecret::new(columns::tenant(row)?, row.get::<_, String>("name")?, row.get("sealed")?))
    };
    select.query_map(values, read)?.collect()
}
