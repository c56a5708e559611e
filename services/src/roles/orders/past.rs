//! The orders that customers placed before the drill: long-time customers have dozens, others few.
//! Made from the seed and written as text in one transaction, so that it takes milliseconds.

use std::fmt::Write;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use scenarios::{
    seed::Seed,
    shop::{CUSTOMERS, GOODS, LONG_TIME_CUSTOMERS},
};

use crate::{
    database::{Database, Statement},
    error::ServiceError,
    goods,
};

/// Rows of one INSERT: SQLite's compound statements get slower beyond some hundreds.
const ROWS: usize = 500;
/// Orders of a long-time customer and of any other, both included.
const LONG_TIME_ORDERS: [u32; 2] = [30, 90];
/// See [`LONG_TIME_ORDERS`].
const OTHER_ORDERS: [u32; 2] = [0, 3];
/// Most items of a past order.
const ITEMS: u32 = 4;
/// Distance between past orders of a customer, milliseconds: about a week.
const APART_MS: i64 = 604_800_000;

/// Writes the past, as of this Unix time in milliseconds, into a database that has none.
///
/// # Errors
/// [`ServiceError::Database`].
pub async fn fill(database: &Database, seed: u64, now_ms: i64) -> Result<(), ServiceError> {
    let any = Statement::new("SELECT orders", "SELECT customer FROM orders LIMIT 1");
    if database.rows::<(i64,)>(any).await?.is_empty() {
        let sql = written(&mut Seed(seed).stream("past"), now_ms);
        database.script("write the past", sql).await?;
    }
    Ok(())
}

/// The past as SQL. Numbers and our own ids only: nothing in it comes from outside.
fn written(rng: &mut ChaCha8Rng, now_ms: i64) -> String {
    let mut orders =
        Rows::new("INSERT INTO orders (order_id, customer, placed, charged_minor_units) VALUES ");
    let mut items = Rows::new("INSERT INTO items (order_id, line, sku, quantity) VALUES ");
    for customer in 0..CUSTOMERS {
        let [least, most] = if customer < LONG_TIME_CUSTOMERS {
            LONG_TIME_ORDERS
        } else {
            OTHER_ORDERS
        };
        for number in 0..rng.random_range(least..=most) {
            let placed = now_ms - APART_MS * i64::from(number + 1);
            let mut charged = 0;
            for line in 0..rng.random_range(1..=ITEMS) {
                let sku = rng.random_range(0..GOODS);
                let quantity = rng.random_range(1..=3_u32);
                charged += goods::list_price_minor_units(sku) * i64::from(quantity);
                items.add(format_args!(
                    "('past-{customer}-{number}', {line}, {sku}, {quantity})"
                ));
            }
            orders.add(format_args!(
                "('past-{customer}-{number}', {customer}, {placed}, {charged})"
            ));
        }
    }
    orders.sql() + &items.sql()
}

/// INSERT statements under construction.
struct Rows {
    head: &'static str,
    sql: String,
    rows: usize,
}

impl Rows {
    fn new(head: &'static str) -> Self {
        Self {
            head,
            sql: String::new(),
            rows: 0,
        }
    }

    fn add(&mut self, row: std::fmt::Arguments<'_>) {
        let before = match self.rows % ROWS {
            0 if self.rows > 0 => ";\n",
            0 => "",
            _ => ", ",
        };
        self.sql.push_str(before);
        if self.rows.is_multiple_of(ROWS) {
            self.sql.push_str(self.head);
        }
        // writing to a string cannot fail
        let _ = self.sql.write_fmt(row);
        self.rows += 1;
    }

    fn sql(self) -> String {
        self.sql + ";\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_repeats_for_a_seed() {
        let past = |seed| written(&mut Seed(seed).stream("past"), 0);
        assert_eq!(past(7), past(7));
        assert_ne!(past(7), past(8));
    }
}
