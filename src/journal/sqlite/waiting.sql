-- Since when a lease is held; null where an older program took it.
ALTER TABLE lease ADD COLUMN since_ms INTEGER;

-- What people want of a launch that another process runs. These are not records: the decision about each is an entry of
-- the org log. A number is never given twice, so that taking an answered one away cannot hit a newer one.
CREATE TABLE ask (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run    TEXT    NOT NULL,
    wish   TEXT    NOT NULL
) STRICT;
