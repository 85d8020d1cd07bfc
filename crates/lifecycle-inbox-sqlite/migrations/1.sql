-- The schema. Every name begins with `lifecycle_`, so that an app's own tables can live in the same file.
-- Times are Unix milliseconds. A migration that was released is never edited: write the next one.

-- What makes a delivery a duplicate, and since when. Kept longer than the row, and forgotten by date.
-- It also gives out the ids: in the order of acceptance, and never one twice.
CREATE TABLE lifecycle_keys (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    key         BLOB    NOT NULL UNIQUE,
    accepted_at INTEGER NOT NULL
) STRICT;

CREATE INDEX lifecycle_keys_by_age ON lifecycle_keys (accepted_at);

-- The deliveries. `id` is that of the key.
CREATE TABLE lifecycle_inbox (
    id          INTEGER PRIMARY KEY,
    platform    TEXT    NOT NULL,
    app         TEXT    NOT NULL,
    tenant      TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    key         BLOB    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'leased', 'done', 'dead')),
    is_open     INTEGER NOT NULL GENERATED ALWAYS AS (state IN ('pending', 'leased')) VIRTUAL,
    -- Whether it is the oldest open row of its platform, app and tenant. Only such rows are claimed.
    is_head     INTEGER NOT NULL CHECK (is_head IN (0, 1)),
    attempts    INTEGER NOT NULL DEFAULT 0,
    fence       INTEGER NOT NULL DEFAULT 0,
    due_at      INTEGER NOT NULL,
    touched_at  INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    finished_at INTEGER,
    -- The newest later delivery of the tenant that is done: of a dead letter, and of a retried one. It is written when the later one
    -- is done, so that it is still known when that one is deleted.
    overtaken_by INTEGER,
    worker      TEXT,
    last_error  TEXT,
    envelope    TEXT    NOT NULL,
    body        BLOB    NOT NULL
) STRICT;

-- Each index holds only the deliveries that its query is about, so that finished ones cost nothing.
-- A worker asks for the heads of the platforms that it knows, the oldest first.
CREATE INDEX lifecycle_inbox_heads ON lifecycle_inbox (platform, id) WHERE is_head = 1;
CREATE INDEX lifecycle_inbox_open ON lifecycle_inbox (platform, app, tenant, id, accepted_at) WHERE is_open = 1;
CREATE INDEX lifecycle_inbox_leased ON lifecycle_inbox (platform, app, tenant) WHERE state = 'leased';
CREATE INDEX lifecycle_inbox_done ON lifecycle_inbox (finished_at) WHERE state = 'done';
-- Dead letters: in order, by the time of their death for pruning, and by tenant for `overtaken_by`.
CREATE INDEX lifecycle_inbox_dead ON lifecycle_inbox (id) WHERE state = 'dead';
CREATE INDEX lifecycle_inbox_died ON lifecycle_inbox (finished_at) WHERE state = 'dead';
CREATE INDEX lifecycle_inbox_dead_of ON lifecycle_inbox (platform, app, tenant, id) WHERE state = 'dead';

-- A row that ends hands the head on to the next open one.
CREATE TRIGGER lifecycle_inbox_ended AFTER UPDATE OF state ON lifecycle_inbox
WHEN old.is_open = 1 AND new.is_open = 0
BEGIN
    UPDATE lifecycle_inbox SET is_head = 0 WHERE id = new.id AND is_head = 1;
    UPDATE lifecycle_inbox SET is_head = 1 WHERE is_head = 0 AND id = (
        SELECT min(id) FROM lifecycle_inbox
        WHERE platform = new.platform AND app = new.app AND tenant = new.tenant AND is_open = 1
    );
END;

CREATE TRIGGER lifecycle_inbox_deleted AFTER DELETE ON lifecycle_inbox
WHEN old.is_open = 1
BEGIN
    UPDATE lifecycle_inbox SET is_head = 1 WHERE is_head = 0 AND id = (
        SELECT min(id) FROM lifecycle_inbox
        WHERE platform = old.platform AND app = old.app AND tenant = old.tenant AND is_open = 1
    );
END;

-- A row that comes back takes the head from a later one.
CREATE TRIGGER lifecycle_inbox_reopened AFTER UPDATE OF state ON lifecycle_inbox
WHEN old.is_open = 0 AND new.is_open = 1
BEGIN
    UPDATE lifecycle_inbox SET is_head = 0
    WHERE platform = new.platform AND app = new.app AND tenant = new.tenant AND is_open = 1
        AND is_head = 1 AND id > new.id;
    UPDATE lifecycle_inbox SET is_head = 1 WHERE id = new.id AND NOT EXISTS (
        SELECT 1 FROM lifecycle_inbox
        WHERE platform = new.platform AND app = new.app AND tenant = new.tenant AND is_open = 1
            AND id < new.id
    );
END;

-- The installations that follow from the handled deliveries. `installation` is JSON; `status` repeats a member of it,
-- to list by.
CREATE TABLE lifecycle_installations (
    platform     TEXT NOT NULL,
    app          TEXT NOT NULL,
    tenant       TEXT NOT NULL,
    status       TEXT NOT NULL,
    installation TEXT NOT NULL,
    UNIQUE (platform, app, tenant)
) STRICT;

-- Secrets of installations, sealed by the app's key, which is not in this file.
CREATE TABLE lifecycle_secrets (
    platform TEXT NOT NULL,
    app      TEXT NOT NULL,
    tenant   TEXT NOT NULL,
    name     TEXT NOT NULL,
    sealed   BLOB NOT NULL,
    UNIQUE (platform, app, tenant, name)
) STRICT;

-- One row, written by health checks: only a write shows whether the disk takes one. It is as large as a callback, since a disk may
-- have room for a number and for no callback.
CREATE TABLE lifecycle_probe (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    writes INTEGER NOT NULL,
    sample BLOB    NOT NULL
) STRICT;

INSERT INTO lifecycle_probe (id, writes, sample) VALUES (1, 0, x'');
