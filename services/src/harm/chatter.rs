//! Log lines that nobody needs, as services write them whose debug level was left on.
//!
//! They go the way of all others, and are dropped by the exporter's queue when they are too many, as
//! all others are then too.

use std::time::Duration;

use scenarios::{
    setting::LogFlood,
    shop::{CUSTOMERS, GOODS},
};

use crate::pace::Pace;

/// How often some are written: at the highest rate, a tick fits ten times into the exporter's queue.
const TICK: Duration = Duration::from_millis(20);
/// Most lines of a tick: after a stall, what was missed is not made up for at once.
const BURST: u32 = 1_000;

/// Writes lines at the rate.
pub async fn talk(flood: LogFlood) {
    let mut pace = Pace::new();
    let mut number = 0_u32;
    loop {
        tokio::time::sleep(TICK).await;
        for _ in 0..pace.due(f64::from(flood.lines_per_s)).min(BURST) {
            number = number.wrapping_add(1);
            line(number);
        }
    }
}

/// A line that is exported as coming from a module, at a place in it, where one of that kind would be written.
macro_rules! line {
    ($module:literal, $place:literal, $($rest:tt)+) => {
        tracing::info!(
            name: concat!("event services/src/", $module, ".rs:", $place),
            target: concat!("services::", $module),
            $($rest)+
        )
    };
}

/// One line; consecutive numbers give different kinds, and each kind different values.
fn line(number: u32) {
    // spread, so that values do not count up in step with the kinds (Knuth's multiplicative hash)
    let drawn = number.wrapping_mul(2_654_435_761);
    let (customer, sku, size) = (drawn % CUSTOMERS, drawn % GOODS, drawn % 4_096);
    match number % 8 {
        0 => line!(
            "route",
            "131",
            bytes = size,
            customer,
            "request body decoded"
        ),
        1 => line!("route", "158", bytes = size, "response body encoded"),
        2 => line!(
            "peer",
            "231",
            idle = drawn % 9,
            "connection taken from pool"
        ),
        3 => line!("peer", "264", bytes = size, "answer read"),
        4 => line!(
            "hop",
            "44",
            customer,
            "request context restored from headers"
        ),
        5 => line!("goods", "31", sku, "article looked up"),
        6 => line!(
            "settings",
            "96",
            entries = drawn % 24,
            "configuration snapshot taken"
        ),
        _ => line!(
            "signals",
            "12",
            pending = drawn % 300,
            "telemetry batch handed on"
        ),
    }
}
