-- The first schema. `lifecycle.` stands for the schema that the settings name.
--
-- All text is kept as the bytes of its UTF-8: it may hold NUL, whatever the database's encoding is, and it sorts byte by
-- byte. `encode(tenant, 'escape')` shows it. Times are Unix milliseconds. A migration that was released is never edited.
--
-- Order. Whatever changes which deliveries of a tenant are open or leased, locks the tenant's row first, in the order of
-- the keys where there are several. So per tenant all such changes follow one another, and as each statement of these
-- functions sees what was committed before it began (READ COMMITTED), it sees all that was done under that lock before.
-- An id is drawn under the lock that is held until the commit: of two deliveries of one tenant, the one with the lower id
-- is visible before the other one's id is even drawn. Therefore nobody ever claims the later one first.

CREATE TABLE lifecycle.schema_version (
    version    integer     PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE lifecycle.tenants (
    key      bytea PRIMARY KEY, -- a SHA-256 of the three: they may be longer than an index takes
    platform bytea NOT NULL,
    app      bytea NOT NULL,
    tenant   bytea NOT NULL,
    head     bigint             -- the oldest open delivery; none where it is null
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX tenants_head ON lifecycle.tenants (head) WHERE head IS NOT NULL;

-- What makes a delivery a duplicate, and since when. Kept longer than the row, and forgotten by date.
CREATE TABLE lifecycle.keys (
    key         bytea  PRIMARY KEY,
    delivery    bigint NOT NULL,
    accepted_at bigint NOT NULL
);

CREATE INDEX keys_age ON lifecycle.keys (accepted_at);

-- Without a cache: a session that drew ids ahead would give them out late.
CREATE SEQUENCE lifecycle.delivery_ids CACHE 1;

CREATE TABLE lifecycle.deliveries (
    id          bigint PRIMARY KEY,
    tenant      bytea  NOT NULL REFERENCES lifecycle.tenants,
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

-- Each holds only the rows that its question is about.
CREATE INDEX deliveries_open ON lifecycle.deliveries (tenant, id) WHERE state IN ('pending', 'leased');
CREATE INDEX deliveries_leased ON lifecycle.deliveries (tenant) WHERE state = 'leased';
CREATE INDEX deliveries_done ON lifecycle.deliveries (finished_at) WHERE state = 'done';
CREATE INDEX deliveries_dead ON lifecycle.deliveries (id) WHERE state = 'dead';
CREATE INDEX deliveries_tenant ON lifecycle.deliveries (tenant, id);

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

-- One row, written by health checks: nothing but a write tells whether the database takes one.
CREATE TABLE lifecycle.probe (
    id     integer PRIMARY KEY CHECK (id = 1),
    writes bigint  NOT NULL
) WITH (fillfactor = 10);

INSERT INTO lifecycle.probe (id, writes) VALUES (1, 0);

-- Writes deliveries whose keys are not known, in the order given, and returns those that were.
CREATE FUNCTION lifecycle.accept(
    _tenants bytea[], _platforms bytea[], _apps bytea[], _names bytea[], _kinds bytea[], _keys bytea[],
    _bodies bytea[], _envelopes bytea[], _received bigint[], _accepted bigint[]
) RETURNS TABLE (new_key bytea, new_id bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO lifecycle.tenants (key, platform, app, tenant)
    SELECT DISTINCT ON (it.key) it.key, it.platform, it.app, it.tenant
    FROM unnest(_tenants, _platforms, _apps, _names) AS it (key, platform, app, tenant)
    ORDER BY it.key
    ON CONFLICT DO NOTHING;

    PERFORM 1 FROM lifecycle.tenants WHERE key = ANY (_tenants) ORDER BY key FOR NO KEY UPDATE;

    RETURN QUERY
    WITH fresh AS (
        INSERT INTO lifecycle.keys (key, delivery, accepted_at)
        SELECT it.key, nextval('lifecycle.delivery_ids'), it.accepted_at
        FROM (
            SELECT * FROM unnest(_keys, _accepted) WITH ORDINALITY AS it (key, accepted_at, nth) ORDER BY nth
        ) AS it
        ON CONFLICT DO NOTHING
        RETURNING key, delivery
    ), written AS (
        INSERT INTO lifecycle.deliveries
            (id, tenant, kind, key, state, due_at, touched_at, received_at, accepted_at, envelope, body)
        SELECT fresh.delivery, it.tenant, it.kind, it.key, 'pending', (-9223372036854775808)::bigint,
            it.accepted_at, it.received_at, it.accepted_at, it.envelope, it.body
        FROM fresh
        JOIN unnest(_tenants, _kinds, _keys, _bodies, _envelopes, _received, _accepted)
            AS it (tenant, kind, key, body, envelope, received_at, accepted_at) ON it.key = fresh.key
        RETURNING id, tenant
    ), heads AS (
        UPDATE lifecycle.tenants SET head = oldest.id
        FROM (SELECT tenant, min(id) AS id FROM written GROUP BY tenant) AS oldest
        WHERE tenants.key = oldest.tenant AND tenants.head IS NULL
    )
    SELECT fresh.key, fresh.delivery FROM fresh;
END $$;

-- Leases what may be claimed, oldest first. A row is due when its time has come, or was written so far ahead that the
-- clock was set back since.
--
-- Two steps: the first finds tenants and locks those that nobody else has locked; the second, which sees what was
-- committed until then, looks again.
CREATE FUNCTION lifecycle.claim(_worker bytea, _now bigint, _ahead bigint, _until bigint, _limit bigint)
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
            AND NOT EXISTS (
                SELECT FROM lifecycle.deliveries AS l
                WHERE l.tenant = t.key AND l.state = 'leased' AND l.due_at > _now AND l.touched_at <= _ahead
            )
        ORDER BY t.head LIMIT _limit
        FOR NO KEY UPDATE OF t SKIP LOCKED
    );
    RETURN QUERY
    UPDATE lifecycle.deliveries AS d
    SET state = 'leased', due_at = _until, touched_at = _now, worker = _worker, finished_at = NULL,
        attempts = d.attempts + 1, fence = d.fence + 1
    FROM lifecycle.tenants AS t
    WHERE t.key = ANY (_tenants) AND d.id = t.head AND (d.due_at <= _now OR d.touched_at > _ahead)
        AND NOT EXISTS (
            SELECT FROM lifecycle.deliveries AS l
            WHERE l.tenant = t.key AND l.state = 'leased' AND l.due_at > _now AND l.touched_at <= _ahead
        )
    RETURNING d.id, d.fence, d.attempts, t.platform, t.app, t.tenant, d.kind, d.key, d.body, d.envelope, d.received_at;
END $$;

-- Prolongs leases, and returns those that still hold. Under the tenants' locks too: a lease that is over by the clock
-- must not come back to life beside a row that is just being claimed because of that.
CREATE FUNCTION lifecycle.renew(_ids bigint[], _fences bigint[], _now bigint, _until bigint)
RETURNS TABLE (id bigint, fence bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM 1 FROM lifecycle.tenants
    WHERE key IN (SELECT tenant FROM lifecycle.deliveries WHERE id = ANY (_ids))
    ORDER BY key FOR NO KEY UPDATE;
    RETURN QUERY
    UPDATE lifecycle.deliveries AS d SET due_at = _until, touched_at = _now
    FROM unnest(_ids, _fences) AS it (id, fence)
    WHERE d.id = it.id AND d.fence = it.fence AND d.state = 'leased'
    RETURNING d.id, d.fence;
END $$;

-- The tenant's oldest open delivery is another one now.
CREATE FUNCTION lifecycle.find_head(_tenant bytea) RETURNS void LANGUAGE sql AS $$
    UPDATE lifecycle.tenants SET head = (
        SELECT min(id) FROM lifecycle.deliveries WHERE tenant = _tenant AND state IN ('pending', 'leased')
    )
    WHERE key = _tenant
$$;

-- Ends a lease: the row is done, dead, or pending again. Returns nothing when the fence no longer holds the row, else
-- its tenant with the installation, for which the tenant's lock is held until the end of the transaction.
CREATE FUNCTION lifecycle.finish(
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
    WHERE d.id = _id AND d.fence = _fence AND d.state = 'leased'
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

-- Brings a dead or pending row back to its old place.
CREATE FUNCTION lifecycle.retry(_id bigint, _now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    _tenant bytea;
BEGIN
    PERFORM 1 FROM lifecycle.tenants AS t JOIN lifecycle.deliveries AS d ON d.tenant = t.key
    WHERE d.id = _id FOR NO KEY UPDATE OF t;
    UPDATE lifecycle.deliveries
    SET state = 'pending', due_at = (-9223372036854775808)::bigint, touched_at = _now, finished_at = NULL,
        attempts = 0
    WHERE id = _id AND state IN ('pending', 'dead')
    RETURNING tenant INTO _tenant;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM lifecycle.find_head(_tenant);
    RETURN true;
END $$;

-- Deletes a row in whatever state.
CREATE FUNCTION lifecycle.discard(_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    _tenant bytea;
BEGIN
    PERFORM 1 FROM lifecycle.tenants AS t JOIN lifecycle.deliveries AS d ON d.tenant = t.key
    WHERE d.id = _id FOR NO KEY UPDATE OF t;
    DELETE FROM lifecycle.deliveries WHERE id = _id RETURNING tenant INTO _tenant;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM lifecycle.find_head(_tenant);
    RETURN true;
END $$;
