-- Where an old snapshot is held open (a dump, a report, a standby that answers questions), the entries of rows that were leased a moment ago
-- stay in the index of leased ones, which looks empty to the planner: it knows a handful of live rows. So nothing is left for
-- it to choose. What has an id is found by its id (`state || ''` is in no index), and the leased row of a tenant by its
-- tenant: a subquery of one row is not made a join.
CREATE OR REPLACE FUNCTION lifecycle.claim(_worker bytea, _now bigint, _ahead bigint, _until bigint, _limit bigint)
RETURNS TABLE (
    id bigint, fence bigint, attempts bigint, platform bytea, app bytea, tenant bytea, kind bytea, key bytea,
    body bytea, envelope bytea, received_at bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    _tenants bytea[];
BEGIN
    _tenants := ARRAY (
        SELECT t.key FROM lifecycle.tenants AS t
        JOIN lifecycle.deliveries AS d ON d.id = t.head
        WHERE t.head IS NOT NULL AND (d.due_at <= _now OR d.touched_at > _ahead)
            AND (
                SELECT l.id FROM lifecycle.deliveries AS l
                WHERE l.tenant = t.key AND l.state = 'leased' AND l.due_at > _now AND l.touched_at <= _ahead
                LIMIT 1
            ) IS NULL
        ORDER BY t.head LIMIT _limit
        FOR NO KEY UPDATE OF t SKIP LOCKED
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

CREATE OR REPLACE FUNCTION lifecycle.renew(_ids bigint[], _fences bigint[], _now bigint, _until bigint)
RETURNS TABLE (id bigint, fence bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM 1 FROM lifecycle.tenants
    WHERE key IN (SELECT tenant FROM lifecycle.deliveries WHERE id = ANY (_ids))
    ORDER BY key FOR NO KEY UPDATE;
    RETURN QUERY
    UPDATE lifecycle.deliveries AS d SET due_at = _until, touched_at = _now
    FROM unnest(_ids, _fences) AS it (id, fence)
    WHERE d.id = it.id AND d.fence = it.fence AND d.state || '' = 'leased'
    RETURNING d.id, d.fence;
END $$;

CREATE OR REPLACE FUNCTION lifecycle.finish(
    _id bigint, _fence bigint, _now bigint, _state text, _due bigint, _error bytea, _uncounted bigint
) RETURNS TABLE (tenant bytea, installation bytea) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    _tenant bytea;
BEGIN
    PERFORM 1 FROM lifecycle.tenants AS t JOIN lifecycle.deliveries AS d ON d.tenant = t.key
    WHERE d.id = _id FOR NO KEY UPDATE OF t;
    UPDATE lifecycle.deliveries AS d
    SET state = _state, due_at = _due, touched_at = _now, worker = NULL,
        finished_at = CASE WHEN _state IN ('done', 'dead') THEN _now END,
        last_error = coalesce(_error, d.last_error), attempts = greatest(d.attempts - _uncounted, 0)
    WHERE d.id = _id AND d.fence = _fence AND d.state || '' = 'leased'
    RETURNING d.tenant INTO _tenant;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF _state <> 'pending' THEN
        PERFORM lifecycle.find_head(_tenant);
    END IF;
    RETURN QUERY
    SELECT _tenant, (SELECT i.installation FROM lifecycle.installations AS i WHERE i.tenant = _tenant);
END $$;

CREATE OR REPLACE FUNCTION lifecycle.finish_all(
    _ids bigint[], _fences bigint[], _nows bigint[], _states text[], _dues bigint[], _errors bytea[],
    _uncounted bigint[]
) RETURNS TABLE (id bigint, fence bigint, tenant bytea, installation bytea) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    _tenants bytea[];
    _ended bigint[];
    _headless bytea[];
BEGIN
    _tenants := ARRAY (SELECT DISTINCT d.tenant FROM lifecycle.deliveries AS d WHERE d.id = ANY (_ids));
    PERFORM 1 FROM lifecycle.tenants WHERE key = ANY (_tenants) ORDER BY key FOR NO KEY UPDATE;
    WITH ended AS (
        UPDATE lifecycle.deliveries AS d
        SET state = it.state, due_at = it.due_at, touched_at = it.now, worker = NULL,
            finished_at = CASE WHEN it.state IN ('done', 'dead') THEN it.now END,
            last_error = coalesce(it.error, d.last_error), attempts = greatest(d.attempts - it.uncounted, 0)
        FROM unnest(_ids, _fences, _nows, _states, _dues, _errors, _uncounted)
            AS it (id, fence, now, state, due_at, error, uncounted)
        WHERE d.id = it.id AND d.fence = it.fence AND d.state || '' = 'leased'
        RETURNING d.id, d.tenant, d.state
    )
    SELECT array_agg(id), array_agg(tenant) FILTER (WHERE state <> 'pending') INTO _ended, _headless FROM ended;
    UPDATE lifecycle.tenants AS t SET head = (
        SELECT min(d.id) FROM lifecycle.deliveries AS d
        WHERE d.tenant = t.key AND d.state IN ('pending', 'leased')
    )
    WHERE t.key = ANY (_headless);
    RETURN QUERY
    SELECT d.id, d.fence, d.tenant, i.installation
    FROM lifecycle.deliveries AS d LEFT JOIN lifecycle.installations AS i ON i.tenant = d.tenant
    WHERE d.id = ANY (_ended);
END $$;
