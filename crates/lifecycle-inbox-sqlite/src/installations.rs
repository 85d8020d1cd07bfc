//! Installations: reading them, and folding a change into one.

use lifecycle_core::{Change, Installation, Transition};
use lifecycle_inbox::{InstallationFilter, TenantKey};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use crate::columns;

pub(crate) fn find(connection: &Connection, tenant: &TenantKey) -> rusqlite::Result<Option<Installation>> {
    let mut find = connection.prepare_cached(
        "SELECT installation FROM lifecycle_installations WHERE platform = ?1 AND app = ?2 AND tenant = ?3",
    )?;
    find.query_row(params![tenant.platform, tenant.app, tenant.tenant], installation).optional()
}

pub(crate) fn list(
    connection: &Connection,
    filter: &InstallationFilter,
) -> rusqlite::Result<Vec<(TenantKey, Installation)>> {
    let after = match filter.after {
        Some(_) => "(platform, app, tenant) > (:platform, :app, :tenant)",
        None => ":platform IS NULL AND :app IS NULL AND :tenant IS NULL",
    };
    let mut select = connection.prepare_cached(&format!(
        "SELECT platform, app, tenant, installation FROM lifecycle_installations
         WHERE {after} AND (:status IS NULL OR status = :status)
         ORDER BY platform, app, tenant LIMIT :limit"
    ))?;
    let after = filter.after.as_ref();
    let values = named_params! {
        ":platform": after.map(|after| &after.platform),
        ":app": after.map(|after| &after.app),
        ":tenant": after.map(|after| &after.tenant),
        ":status": filter.status.map(lifecycle_core::Status::name),
        ":limit": i64::try_from(filter.limit).unwrap_or(i64::MAX),
    };
    select.query_map(values, |row| Ok((columns::tenant(row)?, installation(row)?)))?.collect()
}

/// Folds a change into the installation of a tenant. The writer's transaction is the lock on it.
pub(crate) fn fold(
    connection: &Connection,
    tenant: &TenantKey,
    change: &Change,
) -> rusqlite::Result<Transition> {
    let current = find(connection, tenant)?;
    let (next, transition) = Installation::fold(current.clone(), change);
    let Some(next) = next.filter(|next| current.as_ref() != Some(next)) else { return Ok(transition) };
    let text = serde_json::to_string(&next)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let mut put = connection.prepare_cached(
        "INSERT INTO lifecycle_installations (platform, app, tenant, status, installation)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (platform, app, tenant) DO UPDATE
         SET status = excluded.status, installation = excluded.installation",
    )?;
    put.execute(params![tenant.platform, tenant.app, tenant.tenant, next.status().name(), text])?;
    Ok(transition)
}

fn installation(row: &Row<'_>) -> rusqlite::Result<Installation> {
    let text: String = row.get("installation")?;
    // The parser's own words may quote what is stored.
    let unreadable = "an installation does not read";
    serde_json::from_str(&text)
        .map_err(|_| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, unreadable.into()))
}
