-- Discounts on articles, coupons of customers, totals of carts with bundles as checkout confirmed them.
CREATE TABLE IF NOT EXISTS campaigns (
    sku BIGINT PRIMARY KEY,
    basis_points BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS coupons (
    customer BIGINT PRIMARY KEY,
    basis_points BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS cart_totals (
    order_id TEXT PRIMARY KEY,
    list_minor_units BIGINT NOT NULL
);
