-- Times are Unix time in microseconds, UTC.

-- One row for every change, numbered without gaps a reader could notice: the number is taken in the change's own
-- transaction. AUTOINCREMENT keeps a number from coming twice once old rows are pruned.
CREATE TABLE revision (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    origin  TEXT    NOT NULL,
    summary TEXT    NOT NULL
) STRICT;

-- NULL, like a missing row, means the default of the program.
CREATE TABLE feature (
    name     TEXT    PRIMARY KEY,
    enabled  INTEGER CHECK (enabled IN (0, 1)),
    config   TEXT    CHECK (json_valid(config)),
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- By name, because an index does not survive a reboot. Interfaces without a row are not external.
CREATE TABLE interface (
    name     TEXT    PRIMARY KEY,
    external INTEGER NOT NULL CHECK (external IN (0, 1)),
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `entries` counts the rows of `entry`, so that showing a list does not cost a scan of a million of them.
CREATE TABLE list (
    number     INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number BETWEEN 1 AND 4294967295),
    id         TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL CHECK (kind IN ('address', 'domain')),
    entries    INTEGER NOT NULL DEFAULT 0 CHECK (entries >= 0),
    updated_at INTEGER NOT NULL,
    revision   INTEGER NOT NULL
) STRICT;

-- `counter` is the row of the data plane's hit counters; only address entries have one.
CREATE TABLE entry (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    list       INTEGER NOT NULL REFERENCES list (number) ON DELETE CASCADE,
    value      TEXT    NOT NULL,
    expires_at INTEGER,
    added_at   INTEGER NOT NULL,
    counter    INTEGER CHECK (counter BETWEEN 0 AND 4294967295),
    UNIQUE (list, value)
) STRICT;
CREATE INDEX entry_in_order ON entry (list, id);
CREATE INDEX entry_expiring ON entry (list, expires_at) WHERE expires_at IS NOT NULL;
CREATE UNIQUE INDEX entry_counter ON entry (counter) WHERE counter IS NOT NULL;

CREATE TABLE audit (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    at              INTEGER NOT NULL,
    actor           TEXT    NOT NULL,
    origin          TEXT    NOT NULL,
    request_id      TEXT    NOT NULL,
    method          TEXT    NOT NULL,
    path            TEXT    NOT NULL,
    status          INTEGER NOT NULL,
    revision_before INTEGER NOT NULL,
    revision_after  INTEGER NOT NULL
) STRICT;

INSERT INTO list (id, name, kind, updated_at, revision) VALUES
    ('blocklist',     'blocklist',     'address', unixepoch() * 1000000, 0),
    ('dns-blocklist', 'dns-blocklist', 'domain',  unixepoch() * 1000000, 0);
