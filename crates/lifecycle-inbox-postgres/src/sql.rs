//! The statements, with the schema's name in them.

use lifecycle_inbox::{DeliveryFilter, InstallationFilter};

use crate::settings::Schema;

/// The statements that are asked again and again.
pub(crate) struct Sql {
    pub(crate) accept: String,
    pub(crate) all_sealed: String,
    pub(crate) check: String,
    pub(crate) claim: String,
    pub(crate) delete_sealed: String,
    pub(crate) delete: String,
    pub(crate) ended: String,
    pub(crate) finish: String,
    pub(crate) has_many_keys: String,
    pub(crate) holds: String,
    pub(crate) installation: String,
    pub(crate) is_known: String,
    pub(crate) is_same: String,
    pub(crate) is_writable: String,
    pub(crate) move_keys: String,
    pub(crate) prune: String,
    pub(crate) put_installations: String,
    pub(crate) put_sealed: String,
    pub(crate) renew: String,
    pub(crate) replace_sealed: String,
    pub(crate) retry: String,
    pub(crate) sealed: String,
    pub(crate) show: String,
    pub(crate) stats: String,
    pub(crate) unknown_platforms: String,
    schema: Schema,
}

/// The columns of a summary.
const SUMMARY: &str =
    "d.id, t.platform, t.app, t.tenant, d.kind, d.key, d.state, d.attempts, d.due_at, d.received_at,
    d.accepted_at, d.finished_at, lifecycle.overtaken_by(d.id) AS overtaken_by, d.worker, d.last_error";

const FROM: &str = "FROM lifecycle.deliveries AS d JOIN lifecycle.tenants AS t ON t.key = d.tenant";

/// Of each key that is asked for, whether it is known; and whether that may be believed, which is so where writes are taken.
const IS_KNOWN: &str = "
    SELECT asked.key, 0::bigint, current_setting('transaction_read_only') = 'off', (
        EXISTS (SELECT FROM lifecycle.keys AS k WHERE k.key = lifecycle.short(asked.key))
        OR EXISTS (SELECT FROM lifecycle.old_keys AS k WHERE k.key = lifecycle.short(asked.key))
    ) FROM unnest($1::bytea[]) AS asked (key)";

