//! The tables, as SQL text: one entry a version, never edited once released.

/// Versions of the tables. The position (from 1) is what `PRAGMA user_version` holds.
pub(super) const MIGRATIONS: [&str; 1] = ["
CREATE TABLE rollouts (
    id          TEXT PRIMARY KEY,
    started_ms  INTEGER NOT NULL,
    written_ms  INTEGER NOT NULL,
    baseline    TEXT NOT NULL,           -- digests of what is judged
    candidate   TEXT NOT NULL,
    policy      TEXT NOT NULL,
    state       TEXT NOT NULL,           -- goldgate/rollout/1
    sum         TEXT NOT NULL            -- BLAKE3 of the text of state
) STRICT;
CREATE TABLE journal (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    rollout     TEXT NOT NULL REFERENCES rollouts (id),
    at_ms       INTEGER NOT NULL,
    event       TEXT NOT NULL,           -- goldgate/journal/1
    state       TEXT NOT NULL            -- the state it led to
) STRICT;
CREATE TABLE effects (
    id          TEXT PRIMARY KEY,        -- the idempotency id
    rollout     TEXT NOT NULL REFERENCES rollouts (id),
    seq         INTEGER NOT NULL REFERENCES journal (seq),
    kind        TEXT NOT NULL,
    detail      TEXT NOT NULL,
    done_ms     INTEGER                  -- NULL: to be started again after a crash
) STRICT;
CREATE INDEX effects_pending ON effects (rollout) WHERE done_ms IS NULL;
CREATE TABLE route_tables (
    version     INTEGER PRIMARY KEY,
    rollout     TEXT NOT NULL REFERENCES rollouts (id),
    at_ms       INTEGER NOT NULL,
    detail      TEXT NOT NULL
) STRICT;
CREATE TABLE timeline (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    rollout     TEXT NOT NULL REFERENCES rollouts (id),
    at_ms       INTEGER NOT NULL,
    stage       TEXT NOT NULL,
    text        TEXT NOT NULL
) STRICT;
CREATE TABLE verdicts (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    rollout     TEXT NOT NULL REFERENCES rollouts (id),
    at_ms       INTEGER NOT NULL,
    stage       TEXT NOT NULL,
    epoch       INTEGER NOT NULL,
    records     INTEGER NOT NULL,
    verdict     TEXT NOT NULL,
    body        TEXT NOT NULL            -- goldgate/verdict/1
) STRICT;
PRAGMA user_version = 1;
"];
