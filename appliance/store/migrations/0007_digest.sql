-- Settings of interfaces say what the network shall be, too: member `network` of their spec. An older engine cannot read
-- that, so the schema has another number.

-- What each part of the configuration must come to, written with every change: SQLite keeps no checksum of its pages,
-- so that a flipped byte in a text would go unseen. A store without rows was not written to since this table is there.
CREATE TABLE digest (
    part   TEXT PRIMARY KEY,
    sha256 BLOB NOT NULL
) STRICT, WITHOUT ROWID;
