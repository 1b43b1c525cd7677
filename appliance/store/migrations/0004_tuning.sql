-- What tuning keeps to. No row: the defaults of the program.
CREATE TABLE tuning (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    limits   TEXT    NOT NULL CHECK (json_valid(limits)),
    revision INTEGER NOT NULL
) STRICT;
