//! Deliveries: the life of a row, from its acceptance to its end.

use std::time::Duration;

use lifecycle_core::{Change, IdempotencyKey, Transition};
use lifecycle_inbox::{Accepted, DeliveryId, DeliveryState, LeaseToken, Record, TenantKey, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use crate::columns;
use crate::installations;
use crate::job::{JobResult, Notifications};

pub(crate) fn accept(
    connection: &Connection,
    record: &Record,
    now: Timestamp,
) -> rusqlite::Result<JobResult<Accepted>> {
    let key = record.key.as_bytes().as_slice();
    let mut remember = connection.prepare_cached(
        "INSERT INTO lifecycle_keys (key, accepted_at) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING",
    )?;
    if remember.execute(params![key, now.as_millis()])? == 0 {
        return Ok(JobResult::keep(Accepted::Duplicate, Notifications::NONE));
    }
    let id = connection.last_insert_rowid();
    let mut insert = connection.prepare_cached(
        "INSERT INTO lifecycle_inbox
             (id, platform, app, tenant, kind, key, state, is_head, due_at, touched_at, received_at, accepted_at,
              envelope, body)
         VALUES
             (:id, :platform, :app, :tenant, :kind, :key, 'pending', NOT EXISTS (
                  SELECT 1 FROM lifecycle_inbox
                  WHERE platform = :platform AND app = :app AND tenant = :tenant AND is_open = 1),
              :due_at, :now, :received_at, :now, :envelope, :body)",
    )?;
    insert.execute(named_params! {
        ":id": id,
        ":platform": record.tenant.platform,
        ":app": record.tenant.app,
        ":tenant": record.tenant.tenant,
        ":kind": record.kind,
        ":key": key,
        ":due_at": Timestamp::MIN.as_millis(),
        ":now": now.as_millis(),
        ":received_at": record.received_at.as_millis(),
        ":envelope": record.envelope,
        ":body": record.body.as_ref(),
    })?;
    Ok(JobResult::keep(Accepted::New(DeliveryId(id)), Notifications::WORK))
}

pub(crate) fn is_known(connection: &Connection, key: IdempotencyKey) -> rusqlite::Result<bool> {
    let mut find = connection.prepare_cached("SELECT 1 FROM lifecycle_keys WHERE key = ?1")?;
    find.exists([key.as_bytes().as_slice()])
}

pub(crate) fn renew(
    connection: &Connection,
    tokens: &[LeaseToken],
    now: Timestamp,
    lease: Duration,
) -> rusqlite::Result<JobResult<Vec<LeaseToken>>> {
    let mut prolong = connection.prepare_cached(
        "UPDATE lifecycle_inbox SET due_at = ?3, touched_at = ?4 WHERE id = ?1 AND fence = ?2 AND state = 'leased'",
    )?;
    let until = (now + lease).as_millis();
    let mut held = Vec::new();
    for token in tokens {
        if prolong.execute(params![token.id.0, token.fence, until, now.as_millis()])? == 1 {
            held.push(*token);
        }
    }
    Ok(JobResult::keep(held, Notifications::NONE))
}

/// Whether the token holds its row.
pub(crate) fn is_held(connection: &Connection, token: LeaseToken) -> rusqlite::Result<bool> {
    let mut find = connection
        .prepare_cached("SELECT 1 FROM lifecycle_inbox WHERE id = ?1 AND fence = ?2 AND state = 'leased'")?;
    find.exists(params![token.id.0, token.fence])
}

/// How a row ends.
pub(crate) struct Ending<'a> {
    /// Done or dead.
    pub(crate) state: DeliveryState,
    pub(crate) error: Option<&'a str>,
    pub(crate) change: Option<&'a Change>,
}

/// Ends a row, and folds a change into the installation of its tenant.
pub(crate) fn end(
    connection: &Connection,
    token: LeaseToken,
    now: Timestamp,
    ending: &Ending<'_>,
) -> rusqlite::Result<JobResult<bool>> {
    let mut end = connection.prepare_cached(
        "UPDATE lifecycle_inbox
         SET state = :state, is_head = 0, due_at = :due_at, touched_at = :now, finished_at = :now, worker = NULL,
             last_error = coalesce(:error, last_error)
         WHERE id = :id AND fence = :fence AND state = 'leased'
         RETURNING platform, app, tenant",
    )?;
    let values = named_params! {
        ":id": token.id.0,
        ":fence": token.fence,
        ":state": ending.state.name(),
        ":due_at": Timestamp::MIN.as_millis(),
        ":now": now.as_millis(),
        ":error": ending.error,
    };
    // Where nothing is to be folded, the tenant of a damaged row need not read.
    let folding = |row: &Row<'_>| ending.change.map(|change| Ok((columns::tenant(row)?, change))).transpose();
    let Some(folding) = end.query_row(values, folding).optional()? else {
        return Ok(JobResult::keep(false, Notifications::NONE));
    };
    let Some((tenant, change)) = folding else { return Ok(JobResult::keep(true, Notifications::WORK)) };
    if ending.state == DeliveryState::Done {
        overtake(connection, &tenant, token.id)?;
    }
    let transition = installations::fold(connection, &tenant, change)?;
    Ok(JobResult::keep(true, Notifications { work: true, installation: transition == Transition::Applied }))
}

