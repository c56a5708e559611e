//! What a reconciliation found, as an answer and as gauges.

use std::sync::atomic::AtomicI64;

use prometheus_client::metrics::gauge::Gauge;
use serde::Serialize;

use crate::signals::metrics::Metrics;

/// Result of a reconciliation over all orders so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Sum over orders of the difference between charged and owed, as far as it is beyond the tolerance per order.
    pub drift_minor_units: i64,
    /// What the provider charged for the reconciled orders.
    pub charged_minor_units: i64,
    /// What they owe.
    pub owed_minor_units: i64,
    /// Charges beyond the first of an order.
    pub duplicate_charges: i64,
    /// Orders with an entry and at least one charge.
    pub reconciled_orders: i64,
    /// Orders with only one of both, so far.
    pub unreconciled_orders: i64,
}

/// The gauges.
#[derive(Debug, Clone)]
pub struct Figures {
    drift: Gauge<i64, AtomicI64>,
    charged: Gauge<i64, AtomicI64>,
    owed: Gauge<i64, AtomicI64>,
    duplicates: Gauge<i64, AtomicI64>,
    reconciled: Gauge<i64, AtomicI64>,
    unreconciled: Gauge<i64, AtomicI64>,
}

impl Figures {
    /// Gauges at zero.
    pub fn registered(metrics: &Metrics) -> Self {
        let gauge = |name: &str, help: &str| {
            let gauge = Gauge::<i64, AtomicI64>::default();
            metrics.register(name, help, gauge.clone());
            gauge
        };
        Self {
            drift: gauge(
                "ledger_reconciliation_drift_minor_units",
                "Differences between charged and owed beyond the tolerance, summed over orders",
            ),
            charged: gauge(
                "ledger_charged_minor_units",
                "What the provider charged for reconciled orders",
            ),
            owed: gauge("ledger_owed_minor_units", "What reconciled orders owe"),
            duplicates: gauge(
                "ledger_duplicate_charges",
                "Charges beyond the first of a reconciled order",
            ),
            reconciled: gauge(
                "ledger_reconciled_orders",
                "Orders with an entry and a charge",
            ),
            unreconciled: gauge(
                "ledger_unreconciled_orders",
                "Orders with an entry or a charge only",
            ),
        }
    }

    /// Shows the latest.
    pub fn show(&self, reconciled: &Reconciled) {
        self.drift.set(reconciled.drift_minor_units);
        self.charged.set(reconciled.charged_minor_units);
        self.owed.set(reconciled.owed_minor_units);
        self.duplicates.set(reconciled.duplicate_charges);
        self.reconciled.set(reconciled.reconciled_orders);
        self.unreconciled.set(reconciled.unreconciled_orders);
    }
}
