//! Entering an order: what it owes, and the two postings that balance.

use crate::{
    database::{Database, Statement},
    error::ServiceError,
    hop::Hop,
    money,
    wire::OrderLines,
};

/// Enters an order; entering it again changes nothing.
///
/// # Errors
/// [`ServiceError::Database`].
pub async fn enter(database: &Database, hop: &Hop, order: &OrderLines) -> Result<(), ServiceError> {
    let owed = money::owed(&order.lines);
    if owed != order.charged_minor_units {
        tracing::warn!(
            order_id = order.order_id,
            correlation_id = hop.correlation(),
            customer = order.customer,
            charged_minor_units = order.charged_minor_units,
            owed_minor_units = owed,
            "order total does not match its lines"
        );
    }
    let account = Statement::new(
        "INSERT accounts",
        "INSERT INTO accounts (order_id, entered, owed_minor_units, charged_minor_units, charges, reported_charges) \
         VALUES ($1, 1, $2, 0, 0, 1) \
         ON CONFLICT (order_id) DO UPDATE SET entered = 1, owed_minor_units = excluded.owed_minor_units",
    );
    let account = account.text(order.order_id.as_str()).int(owed);
    let postings = Statement::new(
        "INSERT postings",
        "INSERT INTO postings (order_id, account, debit_minor_units, credit_minor_units) \
         VALUES ($1, 'receivable', $2, 0), ($1, 'revenue', 0, $2) \
         ON CONFLICT (order_id, account) DO NOTHING",
    );
    let postings = postings.text(order.order_id.as_str()).int(owed);
    database.batch(vec![account, postings]).await?;
    Ok(())
}
