-- The schema. `lifecycle.` stands for the schema that the settings name.
--
-- All text is kept as the bytes of its UTF-8: it may hold NUL, whatever the database's encoding is, and it sorts byte by
-- byte. `encode(tenant, 'escape')` shows it. Times are Unix milliseconds. A migration that was released is never edited.
--
-- Order. Whatever changes which deliveries of a tenant are open or leased, locks the tenant's row in `heads` first, in the order
-- of the tenants where there are several. A tenant that has none gets one: of two who write it, the second waits. So per tenant
-- all such changes follow one another, and as each statement of these functions sees what was committed before it began (READ
-- COMMITTED), it sees all that was done under that lock before. An id is drawn under the lock that is held until the commit: of
-- two deliveries of one tenant, the one with the lower id is visible before the other one's id is even drawn. Therefore nobody
-- ever claims the later one first.
--
-- Old snapshots. While one is held open (a dump, a report, a standby that answers questions), nothing that is dead is cleaned up,
-- and an index that a handful of live rows is in may have the entries of a million dead ones, which the planner does not know.
-- So what has an id is found by its id (`state || ''` is in no index), a tenant's deliveries are looked for from its head on, and
-- claims begin where the last one began.

CREATE TABLE lifecycle.schema_version (
    version    integer     PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Never changed and never deleted. Nothing that is written for each delivery refers to it: the check would lock the row, and so
-- write to a page that nobody else is about to write to.
CREATE TABLE lifecycle.tenants (
    key      bytea PRIMARY KEY, -- a SHA-256 of the three: they may be longer than an index takes
    platform bytea NOT NULL,
    app      bytea NOT NULL,
    tenant   bytea NOT NULL
);

-- The tenants that have open deliveries, and no others: few, however many there are.
CREATE TABLE lifecycle.heads (
    tenant   bytea  PRIMARY KEY,
    platform bytea  NOT NULL,
    head     bigint NOT NULL, -- the oldest open delivery; or lower, where several were accepted at the same time
    retried  bigint -- the newest that was retried: a head up to it may be lower than what was claimed since
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX heads_order ON lifecycle.heads (platform, head);
CREATE INDEX heads_retried ON lifecycle.heads (head) WHERE retried IS NOT NULL;

-- What makes a delivery a duplicate, and since when: the first half of its idempotency key. Kept longer than the delivery, and
-- forgotten by date. Keys are digests, so each is written to another page of the index. As long as they are few, that index
-- stays in memory, and a page that is logged wholly at its first change after a checkpoint is changed again and again. So when
-- they are many, they move to `old_keys`, in the order of the keys, where one page takes several; who accepts only reads there.
CREATE TABLE lifecycle.keys (
    key         uuid   PRIMARY KEY,
    delivery    bigint NOT NULL,
    accepted_at bigint NOT NULL
);

CREATE INDEX keys_age ON lifecycle.keys (accepted_at);

CREATE TABLE lifecycle.old_keys (
    key         uuid   PRIMARY KEY,
    delivery    bigint NOT NULL,
    accepted_at bigint NOT NULL
);

CREATE INDEX old_keys_age ON lifecycle.old_keys (accepted_at);

-- Without a cache: a session that drew ids ahead would give them out late.
CREATE SEQUENCE lifecycle.delivery_ids CACHE 1;

CREATE TABLE lifecycle.deliveries (
    id          bigint PRIMARY KEY,
    tenant      bytea  NOT NULL,
    kind        bytea  NOT NULL,
    key         bytea  NOT NULL,
    state       text   NOT NULL CHECK (state IN ('pending', 'leased', 'done', 'dead')),
    attempts    bigint NOT NULL DEFAULT 0,
    fence       bigint NOT NULL DEFAULT 0,
    due_at      bigint NOT NULL,
    touched_at  bigint NOT NULL,
    received_at bigint NOT NULL,
    accepted_at bigint NOT NULL,
    finished_at bigint,
    worker      bytea,
    last_error  bytea,
    envelope    bytea  NOT NULL,
    body        bytea  NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- Each holds only the deliveries that its question is about. Who accepts one pays for each index that has it: open ones are few,
-- and a finished one is entered once, when it ends.
CREATE INDEX deliveries_open ON lifecycle.deliveries (tenant, id) WHERE state IN ('pending', 'leased');
CREATE INDEX deliveries_leased ON lifecycle.deliveries (tenant, id) WHERE state = 'leased';
CREATE INDEX deliveries_ended ON lifecycle.deliveries (tenant, id) WHERE state IN ('done', 'dead');
CREATE INDEX deliveries_done ON lifecycle.deliveries (finished_at) WHERE state = 'done';
CREATE INDEX deliveries_died ON lifecycle.deliveries (finished_at) WHERE state = 'dead';
CREATE INDEX deliveries_dead ON lifecycle.deliveries (id) WHERE state = 'dead';

CREATE TABLE lifecycle.installations (
    tenant       bytea PRIMARY KEY REFERENCES lifecycle.tenants,
    status       text  NOT NULL, -- repeats a member of the installation, to list by
    installation bytea NOT NULL  -- JSON
);

-- Sealed by the app's key, which is not in this database.
CREATE TABLE lifecycle.secrets (
    tenant bytea NOT NULL REFERENCES lifecycle.tenants,
    name   bytea NOT NULL,
    sealed bytea NOT NULL
);

CREATE UNIQUE INDEX secrets_name ON lifecycle.secrets (tenant, sha256(name));

-- One row, written by health checks: nothing but a write tells whether the database takes one. As much as a callback has: a disk
-- with room for a number only takes no callbacks.
CREATE TABLE lifecycle.probe (
    id     integer PRIMARY KEY CHECK (id = 1),
    writes bigint  NOT NULL,
    sample bytea   NOT NULL DEFAULT ''
) WITH (fillfactor = 10);

ALTER TABLE lifecycle.probe ALTER COLUMN sample SET STORAGE EXTERNAL;
INSERT INTO lifecycle.probe (id, writes) VALUES (1, 0);

-- As much of an idempotency key as is remembered. Half of a SHA-256 has no second input that anybody could find.
CREATE FUNCTION lifecycle.short(_key bytea) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT encode(substr(_key, 1, 16), 'hex')::uuid
$$;

-- Writes deliveries whose keys are not known, in the order given, and returns those that were.
CREATE FUNCTION lifecycle.accept(
    _tenants bytea[], _platforms bytea[], _apps bytea[], _names bytea[], _kinds bytea[], _keys bytea[],
    _bodies bytea[], _envelopes bytea[], _received bigint[], _accepted bigint[]
) RETURNS TABLE (new_key bytea, new_id bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    _next bigint := coalesce(pg_sequence_last_value('lifecycle.delivery_ids') + 1, 1);
    _new uuid[];
    _ids bigint[];
    _written bigint;
BEGIN
    -- Most are known, for which the index is enough.
    INSERT INTO lifecycle.tenants (key, platform, app, tenant)
    SELECT DISTINCT ON (it.key) it.key, it.platform, it.app, it.tenant
    FROM unnest(_tenants, _platforms, _apps, _names) AS it (key, platform, app, tenant)
    WHERE NOT EXISTS (SELECT FROM lifecycle.tenants AS known WHERE known.key = it.key)
    ORDER BY it.key
    ON CONFLICT DO NOTHING;

    -- The locks. What is drawn from now on is not lower than `_next`.
    INSERT INTO lifecycle.heads (tenant, platform, head)
    SELECT DISTINCT ON (it.tenant) it.tenant, it.platform, _next
    FROM unnest(_tenants, _platforms) AS it (tenant, platform)
    ORDER BY it.tenant
    ON CONFLICT (tenant) DO UPDATE SET head = heads.head WHERE false;

    WITH fresh AS (
        INSERT INTO lifecycle.keys (key, delivery, accepted_at)
        SELECT lifecycle.short(it.key), nextval('lifecycle.delivery_ids'), it.accepted_at
        FROM (
            SELECT * FROM unnest(_keys, _accepted) WITH ORDINALITY AS it (key, accepted_at, nth) ORDER BY nth
        ) AS it
        ON CONFLICT DO NOTHING
        RETURNING key, delivery
    )
    SELECT array_agg(key), array_agg(delivery) INTO _new, _ids FROM fresh;

    -- After that, in a statement of its own: a key that was moved meanwhile is found here.
    RETURN QUERY
    WITH asked AS (
        SELECT lifecycle.short(it.key) AS short, it.*
        FROM unnest(_tenants, _kinds, _keys, _bodies, _envelopes, _received, _accepted)
            AS it (tenant, kind, key, body, envelope, received_at, accepted_at)
    ), fresh AS (
        SELECT it.key, it.delivery, old.key IS NOT NULL AS is_known
        FROM unnest(_new, _ids) AS it (key, delivery) LEFT JOIN lifecycle.old_keys AS old ON old.key = it.key
    ), doubled AS (
        DELETE FROM lifecycle.keys WHERE key IN (SELECT key FROM fresh WHERE is_known)
    ), written AS (
        INSERT INTO lifecycle.deliveries
            (id, tenant, kind, key, state, due_at, touched_at, received_at, accepted_at, envelope, body)
        SELECT fresh.delivery, it.tenant, it.kind, it.key, 'pending', (-9223372036854775808)::bigint,
            it.accepted_at, it.received_at, it.accepted_at, it.envelope, it.body
        FROM fresh JOIN asked AS it ON it.short = fresh.key
        WHERE NOT fresh.is_known
        RETURNING id, key
    )
    SELECT key, id FROM written;

    GET DIAGNOSTICS _written = ROW_COUNT;
    IF _written < cardinality(_keys) THEN
        PERFORM lifecycle.settle(_tenants); -- some have duplicates only
    END IF;
END $$;

-- Leases what may be claimed of these platforms, oldest first. A delivery is due when its time has come, or was written so far
-- ahead that the clock was set back since. Other platforms are not even read; what is locked beyond the limit is free again when
-- this ends.
--
-- It begins at a head that the caller believes to be the lowest, or at one that was retried, and tells the lowest that it met:
-- what was handled before may still be in the index. Where another process commits late what it accepted, a head is lower all
-- the same; it is met when the caller begins from the start again.
--
-- Two steps: the first finds tenants and locks those that nobody else has locked; the second, which sees what was committed
-- until then, looks again. A plan that was made for a few rows must not collect and sort many of them, so it may only follow the
-- index.
CREATE FUNCTION lifecycle.claim(
    _platforms bytea[], _worker bytea, _now bigint, _ahead bigint, _until bigint, _limit bigint, _from bigint
) RETURNS TABLE (
    id bigint, fence bigint, attempts bigint, platform bytea, app bytea, tenant bytea, kind bytea, key bytea,
    body bytea, envelope bytea, received_at bigint, lowest bigint
) LANGUAGE plpgsql SET enable_bitmapscan = off AS $$
#variable_conflict use_column
DECLARE
    _lowest bigint;
    _tenants bytea[];
BEGIN
    _from := least(_from, (SELECT min(head) FROM lifecycle.heads WHERE retried IS NOT NULL));
    SELECT min(first.head) INTO _lowest FROM unnest(_platforms) AS known (platform) CROSS JOIN LATERAL (
        SELECT h.head FROM lifecycle.heads AS h
        WHERE h.platform = known.platform AND h.head >= _from
        ORDER BY h.head LIMIT 1
    ) AS first;
    _tenants := ARRAY (
        SELECT oldest.tenant FROM unnest(_platforms) AS known (platform) CROSS JOIN LATERAL (
            SELECT h.tenant, h.head FROM lifecycle.heads AS h CROSS JOIN LATERAL (
                SELECT d.due_at, d.touched_at FROM lifecycle.deliveries AS d
                WHERE d.tenant = h.tenant AND d.id >= h.head AND d.state IN ('pending', 'leased')
                ORDER BY d.id LIMIT 1
            ) AS d
            WHERE h.platform = known.platform AND h.head >= _lowest AND (d.due_at <= _now OR d.touched_at > _ahead)
                AND (
                    SELECT l.id FROM lifecycle.deliveries AS l
                    WHERE l.tenant = h.tenant AND l.id >= h.head AND l.state = 'leased' AND l.due_at > _now
                        AND l.touched_at <= _ahead
                    LIMIT 1
                ) IS NULL
            ORDER BY h.head LIMIT _limit
            FOR NO KEY UPDATE OF h SKIP LOCKED
        ) AS oldest
        ORDER BY oldest.head LIMIT _limit
    );
    RETURN QUERY
    UPDATE lifecycle.deliveries AS d
    SET state = 'leased', due_at = _until, touched_at = _now, worker = _worker, finished_at = NULL,
        attempts = d.attempts + 1, fence = d.fence + 1
    FROM (
        SELECT h.tenant, h.head, (
            SELECT o.id FROM lifecycle.deliveries AS o
            WHERE o.tenant = h.tenant AND o.id >= h.head AND o.state IN ('pending', 'leased')
            ORDER BY o.id LIMIT 1
        ) AS id
        FROM lifecycle.heads AS h WHERE h.tenant = ANY (_tenants)
    ) AS oldest JOIN lifecycle.tenants AS t ON t.key = oldest.tenant
    WHERE d.id = oldest.id AND (d.due_at <= _now OR d.touched_at > _ahead)
        AND (
            SELECT l.id FROM lifecycle.deliveries AS l
            WHERE l.tenant = oldest.tenant AND l.id >= oldest.head AND l.state = 'leased' AND l.due_at > _now
                AND l.touched_at <= _ahead
            LIMIT 1
        ) IS NULL
    RETURNING d.id, d.fence, d.attempts, t.platform, t.app, t.tenant, d.kind, d.key, d.body, d.envelope, d.received_at,
        _lowest;
END $$;

-- Locks the tenants of deliveries that are open, one after the other: each row is found by the tenant, in its order. (`ORDER BY`
-- over `heads` would walk its whole index, which looks small.)
CREATE FUNCTION lifecycle.lock_tenants(_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM (
        SELECT DISTINCT tenant FROM lifecycle.deliveries WHERE id = ANY (_ids) ORDER BY tenant
    ) AS it CROSS JOIN LATERAL (
        SELECT FROM lifecycle.heads AS h WHERE h.tenant = it.tenant FOR NO KEY UPDATE
    ) AS locked;
END $$;

-- Prolongs leases, and returns those that still hold. Under the tenants' locks too: a lease that is over by the clock
-- must not come back to life beside a delivery that is just being claimed because of that.
CREATE FUNCTION lifecycle.renew(_ids bigint[], _fences bigint[], _now bigint, _until bigint)
RETURNS TABLE (id bigint, fence bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM lifecycle.lock_tenants(_ids);
    RETURN QUERY
    UPDATE lifecycle.deliveries AS d SET due_at = _until, touched_at = _now
    FROM unnest(_ids, _fences) AS it (id, fence)
    WHERE d.id = it.id AND d.fence = it.fence AND d.state || '' = 'leased'
    RETURNING d.id, d.fence;
END $$;

-- Of each of these tenants, all of which are locked, another delivery is the oldest open one now, or none.
CREATE FUNCTION lifecycle.settle(_tenants bytea[]) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    _gone bytea[];
BEGIN
    _gone := ARRAY (
        SELECT h.tenant FROM lifecycle.heads AS h
        WHERE h.tenant = ANY (_tenants) AND (
            SELECT d.id FROM lifecycle.deliveries AS d
            WHERE d.tenant = h.tenant AND d.id >= h.head AND d.state IN ('pending', 'leased')
            ORDER BY d.id LIMIT 1
        ) IS NULL
    );
    DELETE FROM lifecycle.heads WHERE tenant = ANY (_gone);
    UPDATE lifecycle.heads AS h SET (head, retried) = (
        SELECT d.id, CASE WHEN d.id <= h.retried THEN h.retried END FROM lifecycle.deliveries AS d
        WHERE d.tenant = h.tenant AND d.id >= h.head AND d.state IN ('pending', 'leased')
        ORDER BY d.id LIMIT 1
    )
    WHERE h.tenant = ANY (_tenants) AND h.head < (
        SELECT d.id FROM lifecycle.deliveries AS d
        WHERE d.tenant = h.tenant AND d.id >= h.head AND d.state IN ('pending', 'leased')
        ORDER BY d.id LIMIT 1
    );
END $$;

-- Ends leases: each delivery is done, dead, or pending again. Returns those whose fence holds them, with their tenants'
-- installations, for which the tenants' locks are held until the end of the transaction.
CREATE FUNCTION lifecycle.finish(
    _ids bigint[], _fences bigint[], _nows bigint[], _states text[], _dues bigint[], _errors bytea[],
    _uncounted bigint[]
) RETURNS TABLE (id bigint, fence bigint, tenant bytea, installation bytea) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    _ended bigint[];
    _headless bytea[];
BEGIN
    PERFORM lifecycle.lock_tenants(_ids);
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
    PERFORM lifecycle.settle(_headless);
    RETURN QUERY
    SELECT d.id, d.fence, d.tenant, i.installation
    FROM lifecycle.deliveries AS d LEFT JOIN lifecycle.installations AS i ON i.tenant = d.tenant
    WHERE d.id = ANY (_ended);
END $$;

-- Locks the tenant of a delivery, which may have no open one. Returns null where there is no such delivery.
CREATE FUNCTION lifecycle.lock_tenant(_id bigint) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    _tenant bytea := (SELECT tenant FROM lifecycle.deliveries WHERE id = _id);
BEGIN
    INSERT INTO lifecycle.heads (tenant, platform, head, retried)
    SELECT key, platform, _id, _id FROM lifecycle.tenants WHERE key = _tenant
    ON CONFLICT (tenant) DO UPDATE SET head = heads.head WHERE false;
    RETURN _tenant;
END $$;

-- The newest later delivery of the tenant that is done, of one that is not done itself: it was given up, and may be retried. Asked
-- after a claim, and so by a statement that sees what was committed until then.
CREATE FUNCTION lifecycle.overtaken_by(_id bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT later.id FROM lifecycle.deliveries AS d
        JOIN lifecycle.deliveries AS later ON later.tenant = d.tenant AND later.id > d.id
        WHERE d.id = _id AND d.state <> 'done' AND later.state IN ('done', 'dead') AND later.state || '' = 'done'
        ORDER BY later.id DESC LIMIT 1
    );
END $$;

-- Brings a dead or pending delivery back to its old place.
CREATE FUNCTION lifecycle.retry(_id bigint, _now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    _tenant bytea := lifecycle.lock_tenant(_id);
    _found boolean;
BEGIN
    UPDATE lifecycle.deliveries
    SET state = 'pending', due_at = (-9223372036854775808)::bigint, touched_at = _now, finished_at = NULL,
        attempts = 0
    WHERE id = _id AND state IN ('pending', 'dead');
    _found := FOUND;
    UPDATE lifecycle.heads SET head = least(head, _id), retried = greatest(retried, _id) WHERE tenant = _tenant AND _found;
    PERFORM lifecycle.settle(ARRAY[_tenant]);
    RETURN _found;
END $$;

-- Deletes a delivery in whatever state.
CREATE FUNCTION lifecycle.delete_delivery(_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    _tenant bytea := lifecycle.lock_tenant(_id);
    _found boolean;
BEGIN
    DELETE FROM lifecycle.deliveries WHERE id = _id;
    _found := FOUND;
    PERFORM lifecycle.settle(ARRAY[_tenant]);
    RETURN _found;
END $$;

-- Moves keys that come after this one to the old ones, at most so many and in their order. Returns the last one, or null.
CREATE FUNCTION lifecycle.move_keys(_after uuid, _limit bigint) RETURNS uuid LANGUAGE sql AS $$
    WITH moved AS (
        DELETE FROM lifecycle.keys WHERE key IN (
            SELECT key FROM lifecycle.keys WHERE _after IS NULL OR key > _after
            ORDER BY key LIMIT _limit FOR UPDATE SKIP LOCKED
        ) RETURNING *
    ), kept AS (
        INSERT INTO lifecycle.old_keys SELECT * FROM moved ORDER BY key ON CONFLICT DO NOTHING
    )
    SELECT key FROM moved ORDER BY key DESC LIMIT 1
$$;
