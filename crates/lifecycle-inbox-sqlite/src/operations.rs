//! Operations: what an operator asks, and what goes with time.

use std::fmt::Write;

use lifecycle_inbox::{
    DeliveryFilter, DeliveryId, DeliveryState, DeliverySummary, Ended, Prune, Pruned, Stats, StoredDelivery,
    TenantKey, Timestamp, UnknownPlatform,
};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params, params_from_iter};

use crate::columns;
use crate::job::{JobResult, Notifications};

/// The columns that [`summary`] reads.
const SUMMARY: &str = "id, platform, app, tenant, kind, key, state, attempts, due_at, received_at, accepted_at, \
                       finished_at, overtaken_by, worker, last_error";

/// The size of what a health check writes, in bytes: more than the callbacks of the platforms have.
const SAMPLE: u32 = 64 * 1024;

pub(crate) fn stats(connection: &Connection, now: Timestamp) -> rusqlite::Result<Stats> {
    let mut count = connection.prepare_cached(
        "SELECT open, leased, dead, oldest
         FROM (SELECT count(*) AS open, min(accepted_at) AS oldest
               FROM lifecycle_inbox WHERE is_open = 1),
              (SELECT count(*) AS leased FROM lifecycle_inbox WHERE state = 'leased'),
              (SELECT count(*) AS dead FROM lifecycle_inbox WHERE state = 'dead')",
    )?;
    count.query_row([], |row| {
        let number = |column| row.get(column).map(|number: i64| number.unsigned_abs());
        let (open, leased) = (number("open")?, number("leased")?);
        let oldest: Option<i64> = row.get("oldest")?;
        let mut stats = Stats::default();
        (stats.pending, stats.leased, stats.dead) = (open.saturating_sub(leased), leased, number("dead")?);
        stats.oldest = oldest.map(|accepted_at| now.since(Timestamp::from_millis(accepted_at)));
        Ok(stats)
    })
}

/// Goes from each platform to the next one in the index, and counts only those that are asked for.
pub(crate) fn unknown_platforms(
    connection: &Connection,
    known: &[String],
    now: Timestamp,
) -> rusqlite::Result<Vec<UnknownPlatform>> {
    let places = vec!["?"; known.len()].join(", ");
    let mut find = connection.prepare_cached(&format!(
        "WITH RECURSIVE present (name) AS (
             SELECT min(platform) FROM lifecycle_inbox WHERE is_open = 1
             UNION ALL
             SELECT (SELECT min(platform) FROM lifecycle_inbox WHERE is_open = 1 AND platform > name)
             FROM present WHERE name IS NOT NULL)
         SELECT name, (SELECT count(*) FROM lifecycle_inbox WHERE is_open = 1 AND platform = name) AS open,
             (SELECT min(accepted_at) FROM lifecycle_inbox WHERE is_open = 1 AND platform = name) AS oldest
         FROM present WHERE name IS NOT NULL AND name NOT IN ({places})"
    ))?;
    let read = |row: &Row<'_>| {
        let open = row.get::<_, i64>("open")?.unsigned_abs();
        let oldest = now.since(columns::time(row, "oldest"));
        Ok(UnknownPlatform::new(columns::shown(row, "name"), open, oldest))
    };
    find.query_map(params_from_iter(known), read)?.collect()
}

pub(crate) fn ended(connection: &Connection, since: Timestamp) -> rusqlite::Result<Ended> {
    let mut count = connection.prepare_cached(
        "SELECT (SELECT count(*) FROM lifecycle_inbox WHERE state = 'done' AND finished_at >= ?1),
                (SELECT count(*) FROM lifecycle_inbox WHERE state = 'dead' AND finished_at >= ?1)",
    )?;
    let number = |row: &Row<'_>, column| row.get(column).map(|number: i64| number.unsigned_abs());
    count.query_row([since.as_millis()], |row| Ok(Ended::new(number(row, 0)?, number(row, 1)?)))
}

