-- A worker asks for the heads of the platforms that it knows, the oldest first, and passes over no others on the way.
DROP INDEX lifecycle.tenants_head;
CREATE INDEX tenants_heads ON lifecycle.tenants (platform, head) WHERE head IS NOT NULL;

-- Of each platform the oldest heads, and of these the oldest: a claim reads what it takes from each, however much waits, and of
-- other platforms nothing. What it has locked beyond its limit is free again when it ends. A plan that was made for a few
-- rows must not collect and sort many of them, so it may only follow the index.
DROP FUNCTION lifecycle.claim(bytea, bigint, bigint, bigint, bigint);
CREATE FUNCTION lifecycle.claim(
    _platforms bytea[], _worker bytea, _now bigint, _ahead bigint, _until bigint, _limit bigint
) RETURNS TABLE (
    id bigint, fence bigint, attempts bigint, platform bytea, app bytea, tenant bytea, kind bytea, key bytea,
    body bytea, envelope bytea, received_at bigint
) LANGUAGE plpgsql SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    _tenants bytea[];
BEGIN
    _tenants := ARRAY (
        SELECT oldest.key FROM unnest(_platforms) AS known (platform) CROSS JOIN LATERAL (
            SELECT t.key, t.head FROM lifecycle.tenants AS t
            JOIN lifecycle.deliveries AS d ON d.id = t.head
            WHERE t.platform = known.platform AND t.head IS NOT NULL AND (d.due_at <= _now OR d.touched_at > _ahead)
                AND (
                    SELECT l.id FROM lifecycle.deliveries AS l
                    WHERE l.tenant = t.key AND l.state = 'leased' AND l.due_at > _now AND l.touched_at <= _ahead
                    LIMIT 1
                ) IS NULL
            ORDER BY t.head LIMIT _limit
            FOR NO KEY UPDATE OF t SKIP LOCKED
        ) AS oldest
        ORDER BY oldest.head LIMIT _limit
    );
    RETURN QUERY
    UPDATE lifecycle.deliveries AS d
    SET state = 'leased', due_at = _until, touched_at = _now, worker = _worker, finished_at = NULL,
        attempts = d.attempts + 1, fence = d.fence + 1
    FROM lifecycle.tenants AS t
    WHERE t.key = ANY (_tenants) AND d.id = t.head AND (d.due_at <= _now OR d.touched_at > _ahead)
        AND (
            SELECT l.id FROM lifecycle.deliveries AS l
            WHERE l.tenant = t.key AND l.state = 'leased' AND l.due_at > _now AND l.touched_at <= _ahead
            LIMIT 1
        ) IS NULL
    RETURNING d.id, d.fence, d.attempts, t.platform, t.app, t.tenant, d.kind, d.key, d.body, d.envelope, d.received_at;
END $$;
