CREATE INDEX delivery_by_click ON delivery (batch, id);
CREATE INDEX delivery_on_its_way ON delivery (app) WHERE state = 'sending';
