-- Routes, policy routes and DNS servers are objects of the policy too; they have no names. A constraint can only be
-- changed by making the table anew.
CREATE TABLE policy_object_new (
    id         TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL CHECK (kind IN ('zone', 'zone_pair', 'rule', 'service', 'nat_rule', 'published_service',
                                                'interface_settings', 'route', 'policy_route', 'dns_server')),
    number     INTEGER NOT NULL CHECK (number BETWEEN 0 AND 1048575),
    position   INTEGER CHECK ((position IS NOT NULL) = (kind IN ('rule', 'nat_rule'))),
    name       TEXT    CHECK ((name IS NULL) = (kind IN ('zone_pair', 'route', 'policy_route', 'dns_server'))),
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
