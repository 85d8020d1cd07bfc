-- Dead letters too are deleted when they are old. A row enters this index when it dies, so that others cost nothing.
CREATE INDEX deliveries_died ON lifecycle.deliveries (finished_at) WHERE state = 'dead';
