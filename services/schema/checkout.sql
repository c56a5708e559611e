-- One row per order id: an order is checked out once, whoever asks again.
CREATE TABLE IF NOT EXISTS checkouts (
    order_id TEXT PRIMARY KEY,
    customer BIGINT NOT NULL,
    status TEXT NOT NULL,
    charged_minor_units BIGINT NOT NULL
);
