-- Who accepts a delivery pays for each index that has it. Open rows are few and found by `deliveries_open`; a finished one is
-- entered once, when it ends, and not at its acceptance, its claim and its end, each time at another end of the index.
DROP INDEX lifecycle.deliveries_tenant;
CREATE INDEX deliveries_ended ON lifecycle.deliveries (tenant, id) WHERE state IN ('done', 'dead');

-- Ends many leases in one transaction: each row is done, dead, or pending again. Returns those whose fence holds them, with
-- their tenants' installations, for which the tenants' locks are held until the end of the transaction.
CREATE FUNCTION lifecycle.finish_all(
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
        WHERE d.id = it.id AND d.fence = it.fence AND d.state = 'leased'
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