impl Sql {
    pub(crate) fn new(schema: &Schema) -> Self {
        let sql = |text: &str| schema.sql(text);
        Self {
            accept: sql("SELECT new_key, new_id FROM lifecycle.accept($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"),
            all_sealed: sql("
                SELECT t.platform, t.app, t.tenant, s.name, s.sealed
                FROM lifecycle.secrets AS s JOIN lifecycle.tenants AS t ON t.key = s.tenant
                WHERE $1::bytea IS NULL OR (t.platform, t.app, t.tenant, s.name) > ($1, $2, $3, $4)
                ORDER BY t.platform, t.app, t.tenant, s.name LIMIT $5"),
            check: sql("UPDATE lifecycle.probe SET writes = writes + 1, sample = $1"),
            claim: sql("
                SELECT c.*, lifecycle.overtaken_by(c.id) AS overtaken_by
                FROM lifecycle.claim($1, $2, $3, $4, $5, $6, $7) AS c"),
            delete_sealed: sql("
                WITH gone AS (
                    DELETE FROM lifecycle.secrets WHERE tenant = $1 AND ($2::bytea IS NULL OR name = $2) RETURNING 1
                )
                SELECT count(*) FROM gone"),
            delete: sql("SELECT lifecycle.delete_delivery($1)"),
            ended: sql("
                SELECT (SELECT count(*) FROM lifecycle.deliveries WHERE state = 'done' AND finished_at >= $1),
                    (SELECT count(*) FROM lifecycle.deliveries WHERE state = 'dead' AND finished_at >= $1)"),
            finish: sql("SELECT id, fence, tenant, installation FROM lifecycle.finish($1, $2, $3, $4, $5, $6, $7)"),
            has_many_keys: sql("SELECT count(*) > $1 FROM (SELECT FROM lifecycle.keys LIMIT $1::bigint + 1) AS it"),
            holds: sql("
                SELECT current_setting('transaction_read_only') = 'off', set_config('lifecycle_inbox.token', $3, true)
                FROM lifecycle.deliveries
                WHERE id = $1 AND fence = $2 AND state || '' = 'leased'"),
            installation: sql("SELECT installation FROM lifecycle.installations WHERE tenant = $1"),
            is_known: sql(IS_KNOWN),
            is_same: sql("SELECT current_setting('lifecycle_inbox.token', true) IS NOT DISTINCT FROM $1"),
            is_writable: "SELECT current_setting('transaction_read_only') = 'off'".to_owned(),
            move_keys: sql("SELECT uuid_send(lifecycle.move_keys(lifecycle.short($1), $2))"),
            prune: sql("
                WITH done AS (
                    DELETE FROM lifecycle.deliveries WHERE id IN (
                        SELECT id FROM lifecycle.deliveries WHERE state = 'done' AND finished_at < $1
                        LIMIT $4 FOR UPDATE SKIP LOCKED
                    ) RETURNING 1
                ), dead AS (
                    DELETE FROM lifecycle.deliveries WHERE id IN (
                        SELECT id FROM lifecycle.deliveries WHERE state = 'dead' AND finished_at < $2
                        LIMIT $4 FOR UPDATE SKIP LOCKED
                    ) RETURNING id
                ), old AS (
                    DELETE FROM lifecycle.old_keys WHERE key IN (
                        SELECT k.key FROM lifecycle.old_keys AS k
                        WHERE k.accepted_at < $3 AND NOT EXISTS (
                            SELECT FROM lifecycle.deliveries AS d WHERE d.id = k.delivery AND d.state || '' <> 'done'
                                AND d.id NOT IN (SELECT id FROM dead)
                        )
                        LIMIT $4 FOR UPDATE OF k SKIP LOCKED
                    ) RETURNING 1
                ), young AS (
                    DELETE FROM lifecycle.keys WHERE key IN (
                        SELECT k.key FROM lifecycle.keys AS k
                        WHERE k.accepted_at < $3 AND NOT EXISTS (
                            SELECT FROM lifecycle.deliveries AS d WHERE d.id = k.delivery AND d.state || '' <> 'done'
                                AND d.id NOT IN (SELECT id FROM dead)
                        )
                        LIMIT $4 - (SELECT count(*) FROM old) FOR UPDATE OF k SKIP LOCKED
                    ) RETURNING 1
                )
                SELECT (SELECT count(*) FROM done), (SELECT count(*) FROM dead),
                    (SELECT count(*) FROM old) + (SELECT count(*) FROM young)"),
            put_installations: sql("
                INSERT INTO lifecycle.installations (tenant, status, installation)
                SELECT * FROM unnest($1::bytea[], $2::text[], $3::bytea[])
                ON CONFLICT (tenant) DO UPDATE SET status = excluded.status, installation = excluded.installation"),
            put_sealed: sql("
                WITH met AS (
                    INSERT INTO lifecycle.tenants (key, platform, app, tenant) VALUES ($1, $2, $3, $4)
                    ON CONFLICT DO NOTHING
                )
                INSERT INTO lifecycle.secrets (tenant, name, sealed) VALUES ($1, $5, $6)
                ON CONFLICT (tenant, sha256(name)) DO UPDATE SET sealed = excluded.sealed"),
            renew: sql("SELECT id, fence FROM lifecycle.renew($1, $2, $3, $4)"),
            replace_sealed: sql("
                UPDATE lifecycle.secrets SET sealed = $4
                WHERE tenant = $1 AND sha256(name) = sha256($2) AND sealed = $3 RETURNING 1"),
            retry: sql("SELECT lifecycle.retry($1, $2)"),
            sealed: sql("SELECT sealed FROM lifecycle.secrets WHERE tenant = $1 AND sha256(name) = sha256($2)"),
            show: sql(&format!("SELECT {SUMMARY}, d.body, d.envelope {FROM} WHERE d.id = $1")),
            // The word `open` of the index stands in the condition, and that of the dead ones.
            stats: sql("
                SELECT count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'leased'),
                    (SELECT count(*) FROM lifecycle.deliveries WHERE state = 'dead'), min(accepted_at)
                FROM lifecycle.deliveries WHERE state IN ('pending', 'leased')"),
            // From each platform to the next one in the index, and counted only where it is asked for.
            unknown_platforms: sql("
                WITH RECURSIVE present (name) AS (
                    (SELECT platform FROM lifecycle.heads ORDER BY platform LIMIT 1)
                    UNION ALL
                    SELECT (
                        SELECT platform FROM lifecycle.heads WHERE platform > name ORDER BY platform LIMIT 1
                    ) FROM present WHERE name IS NOT NULL
                )
                SELECT present.name, count(*), min(d.accepted_at) FROM present
                JOIN lifecycle.heads AS h ON h.platform = present.name
                JOIN lifecycle.deliveries AS d ON d.tenant = h.tenant AND d.state IN ('pending', 'leased')
                WHERE present.name <> ALL ($1) GROUP BY present.name ORDER BY present.name"),
            schema: schema.clone(),
        }
    }

    /// Of the tenant $1 and in the state $2, where they are asked for; beyond $3, at most $4.
    pub(crate) fn list(&self, filter: &DeliveryFilter) -> String {
        let tenant = if filter.tenant.is_some() { "d.tenant = $1" } else { "$1::bytea IS NULL" };
        let (beyond, order) = if filter.newest_first { ("<", "DESC") } else { (">", "ASC") };
        let state = match filter.state {
            Some(state) => format!("d.state = '{}' AND $2::text IS NOT NULL", state.name()), // literal, for the indexes
            None => "$2::text IS NULL".to_owned(),
        };
        let text = if filter.tenant.is_some() && filter.state.is_none() {
            // Of each of the two indexes that know the tenant: it is the planner's choice else, and may be neither.
            let part = |states| {
                format!(
                    "(SELECT * FROM lifecycle.deliveries WHERE tenant = $1 AND state IN ({states}) AND id {beyond} $3
                    ORDER BY id {order} LIMIT $4)"
                )
            };
            let (open, ended) = (part("'pending', 'leased'"), part("'done', 'dead'"));
            format!(
                "SELECT {SUMMARY} FROM ({open} UNION ALL {ended}) AS d JOIN lifecycle.tenants AS t ON t.key = d.tenant
                WHERE {state} ORDER BY d.id {order} LIMIT $4"
            )
        } else {
            format!(
                "SELECT {SUMMARY} {FROM} WHERE {tenant} AND {state} AND d.id {beyond} $3 ORDER BY d.id {order} LIMIT $4"
            )
        };
        self.schema.sql(&text)
    }

    /// Of the status $1, after the key $2 to $4, at most $5.
    pub(crate) fn installations(&self, filter: &InstallationFilter) -> String {
        let after = match filter.after {
            Some(_) => "(t.platform, t.app, t.tenant) > ($2, $3, $4)",
            None => "$2::bytea IS NULL AND $3::bytea IS NULL AND $4::bytea IS NULL",
        };
        self.schema.sql(&format!(
            "SELECT t.platform, t.app, t.tenant, i.installation
            FROM lifecycle.installations AS i JOIN lifecycle.tenants AS t ON t.key = i.tenant
            WHERE ($1::text IS NULL OR i.status = $1) AND {after}
            ORDER BY t.platform, t.app, t.tenant LIMIT $5"
        ))
    }
}
