CREATE TABLE IF NOT EXISTS settled_batches (
    batch TEXT PRIMARY KEY,
    items BIGINT NOT NULL
);
