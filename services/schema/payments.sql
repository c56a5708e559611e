-- Charges that the provider confirmed, by idempotency key.
CREATE TABLE IF NOT EXISTS charges (
    idempotency_key TEXT PRIMARY KEY,
    charge_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    amount_minor_units BIGINT NOT NULL
);
