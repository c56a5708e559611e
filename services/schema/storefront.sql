-- Carts, one per customer; `lines` is JSON.
CREATE TABLE IF NOT EXISTS carts (
    customer BIGINT PRIMARY KEY,
    lines TEXT NOT NULL
);
