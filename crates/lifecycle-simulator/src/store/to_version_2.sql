ALTER TABLE delivery ADD COLUMN method TEXT NOT NULL DEFAULT 'POST';
ALTER TABLE delivery ADD COLUMN occurrence TEXT; -- JSON; null: it cannot be written again
ALTER TABLE delivery ADD COLUMN forgery TEXT; -- null: what the platform would send

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