pub(crate) fn list(
    connection: &Connection,
    filter: &DeliveryFilter,
) -> rusqlite::Result<Vec<DeliverySummary>> {
    let (beyond, order, start) =
        if filter.newest_first { ("<", "DESC", i64::MAX) } else { (">", "ASC", i64::MIN) };
    // Open ones are few among many that are done, which the index of ids would be searched through for them.
    let id = match filter.state {
        Some(DeliveryState::Leased | DeliveryState::Pending) => "+id",
        _ => "id",
    };
    let mut sql = format!("SELECT {SUMMARY} FROM lifecycle_inbox WHERE {id} {beyond} :after");
    if let Some(state) = filter.state {
        let _ = write!(sql, " AND state = '{}'", state.name()); // a name that stands in an index
        if id == "+id" {
            sql.push_str(" AND is_open = 1");
        }
    }
    if filter.tenant.is_some() {
        sql.push_str(" AND platform = :platform AND app = :app AND tenant = :tenant");
    } else {
        sql.push_str(" AND :platform IS NULL AND :app IS NULL AND :tenant IS NULL");
    }
    let _ = write!(sql, " ORDER BY {id} {order} LIMIT :limit"); // a String takes every write
    let tenant = filter.tenant.as_ref();
    let values = named_params! {
        ":after": filter.after.map_or(start, |id| id.0),
        ":platform": tenant.map(|tenant| &tenant.platform),
        ":app": tenant.map(|tenant| &tenant.app),
        ":tenant": tenant.map(|tenant| &tenant.tenant),
        ":limit": i64::try_from(filter.limit).unwrap_or(i64::MAX),
    };
    connection.prepare_cached(&sql)?.query_map(values, |row| Ok(summary(row)))?.collect()
}

pub(crate) fn show(connection: &Connection, id: DeliveryId) -> rusqlite::Result<Option<StoredDelivery>> {
    let mut find = connection
        .prepare_cached(&format!("SELECT {SUMMARY}, body, envelope FROM lifecycle_inbox WHERE id = ?1"))?;
    let read = |row: &Row<'_>| {
        let (body, envelope) = (columns::raw(row, "body"), columns::shown(row, "envelope"));
        Ok(StoredDelivery::new(summary(row), body, envelope))
    };
    find.query_row([id.0], read).optional()
}

pub(crate) fn prune(connection: &Connection, prune: Prune) -> rusqlite::Result<JobResult<Pruned>> {
    let limit = i64::try_from(prune.limit).unwrap_or(i64::MAX);
    let delete = |state: DeliveryState, before: Timestamp| {
        // A name that stands in an index.
        let mut delete = connection.prepare_cached(&format!(
            "DELETE FROM lifecycle_inbox WHERE id IN (
                 SELECT id FROM lifecycle_inbox WHERE state = '{}' AND finished_at < ?1 ORDER BY finished_at LIMIT ?2)",
            state.name()
        ))?;
        delete.execute(params![before.as_millis(), limit])
    };
    let done = delete(DeliveryState::Done, prune.done_before)?;
    let dead = delete(DeliveryState::Dead, prune.dead_before)?;
    let mut forget = connection.prepare_cached(
        "DELETE FROM lifecycle_keys WHERE id IN (
             SELECT id FROM lifecycle_keys AS old
             WHERE accepted_at < :before AND NOT EXISTS (
                 SELECT 1 FROM lifecycle_inbox WHERE id = old.id AND state <> 'done')
             ORDER BY accepted_at LIMIT :limit)",
    )?;
    let keys = forget.execute(named_params! { ":before": prune.keys_before.as_millis(), ":limit": limit })?;
    let mut pruned = Pruned::default();
    (pruned.done, pruned.dead, pruned.keys) = (done as u64, dead as u64, keys as u64);
    Ok(JobResult::keep(pruned, Notifications::NONE))
}

/// Writes what a callback would, and a large one: pages that differ from those before, or SQLite would leave them out.
pub(crate) fn probe(connection: &Connection) -> rusqlite::Result<JobResult<()>> {
    let sql = "UPDATE lifecycle_probe SET writes = writes + 1, sample = randomblob(?1) WHERE id = 1";
    connection.prepare_cached(sql)?.execute([SAMPLE])?;
    Ok(JobResult::keep((), Notifications::NONE))
}

/// What can be shown of a row, however damaged.
fn summary(row: &Row<'_>) -> DeliverySummary {
    let text = |column| columns::shown(row, column);
    let is_null = |column| matches!(row.get_ref(column), Ok(rusqlite::types::ValueRef::Null));
    let optional = |column| (!is_null(column)).then(|| columns::shown(row, column));
    // The table's check lets no other state in. If the disk did: it is claimed by nobody, so it is dead.
    let state = DeliveryState::from_name(&text("state")).unwrap_or(DeliveryState::Dead);
    let id = DeliveryId(row.get("id").unwrap_or_default());
    let tenant = TenantKey::new(text("platform"), text("app"), text("tenant"));
    let mut summary = DeliverySummary::new(id, tenant, text("kind"), state);
    summary.key = columns::key(row);
    summary.attempts = columns::count(row, "attempts");
    summary.due_at = columns::time(row, "due_at");
    summary.received_at = columns::time(row, "received_at");
    summary.accepted_at = columns::time(row, "accepted_at");
    summary.finished_at = (!is_null("finished_at")).then(|| columns::time(row, "finished_at"));
    summary.overtaken_by = columns::id(row, "overtaken_by").filter(|_| state != DeliveryState::Done);
    summary.worker = optional("worker");
    summary.last_error = optional("last_error");
    summary
}
