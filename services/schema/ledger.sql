-- Accounts hold, per order, what is owed by its itemised entry and what the provider settled.
CREATE TABLE IF NOT EXISTS accounts (
    order_id TEXT PRIMARY KEY,
    entered BIGINT NOT NULL,
    owed_minor_units BIGINT NOT NULL,
    charged_minor_units BIGINT NOT NULL,
    charges BIGINT NOT NULL,
    reported_charges BIGINT NOT NULL
);
-- Double entry: per order, debits and credits are equal.
CREATE TABLE IF NOT EXISTS postings (
    order_id TEXT NOT NULL,
    account TEXT NOT NULL,
    debit_minor_units BIGINT NOT NULL,
    credit_minor_units BIGINT NOT NULL,
    PRIMARY KEY (order_id, account)
);
-- How far the provider's settlement file has been read.
CREATE TABLE IF NOT EXISTS settlement_reads (
    run TEXT PRIMARY KEY,
    last_sequence BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS settlement_batches (
    batch TEXT PRIMARY KEY,
    items BIGINT NOT NULL
);
