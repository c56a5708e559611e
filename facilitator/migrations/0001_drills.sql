-- One row a drill. Times are wall time, RFC 3339 in UTC; times to root cause are milliseconds of
-- drill time; scores are decimal text, as they are printed.
CREATE TABLE drills (
    id       TEXT    NOT NULL PRIMARY KEY,
    slug     TEXT    NOT NULL,
    seed     TEXT    NOT NULL,
    level    INTEGER NOT NULL CHECK (level BETWEEN 1 AND 4),
    started  TEXT    NOT NULL,
    ended    TEXT,
    how      TEXT,
    score    TEXT,
    ttrc_ms  INTEGER,
    folder   TEXT
);
CREATE INDEX drills_by_start ON drills (started);
