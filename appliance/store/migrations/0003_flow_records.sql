-- Connections that ended. Addresses are a byte with the family, 4 or 6, and the address in network order. The reply is
-- NULL where it is the original the other way round. The end is about, but not exactly, in the order of the numbers.
CREATE TABLE flow_record (
    number                 INTEGER PRIMARY KEY AUTOINCREMENT,
    ended_at               INTEGER NOT NULL,
    started_at             INTEGER,
    end_reason             TEXT    NOT NULL,
    tcp_state              TEXT,
    protocol               INTEGER NOT NULL,
    source                 BLOB    NOT NULL,
    source_port            INTEGER NOT NULL,
    destination            BLOB    NOT NULL,
    destination_port       INTEGER NOT NULL,
    reply_source           BLOB,
    reply_source_port      INTEGER,
    reply_destination      BLOB,
    reply_destination_port INTEGER,
    original_packets       INTEGER NOT NULL,
    original_bytes         INTEGER NOT NULL,
    reply_packets          INTEGER NOT NULL,
    reply_bytes            INTEGER NOT NULL,
    line                   TEXT,
    line_id                TEXT,
    revision               INTEGER NOT NULL,
    from_zone              TEXT,
    to_zone                TEXT,
    offload                TEXT    NOT NULL,
    community_id           TEXT
) STRICT;
-- For the retention, and for questions about a time. It grows at its end, so it costs little. Other questions read the
-- records newest first: an index in another order would cost more at every connection than they are asked.
CREATE INDEX flow_record_ended ON flow_record (ended_at);
