-- The newest later delivery of the tenant that is done: of a dead letter, and of what was one and is retried. It is noted when that
-- one is done, so that it is still known when that one is deleted. To note it costs nothing where nothing is dead.
ALTER TABLE lifecycle_inbox ADD COLUMN overtaken_by INTEGER;
CREATE INDEX lifecycle_inbox_dead_of ON lifecycle_inbox (platform, app, tenant, id) WHERE state = 'dead';
