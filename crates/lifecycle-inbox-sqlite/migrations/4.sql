-- A worker asks for the heads of the platforms that it knows, the oldest first, and passes over no others on the way.
DROP INDEX lifecycle_inbox_heads;
CREATE INDEX lifecycle_inbox_heads ON lifecycle_inbox (platform, id) WHERE is_head = 1;
