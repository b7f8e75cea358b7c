-- One row for each log that has entries: its size and the right edge of its Merkle tree.
CREATE TABLE log (
    id    INTEGER PRIMARY KEY,
    name  TEXT    NOT NULL UNIQUE,
    size  INTEGER NOT NULL CHECK (size >= 0),
    peaks BLOB    NOT NULL
) STRICT;

-- The lines, byte for byte as they were sealed, each with its leaf hash.
CREATE TABLE entry (
    log  INTEGER NOT NULL REFERENCES log (id),
    seq  INTEGER NOT NULL CHECK (seq >= 0),
    line TEXT    NOT NULL,
    leaf BLOB    NOT NULL CHECK (length(leaf) = 32),
    PRIMARY KEY (log, seq)
) STRICT;

-- Who may write. `holder` is null after a lease was given back; `until_ms` counts from 1970.
CREATE TABLE lease (
    log      TEXT    PRIMARY KEY,
    holder   TEXT,
    epoch    INTEGER NOT NULL CHECK (epoch > 0),
    until_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE blob (
    sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32),
    bytes  BLOB NOT NULL
) STRICT;

CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TRIGGER blob_is_never_changed BEFORE UPDATE ON blob
BEGIN SELECT RAISE(ABORT, 'a blob is never changed'); END;
CREATE TRIGGER blob_is_never_deleted BEFORE DELETE ON blob
BEGIN SELECT RAISE(ABORT, 'a blob is never deleted'); END;
CREATE TRIGGER log_never_shrinks BEFORE UPDATE ON log WHEN new.size < old.size OR new.name <> old.name
BEGIN SELECT RAISE(ABORT, 'a log never shrinks'); END;
CREATE TRIGGER log_is_never_deleted BEFORE DELETE ON log
BEGIN SELECT RAISE(ABORT, 'a log is never deleted'); END;

-- REPLACE deletes without asking the triggers above.
CREATE TRIGGER entry_is_never_replaced BEFORE INSERT ON entry
WHEN EXISTS (SELECT 1 FROM entry WHERE log = new.log AND seq = new.seq)
BEGIN SELECT RAISE(ABORT, 'an entry is never replaced'); END;
CREATE TRIGGER log_is_never_replaced BEFORE INSERT ON log
WHEN EXISTS (SELECT 1 FROM log WHERE id = new.id OR name = new.name)
BEGIN SELECT RAISE(ABORT, 'a log is never replaced'); END;
CREATE TRIGGER blob_is_never_replaced BEFORE INSERT ON blob
WHEN EXISTS (SELECT 1 FROM blob WHERE sha256 = new.sha256)
BEGIN SELECT RAISE(IGNORE); END;
