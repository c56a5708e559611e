CREATE TABLE IF NOT EXISTS stock (
    sku BIGINT PRIMARY KEY,
    quantity BIGINT NOT NULL
);
-- `lines` is JSON: pairs of article and quantity.
CREATE TABLE IF NOT EXISTS reservations (
    order_id TEXT PRIMARY KEY,
    lines TEXT NOT NULL
);