/// Tells the older deliveries of the tenant, which are dead or retried, that this one is done. Each of the two is an index's own.
fn overtake(connection: &Connection, tenant: &TenantKey, id: DeliveryId) -> rusqlite::Result<()> {
    for older in ["state = 'dead'", "is_open = 1"] {
        let mut note = connection.prepare_cached(&format!(
            "UPDATE lifecycle_inbox SET overtaken_by = max(coalesce(overtaken_by, ?4), ?4)
             WHERE platform = ?1 AND app = ?2 AND tenant = ?3 AND id < ?4 AND {older}"
        ))?;
        note.execute(params![tenant.platform, tenant.app, tenant.tenant, id.0])?;
    }
    Ok(())
}

pub(crate) fn complete(
    connection: &Connection,
    token: LeaseToken,
    now: Timestamp,
    change: &Change,
) -> rusqlite::Result<JobResult<bool>> {
    end(connection, token, now, &Ending { state: DeliveryState::Done, error: None, change: Some(change) })
}

/// Notes a failed attempt after which another one follows.
pub(crate) fn postpone(
    connection: &Connection,
    token: LeaseToken,
    now: Timestamp,
    error: &str,
    due_at: Timestamp,
) -> rusqlite::Result<JobResult<bool>> {
    let mut note = connection.prepare_cached(
        "UPDATE lifecycle_inbox
         SET state = 'pending', due_at = ?3, touched_at = ?4, worker = NULL, last_error = ?5
         WHERE id = ?1 AND fence = ?2 AND state = 'leased'",
    )?;
    let values = params![token.id.0, token.fence, due_at.as_millis(), now.as_millis(), error];
    Ok(found_one(note.execute(values)?, Notifications::NONE))
}

pub(crate) fn release(
    connection: &Connection,
    token: LeaseToken,
    now: Timestamp,
) -> rusqlite::Result<JobResult<bool>> {
    let mut give_back = connection.prepare_cached(
        "UPDATE lifecycle_inbox
         SET state = 'pending', due_at = ?3, touched_at = ?4, worker = NULL, attempts = max(attempts - 1, 0)
         WHERE id = ?1 AND fence = ?2 AND state = 'leased'",
    )?;
    let values = params![token.id.0, token.fence, Timestamp::MIN.as_millis(), now.as_millis()];
    Ok(found_one(give_back.execute(values)?, Notifications::WORK))
}

pub(crate) fn retry(
    connection: &Connection,
    id: DeliveryId,
    now: Timestamp,
) -> rusqlite::Result<JobResult<bool>> {
    let mut reopen = connection.prepare_cached(
        "UPDATE lifecycle_inbox
         SET state = 'pending', due_at = ?2, touched_at = ?3, finished_at = NULL, attempts = 0
         WHERE id = ?1 AND state IN ('dead', 'pending')",
    )?;
    let reopened = reopen.execute(params![id.0, Timestamp::MIN.as_millis(), now.as_millis()])?;
    Ok(found_one(reopened, Notifications::WORK))
}

pub(crate) fn delete(connection: &Connection, id: DeliveryId) -> rusqlite::Result<JobResult<bool>> {
    let mut delete = connection.prepare_cached("DELETE FROM lifecycle_inbox WHERE id = ?1")?;
    Ok(found_one(delete.execute([id.0])?, Notifications::WORK))
}

/// Marks the oldest open row of each tenant again. The triggers keep the marks right; this corrects what a damaged disk or a
/// hand in the file made of them, so that no tenant waits for ever.
pub(crate) fn find_heads(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare(
            "UPDATE lifecycle_inbox SET is_head = 1 - is_head
             WHERE is_open = 1 AND is_head <> (id IN (
                 SELECT min(id) FROM lifecycle_inbox WHERE is_open = 1
                 GROUP BY platform, app, tenant))",
        )?
        .execute([])
        .map(drop)
}

/// Whether the one row was there; there are notifications only if it was.
fn found_one(rows: usize, notifications: Notifications) -> JobResult<bool> {
    if rows == 1 { JobResult::keep(true, notifications) } else { JobResult::keep(false, Notifications::NONE) }
}
