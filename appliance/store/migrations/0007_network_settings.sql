-- Settings of interfaces say what the network shall be, too: member `network` of their spec. An older engine cannot read
-- it, so the schema has another number.

-- Links this box made (VLANs, bridges, bonds), so that those no longer wanted can be told from those of others and are
-- deleted. A name is written before its link is made, and goes when the link is gone. `boot` is another text after a
-- boot, which leaves none of them.
CREATE TABLE own_link (
    name TEXT PRIMARY KEY,
    boot TEXT NOT NULL
) STRICT, WITHOUT ROWID;
