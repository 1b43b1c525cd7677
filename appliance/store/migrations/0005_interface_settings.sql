-- Settings of interfaces are objects of the policy too; their name is that of the interface. A constraint can only be
-- changed by making the table anew.
CREATE TABLE policy_object_new (
    id         TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL CHECK (kind IN ('zone', 'zone_pair', 'rule', 'service', 'nat_rule', 'published_service',
                                                'interface_settings')),
    number     INTEGER NOT NULL CHECK (number BETWEEN 0 AND 1048575),
    position   INTEGER CHECK ((position IS NOT NULL) = (kind IN ('rule', 'nat_rule'))),
    name       TEXT    CHECK ((name IS NULL) = (kind = 'zone_pair')),
    spec       TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    UNIQUE (kind, name)
) STRICT;
INSERT INTO policy_object_new (id, kind, number, position, name, spec, updated_at, revision)
    SELECT id, kind, number, position, name, spec, updated_at, revision FROM policy_object;
DROP TABLE policy_object;
ALTER TABLE policy_object_new RENAME TO policy_object;
CREATE INDEX policy_object_in_order ON policy_object (kind, position);
CREATE UNIQUE INDEX policy_zone_number ON policy_object (number) WHERE kind = 'zone';
CREATE UNIQUE INDEX policy_counter_number ON policy_object (number)
    WHERE kind IN ('rule', 'zone_pair', 'published_service');

-- What a network card was set to before Ravelin first changed it, as JSON of the settings it changed. It is written
-- before the card is touched, and goes when the card has been put back. `device` is another text for another card of
-- the same name, and after a boot, when every card starts with what its driver chooses.
CREATE TABLE interface_original (
    interface TEXT PRIMARY KEY,
    device    TEXT NOT NULL,
    hardware  TEXT NOT NULL CHECK (json_valid(hardware))
) STRICT, WITHOUT ROWID;
