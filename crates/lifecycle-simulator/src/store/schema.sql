CREATE TABLE app (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    app_id TEXT NOT NULL,
    registration TEXT NOT NULL, -- JSON
    created_at INTEGER NOT NULL -- here and below: Unix milliseconds
) STRICT;

CREATE TABLE signing_secret (
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    number INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    until INTEGER, -- null: the current one
    PRIMARY KEY (app, number)
) STRICT;

CREATE TABLE tenant (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    platform TEXT NOT NULL,
    name TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_email TEXT NOT NULL,
    domain TEXT NOT NULL,
    UNIQUE (platform, name)
) STRICT;

CREATE TABLE installation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    tenant INTEGER NOT NULL REFERENCES tenant,
    status TEXT NOT NULL,
    version TEXT,
    since INTEGER NOT NULL,
    token_sha256 BLOB UNIQUE, -- of the id that the app's installation page gets
    completed_at INTEGER,
    UNIQUE (app, tenant)
) STRICT;

CREATE TABLE installation_secret (
    installation INTEGER NOT NULL REFERENCES installation ON DELETE CASCADE,
    key TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (installation, key)
) STRICT;

CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    tenant INTEGER NOT NULL REFERENCES tenant,
    event TEXT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL, -- JSON
    body TEXT NOT NULL,
    batch INTEGER NOT NULL,
    repeats INTEGER,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    effect TEXT NOT NULL,
    answer TEXT, -- JSON
    cause TEXT, -- JSON
    elapsed_us INTEGER
) STRICT;

CREATE INDEX delivery_by_app ON delivery (app, id);

CREATE TABLE vault_check (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sealed BLOB NOT NULL
) STRICT;
