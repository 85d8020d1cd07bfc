-- A database of version 1, as its simulator left it when it was killed. The app's address is 127.0.0.1:3000. Its key file holds
-- 0f1e2d3c4b5a69788796a5b4c3d2e1f0, twice.
PRAGMA application_id = 1818458467;
PRAGMA user_version = 1;

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

INSERT INTO vault_check VALUES (1, X'010973696d756c61746f722622cc8bb4a9d32100cc7062231f9490fa04865ddf06cc219b26417c4e6e3643ca252e8c14275ed9');

INSERT INTO app VALUES
    (1, 'Old app', '5d1f7a52-9a5e-4a0c-8f3b-6a7f0c7e2b10',
        '{"platform":"seismic","urls":{"install":"http://127.0.0.1:3000/202","enable":"http://127.0.0.1:3000/202","upgrade":"http://127.0.0.1:3000/202","disable":"http://127.0.0.1:3000/202","uninstall":"http://127.0.0.1:3000/202"},"version":"1.2.0"}', 1790000000000),
    (2, 'Old notifier', '0e0a4bd0-3a55-4f2a-9f6f-2f1a4f3c9a11',
        '{"platform":"securityscorecard","manifest_url":"http://127.0.0.1:3000/manifest.json","manifest":{"name":"Old notifier","namespace":"old_notifier","hook_url":"http://127.0.0.1:3000/200","install_url":"http://127.0.0.1:3000/install","secrets":[{"key":"ACCESS_TOKEN","value_required":true}],"actions":[{"id":"notify","name":"Notify","url":"http://127.0.0.1:3000/200"}]}}', 1790000000500);

INSERT INTO signing_secret VALUES
    (1, 1, X'010973696d756c61746f72d5f427d9ed2f16c4d54871b6ad97a3c45beb4224859fe4c1e7905d14f63833bf861fe5991016583640287253de09c508c7d2c9917f3656c3', 1790001800000),
    (1, 2, X'010973696d756c61746f72e8c04fc5b1ad5cac75cddf133f953d67c8f0a0bc5b53ac3223c632d10ae4c6b9e96c9d4b5c5a78d55871553bf0241add723cc1582a7e45bfdf', NULL);

INSERT INTO tenant VALUES
    (1, 'seismic', 'Acme', '3d3f2c60-1f6d-4a56-9d2c-1f2f6a1f0001', '7f3f2c60-1f6d-4a56-9d2c-1f2f6a1f0001', 'admin@acme.example', 'acme.example'),
    (2, 'seismic', 'Globex', '3d3f2c60-1f6d-4a56-9d2c-1f2f6a1f0002', '7f3f2c60-1f6d-4a56-9d2c-1f2f6a1f0002', 'admin@globex.example', 'globex.example'),
    (3, 'securityscorecard', 'jordan.lee@example.com', 'jordan.lee@example.com', '7f3f2c60-1f6d-4a56-9d2c-1f2f6a1f0003', 'jordan.lee@example.com', 'example.com'),
    (4, 'securityscorecard', 'sam.rivera@example.org', 'sam.rivera@example.org', '7f3f2c60-1f6d-4a56-9d2c-1f2f6a1f0004', 'sam.rivera@example.org', 'example.org');

INSERT INTO installation VALUES
    (1, 1, 1, 'enabled', '1.2.0', 1790000002000, NULL, NULL),
    (3, 2, 3, 'installed', NULL, 1790000005000, X'00', 1790000006000);
INSERT INTO installation_secret VALUES
    (3, 'ACCESS_TOKEN', X'010973696d756c61746f7255f090b353364fa852ad88c766985e4e27484091212c634f840cfe11d9b52a2995d85b64e3df31cc65fe4279d84ca706ff049cc8e20760ca');

INSERT INTO delivery VALUES
    (1, 1, 1, 'install', 'http://127.0.0.1:3000/202', '[{"name":"content-type","value":"application/json"},{"name":"x-seismic-signature","value":"aa","note":"signed by secret 1"}]',
        '{"type":"install","tenantId":"3d3f2c60-1f6d-4a56-9d2c-1f2f6a1f0001"}', 1, NULL, 'action', 1790000001000, 'acknowledged', 'applied',
        '{"status":202,"headers":[],"body":"","truncated":false}', NULL, 12000),
    (2, 1, 1, 'disable', 'http://127.0.0.1:3000/202', '[{"name":"content-type","value":"application/json"},{"name":"x-seismic-signature","value":"bb","note":"signed by secret 1"}]',
        '{"type":"disable","tenantId":"3d3f2c60-1f6d-4a56-9d2c-1f2f6a1f0001"}', 2, NULL, 'action', 1790000002000, 'failed', 'blocked',
        '{"status":401,"headers":[{"name":"content-type","value":"application/problem+json"}],"body":"{\"status\":401,\"code\":\"signature-mismatch\"}","truncated":false}',
        '{"code":"signature-mismatch","text":"401 signature-mismatch"}', 6000),
    (3, 1, 2, 'install', 'http://127.0.0.1:3000/202', '[{"name":"content-type","value":"application/json"},{"name":"x-seismic-signature","value":"cc","note":"signed by secret 2"}]',
        '{"type":"install","tenantId":"3d3f2c60-1f6d-4a56-9d2c-1f2f6a1f0002"}', 3, NULL, 'action', 1790000003000, 'held', 'blocked',
        NULL, '{"code":"held","text":"held back: the request did not arrive in time"}', NULL),
    (4, 2, 3, 'app.installed', 'http://127.0.0.1:3000/200', '[{"name":"content-type","value":"application/json"}]',
        '{"type":"app.installed"}', 4, NULL, 'action', 1790000004000, 'sending', 'none', NULL, NULL, NULL);
