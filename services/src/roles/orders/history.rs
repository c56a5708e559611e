//! Reading a history: in two queries, or in one per order and one more; a page of the customer's, or
//! everything there is.

use std::collections::HashMap;

use scenarios::setting::{HistoryLimit, HistoryReads};

use crate::{
    database::{Database, Statement},
    error::ServiceError,
    settings::Settings,
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
    settings: &Settings,
    customer: u32,
) -> Result<(History, u32), ServiceError> {
    let limit = settings.history_limit;
    let mut orders = match limit {
        HistoryLimit::Page => newest(database, customer).await?,
        HistoryLimit::None => all(database, customer).await?,
    };
    let queries = 1 + match settings.history_reads {
        HistoryReads::Batched => all_items(database, limit, customer, &mut orders).await?,
        HistoryReads::PerOrder => items_per_order(database, &mut orders).await?,
    };
    Ok((History { orders }, queries))
}

/// The customer's newest orders.
async fn newest(database: &Database, customer: u32) -> Result<Vec<PastOrder>, ServiceError> {
    let sql = "SELECT order_id, charged_minor_units FROM orders WHERE customer = $1 \
               ORDER BY placed DESC, order_id LIMIT $2";
    let select = Statement::new("SELECT orders", sql)
        .int(customer)
        .int(ORDERS);
    let rows = database.rows::<(String, i64)>(select).await?;
    Ok(rows
        .into_iter()
        .map(|(id, charged)| order(id, charged))
        .collect())
}

/// All orders of the customer, out of everybody's.
async fn all(database: &Database, customer: u32) -> Result<Vec<PastOrder>, ServiceError> {
    let sql = "SELECT order_id, customer, charged_minor_units FROM orders \
               ORDER BY placed DESC, order_id";
    let select = Statement::new("SELECT orders", sql);
    let rows = database.rows::<(String, i64, i64)>(select).await?;
    let of_customer = rows
        .into_iter()
        .filter(|(_, of, _)| *of == i64::from(customer));
    Ok(of_customer
        .map(|(id, _, charged)| order(id, charged))
        .collect())
}

async fn all_items(
    database: &Database,
    limit: HistoryLimit,
    customer: u32,
    orders: &mut [PastOrder],
) -> Result<u32, ServiceError> {
    let select = match limit {
        HistoryLimit::Page => {
            let sql = "SELECT items.order_id, items.sku, items.quantity FROM items \
                       JOIN orders ON orders.order_id = items.order_id \
                       WHERE orders.customer = $1 ORDER BY items.order_id, items.line";
            Statement::new("SELECT items", sql).int(customer)
        }
        HistoryLimit::None => {
            let sql = "SELECT order_id, sku, quantity FROM items ORDER BY order_id, line";
            Statement::new("SELECT items", sql)
        }
    };
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

fn order(order_id: String, charged_minor_units: i64) -> PastOrder {
    PastOrder {
        order_id,
        charged_minor_units,
        items: Vec::new(),
    }
}

fn item(sku: i64, quantity: i64) -> PastItem {
    PastItem {
        sku: u32::try_from(sku).unwrap_or_default(),
        quantity: u32::try_from(quantity).unwrap_or_default(),
        shipping_minor_units: None,
    }
}
