//! Claims: which rows a worker gets, of the platforms that it knows.

use std::time::Duration;

use lifecycle_inbox::{CLOCK_SKEW, Claim, DeliveryId, LeaseToken, Timestamp};
use rusqlite::{Connection, ToSql, params_from_iter};

use crate::columns;
use crate::job::{JobResult, Notifications};

/// Whose claim, and for how long: a `ClaimRequest` that can be sent to the writer.
pub(crate) struct Claiming {
    pub(crate) worker: String,
    pub(crate) platforms: Vec<String>,
    pub(crate) now: Timestamp,
    pub(crate) lease: Duration,
    pub(crate) limit: usize,
}

pub(crate) fn claim(connection: &Connection, claiming: &Claiming) -> rusqlite::Result<JobResult<Vec<Claim>>> {
    if claiming.platforms.is_empty() {
        return Ok(JobResult::keep(Vec::new(), Notifications::NONE));
    }
    let mut lease = connection.prepare_cached(&claim_statement(claiming.platforms.len()))?;
    let common: [&dyn ToSql; 5] = [
        &(claiming.now + claiming.lease).as_millis(),
        &claiming.now.as_millis(),
        &(claiming.now + CLOCK_SKEW).as_millis(),
        &claiming.worker,
        &i64::try_from(claiming.limit).unwrap_or(i64::MAX),
    ];
    let platforms = claiming.platforms.iter().map(|platform| platform as &dyn ToSql);
    let mut rows = lease.query(params_from_iter(common.into_iter().chain(platforms)))?;
    let mut claims = Vec::new();
    while let Some(row) = rows.next()? {
        let token = LeaseToken { id: DeliveryId(row.get("id")?), fence: row.get("fence")? };
        let mut claim = Claim::new(token, columns::count(row, "attempts"), columns::record(row));
        claim.overtaken_by = columns::id(row, "overtaken_by");
        claims.push(claim);
    }
    claims.sort_unstable_by_key(|claim| claim.token.id);
    Ok(JobResult::keep(claims, Notifications::NONE))
}

/// One question for each platform, and not `platform IN (..)`: each gives its heads in order, and SQLite merges them one by one. So
/// a claim reads what it takes, however much waits, and of other platforms nothing.
fn claim_statement(platforms: usize) -> String {
    let heads = |nth| {
        format!(
            "SELECT id FROM lifecycle_inbox AS head
             WHERE platform = ?{} AND is_head = 1 AND is_open = 1 AND (due_at <= ?2 OR touched_at > ?3)
                 AND NOT EXISTS (
                     SELECT 1 FROM lifecycle_inbox
                     WHERE platform = head.platform AND app = head.app AND tenant = head.tenant
                         AND state = 'leased' AND due_at > ?2 AND touched_at <= ?3)",
            nth + 6
        )
    };
    format!(
        "UPDATE lifecycle_inbox
         SET state = 'leased', due_at = ?1, touched_at = ?2, worker = ?4, attempts = attempts + 1, fence = fence + 1
         WHERE id IN ({} ORDER BY id LIMIT ?5)
         RETURNING id, fence, attempts, overtaken_by, {}",
        (0..platforms).map(heads).collect::<Vec<_>>().join(" UNION ALL "),
        columns::RECORD
    )
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::schema;

    /// What a claim of `limit` rows does, in steps of SQLite's machine, behind so many heads of an unknown platform.
    fn steps(unknown: u32, waiting: u32, limit: u32) -> i32 {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let fill = |platform: &str, count: u32| {
            let sql = "WITH RECURSIVE nth (nth) AS (SELECT 1 UNION ALL SELECT nth + 1 FROM nth WHERE nth < ?2)
                INSERT INTO lifecycle_inbox (platform, app, tenant, kind, key, state, is_head, due_at, touched_at,
                    received_at, accepted_at, envelope, body)
                SELECT ?1, 'a', nth, 'install', x'00', 'pending', 1, 0, 0, 0, 0, '{}', x'00' FROM nth";
            connection.execute(sql, (platform, count)).unwrap();
        };
        fill("unknown", unknown);
        fill("one", waiting);
        fill("two", waiting);
        let mut statement = connection.prepare(&claim_statement(3)).unwrap();
        let values = (31, 1, 61, "w", limit, "one", "two", "three");
        let claimed = statement.query_map(values, |row| row.get::<_, i64>("id")).unwrap();
        assert_eq!(claimed.count(), limit as usize);
        statement.get_status(StatementStatus::VmStep)
    }

    #[test]
    fn a_claim_reads_what_it_takes_however_much_waits() {
        let expected = steps(1, 20, 16);
        assert!(steps(20_000, 20, 16) < expected * 2);
        assert!(steps(1, 20_000, 16) < expected * 2);
    }
}
