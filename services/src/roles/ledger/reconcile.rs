//! Reconciliation: reads on in the provider's settlement file, books what it finds, compares.

use std::{collections::BTreeMap, time::Duration};

use scenarios::shop::Role;
use sqlx::AssertSqlSafe;

use super::figures::Reconciled;
use crate::{
    database::Statement,
    hop::Hop,
    peer::Call,
    problem::Problem,
    service::Service,
    wire::{Settled, Settlements},
};

/// How long the provider may take for a page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(3);
/// Pages that one run reads; what is left is for the next.
const PAGES: usize = 100;
/// Orders charged more than once that one run names in the log; further ones follow with the next run.
const NAMED_ORDERS: i64 = 20;

/// Reads on and compares.
///
/// # Errors
/// When provider or database fail; what was read until then stays booked.
pub async fn reconcile(service: &Service, hop: &Hop) -> Result<Reconciled, Problem> {
    read_on(service, hop).await?;
    name_repeated(service).await?;
    let tolerance = service.settings.now().reconciliation_tolerance;
    let reconciled = compare(service, tolerance).await?;
    tracing::info!(
        drift_minor_units = reconciled.drift_minor_units,
        duplicates = reconciled.duplicate_charges,
        orders = reconciled.reconciled_orders,
        unreconciled = reconciled.unreconciled_orders,
        tolerance_minor_units = tolerance,
        "reconciliation finished"
    );
    Ok(reconciled)
}

/// Books everything in the settlement file that is not booked yet. A shop without the provider has no such file.
async fn read_on(service: &Service, hop: &Hop) -> Result<(), Problem> {
    let Some(provider) = service.peer(Role::Psp) else {
        return Ok(());
    };
    let select = Statement::new(
        "SELECT settlement_reads",
        "SELECT run, last_sequence FROM settlement_reads",
    );
    let mut known: BTreeMap<String, i64> =
        service.database().rows(select).await?.into_iter().collect();
    // asked for without a run first: an answer names its own
    let mut run = known.keys().next_back().cloned().unwrap_or_default();
    for _ in 0..PAGES {
        let after = known.get(&run).copied().unwrap_or(0);
        let path = format!("/settlements?run={run}&after={after}");
        let page: Settlements = provider.call(hop, Call::get(path, PAGE_TIMEOUT)).await?;
        let Settlements {
            run: its_run,
            charges,
            more,
        } = page;
        if its_run != run {
            // another book than asked for: ask again from where that one was left
            run = its_run;
            known.entry(run.clone()).or_insert(0);
            continue;
        }
        let Some(last) = charges.last().map(|charge| charge.sequence) else {
            return Ok(());
        };
        book(service, &run, last, &charges).await?;
        known.insert(run.clone(), last);
        if !more {
            return Ok(());
        }
    }
    Ok(())
}

/// Books a page: charges by order, and how far the file has been read, all or none.
async fn book(service: &Service, run: &str, last: i64, page: &[Settled]) -> Result<(), Problem> {
    let mut orders = BTreeMap::<&str, (i64, i64)>::new();
    for charge in page {
        let (amount, charges) = orders.entry(&charge.order_id).or_default();
        *amount += charge.amount_minor_units;
        *charges += 1;
    }
    let rows: Vec<String> = (0..orders.len())
        .map(|row| {
            format!(
                "(${}, 0, 0, ${}, ${}, 1)",
                row * 3 + 1,
                row * 3 + 2,
                row * 3 + 3
            )
        })
        .collect();
    let sql = format!(
        "INSERT INTO accounts (order_id, entered, owed_minor_units, charged_minor_units, charges, reported_charges) \
         VALUES {} ON CONFLICT (order_id) DO UPDATE SET \
         charged_minor_units = accounts.charged_minor_units + excluded.charged_minor_units, \
         charges = accounts.charges + excluded.charges",
        rows.join(", ")
    );
    let mut charged = Statement::new("INSERT accounts", AssertSqlSafe(sql));
    for (order_id, (amount, charges)) in orders {
        charged = charged.text(order_id).int(amount).int(charges);
    }
    let read = Statement::new(
        "INSERT settlement_reads",
        "INSERT INTO settlement_reads (run, last_sequence) VALUES ($1, $2) \
         ON CONFLICT (run) DO UPDATE SET last_sequence = excluded.last_sequence",
    );
    let read = read.text(run).int(last);
    service.database().batch(vec![charged, read]).await?;
    Ok(())
}

/// Logs orders that were charged more often than was logged before.
async fn name_repeated(service: &Service) -> Result<(), Problem> {
    let select = Statement::new(
        "SELECT accounts",
        "SELECT order_id, charges, charged_minor_units, owed_minor_units FROM accounts \
         WHERE charges > reported_charges ORDER BY order_id LIMIT $1",
    );
    let select = select.int(NAMED_ORDERS);
    let repeated = service
        .database()
        .rows::<(String, i64, i64, i64)>(select)
        .await?;
    let mut reported = Vec::with_capacity(repeated.len());
    for (order_id, charges, charged_minor_units, owed_minor_units) in repeated {
        tracing::warn!(
            order_id,
            charges,
            charged_minor_units,
            owed_minor_units,
            "settlement file holds several charges of one order"
        );
        let update = Statement::new(
            "UPDATE accounts",
            "UPDATE accounts SET reported_charges = $1 WHERE order_id = $2",
        );
        reported.push(update.int(charges).text(order_id));
    }
    service.database().batch(reported).await?;
    Ok(())
}

/// Compares charged and owed, order by order.
async fn compare(service: &Service, tolerance: i64) -> Result<Reconciled, Problem> {
    let select = Statement::new(
        "SELECT accounts",
        "SELECT \
         CAST(COALESCE(SUM(CASE WHEN ABS(charged_minor_units - owed_minor_units) > $1 \
              THEN ABS(charged_minor_units - owed_minor_units) ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(charged_minor_units), 0) AS BIGINT), \
         CAST(COALESCE(SUM(owed_minor_units), 0) AS BIGINT), \
         CAST(COALESCE(SUM(charges - 1), 0) AS BIGINT), \
         CAST(COUNT(*) AS BIGINT), \
         (SELECT CAST(COUNT(*) AS BIGINT) FROM accounts WHERE entered = 0 OR charges = 0) \
         FROM accounts WHERE entered = 1 AND charges > 0",
    );
    let rows = service
        .database()
        .rows::<(i64, i64, i64, i64, i64, i64)>(select.int(tolerance))
        .await?;
    let row = rows.first().copied().unwrap_or_default();
    Ok(Reconciled {
        drift_minor_units: row.0,
        charged_minor_units: row.1,
        owed_minor_units: row.2,
        duplicate_charges: row.3,
        reconciled_orders: row.4,
        unreconciled_orders: row.5,
    })
}
