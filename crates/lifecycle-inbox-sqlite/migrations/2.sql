-- Dead letters too are deleted when they are old. A row enters this index when it dies, so that others cost nothing.
CREATE INDEX lifecycle_inbox_died ON lifecycle_inbox (finished_at) WHERE state = 'dead';
