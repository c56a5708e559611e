CREATE TABLE IF NOT EXISTS orders (
    order_id TEXT PRIMARY KEY,
    customer BIGINT NOT NULL,
    placed BIGINT NOT NULL,
    charged_minor_units BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer, placed);
-- Its index is made by the service, as a setting says. Items are filed once per order, which their statement sees to.
CREATE TABLE IF NOT EXISTS items (
    order_id TEXT NOT NULL,
    line BIGINT NOT NULL,
    sku BIGINT NOT NULL,
    quantity BIGINT NOT NULL
);
