//! Reading a history: in two queries, or in one per order and one more.

use std::collections::HashMap;

use scenarios::setting::HistoryReads;

use crate::{
    database::{Database, Statement},
    error::ServiceError,
    wire::{History, PastItem, PastOrder},
};

/// Orders of a history, newest first; older ones are not shown.
const ORDERS: i64 = 100;

/// A customer's history without quotes, and how many queries it took.
///
/// # Errors
/// [`ServiceError::Database`].
pub async fn read(
    database: &Database,
    reads: HistoryReads,
    customer: u32,
) -> Result<(History, u32), ServiceError> {
    let sql = "SELECT order_id, charged_minor_units FROM orders WHERE customer = $1 \
               ORDER BY placed DESC, order_id LIMIT $2";
    let select = Statement::new("SELECT orders", sql)
        .int(customer)
        .int(ORDERS);
    let rows = database.rows::<(String, i64)>(select).await?;
    let mut orders: Vec<PastOrder> = rows
        .into_iter()
        .map(|(order_id, charged_minor_units)| PastOrder {
            order_id,
            charged_minor_units,
            items: Vec::new(),
        })
        .collect();
    let queries = 1 + match reads {
        HistoryReads::Batched => all_items(database, customer, &mut orders).await?,
        HistoryReads::PerOrder => items_per_order(database, &mut orders).await?,
    };
    Ok((History { orders }, queries))
}

async fn all_items(
    database: &Database,
    customer: u32,
    orders: &mut [PastOrder],
) -> Result<u32, ServiceError> {
    let sql = "SELECT items.order_id, items.sku, items.quantity FROM items \
               JOIN orders ON orders.order_id = items.order_id \
               WHERE orders.customer = $1 ORDER BY items.order_id, items.line";
    let select = Statement::new("SELECT items", sql).int(customer);
    let rows = database.rows::<(String, i64, i64)>(select).await?;
    let places: HashMap<String, usize> = orders
        .iter()
        .enumerate()
        .map(|(place, order)| (order.order_id.clone(), place))
        .collect();
    for (order_id, sku, quantity) in rows {
        if let Some(place) = places.get(&order_id) {
            orders[*place].items.push(item(sku, quantity));
        }
    }
    Ok(1)
}

async fn items_per_order(
    database: &Database,
    orders: &mut [PastOrder],
) -> Result<u32, ServiceError> {
    let mut queries = 0;
    for order in orders {
        let sql = "SELECT sku, quantity FROM items WHERE order_id = $1 ORDER BY line";
        let select = Statement::new("SELECT items", sql).text(order.order_id.as_str());
        let rows = database.rows::<(i64, i64)>(select).await?;
        order.items = rows
            .into_iter()
            .map(|(sku, quantity)| item(sku, quantity))
            .collect();
        queries += 1;
    }
    Ok(queries)
}

fn item(sku: i64, quantity: i64) -> PastItem {
    PastItem {
        sku: u32::try_from(sku).unwrap_or_default(),
        quantity: u32::try_from(quantity).unwrap_or_default(),
        shipping_minor_units: None,
    }
}
