-- Objects of the policy. `number` is what the data plane knows an object by, 0 for kinds it does not know: the zone
-- number, or the hit counter. `position` orders rules and NAT rules; it leaves gaps, so that putting one elsewhere
-- writes one row. `spec` is what the user says; its shape is in src/policy/spec.rs.
CREATE TABLE policy_object (
    id         TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL CHECK (kind IN ('zone', 'zone_pair', 'rule', 'service', 'nat_rule', 'published_service')),
    number     INTEGER NOT NULL CHECK (number BETWEEN 0 AND 1048575),
    position   INTEGER CHECK ((position IS NOT NULL) = (kind IN ('rule', 'nat_rule'))),
    name       TEXT    CHECK ((name IS NULL) = (kind = 'zone_pair')),
    spec       TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    UNIQUE (kind, name)
) STRICT;
CREATE INDEX policy_object_in_order ON policy_object (kind, position);
CREATE UNIQUE INDEX policy_zone_number ON policy_object (number) WHERE kind = 'zone';
CREATE UNIQUE INDEX policy_counter_number ON policy_object (number)
    WHERE kind IN ('rule', 'zone_pair', 'published_service');

INSERT INTO policy_object (id, kind, number, name, spec, updated_at, revision) VALUES
    ('zon_local', 'zone', 1, 'local', '{"description":"This box itself."}', unixepoch() * 1000000, 0);

-- Whether a revision changed objects of the policy.
ALTER TABLE revision ADD COLUMN policy INTEGER NOT NULL DEFAULT 0 CHECK (policy IN (0, 1));
CREATE INDEX revision_of_policy ON revision (number) WHERE policy;

-- What objects were until a revision changed them, so that every earlier policy can be put together again.
-- 'created': it was not there. 'moved': only its position was another; the other columns are NULL.
CREATE TABLE policy_history (
    revision     INTEGER NOT NULL REFERENCES revision (number),
    id           TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    change       TEXT    NOT NULL CHECK (change IN ('created', 'changed', 'moved')),
    number       INTEGER,
    position     INTEGER,
    name         TEXT,
    spec         TEXT,
    updated_at   INTEGER,
    was_revision INTEGER,
    PRIMARY KEY (revision, id)
) STRICT, WITHOUT ROWID;

-- The commit that waits to be confirmed, if there is one.
CREATE TABLE policy_unconfirmed (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    until    INTEGER NOT NULL
) STRICT;

-- What each counter has counted in all, and what the back-ends showed at that time. What they show beyond it, as long
-- as they are the same ones, comes on top.
CREATE TABLE policy_counter (
    counter      INTEGER PRIMARY KEY CHECK (counter BETWEEN 1 AND 1048575),
    packets      INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    last_hit_at  INTEGER,
    nft_packets  INTEGER NOT NULL,
    nft_bytes    INTEGER NOT NULL,
    ebpf_packets INTEGER NOT NULL,
    ebpf_bytes   INTEGER NOT NULL
) STRICT;
CREATE TABLE policy_counter_epoch (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    nft  TEXT NOT NULL,
    ebpf TEXT NOT NULL
) STRICT;

-- Verdicts of lines that are logged. Addresses are a byte with the family, 4 or 6, and the address in network order.
CREATE TABLE verdict (
    number           INTEGER PRIMARY KEY AUTOINCREMENT,
    at               INTEGER NOT NULL,
    action           TEXT    NOT NULL,
    line             TEXT,
    line_id          TEXT,
    revision         INTEGER NOT NULL,
    backend          TEXT    NOT NULL,
    from_zone        TEXT,
    to_zone          TEXT,
    interface        TEXT,
    source           BLOB    NOT NULL,
    destination      BLOB    NOT NULL,
    protocol         INTEGER NOT NULL,
    source_port      INTEGER NOT NULL,
    destination_port INTEGER NOT NULL,
    packet_bytes     INTEGER NOT NULL
) STRICT;
