//! What can be set in a service, healthy or not. A fault is a setting like any other: it reaches the
//! service over its control socket, at start or live, and really changes what its code does.

use serde::{Deserialize, Serialize};

/// How money is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arithmetic {
    /// `rust_decimal`, rounded half up to the minor unit per line.
    Decimal,
    /// `f64` throughout, with a running total, truncated to cents at the end.
    BinaryFloat,
    /// `f64` throughout, rounded at the end instead of truncated.
    BinaryFloatRounded,
}

/// How promotions learns the total of a bundle's cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CartTotals {
    /// From the request itself.
    Local,
    /// By asking checkout and waiting for the answer.
    Callback,
    /// By a queue that checkout's answer reaches later; the request does not wait.
    Queue,
}

/// How orders reads a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryReads {
    /// Two queries: orders, and all their items.
    Batched,
    /// One query for the orders, then one per order for its items.
    PerOrder,
}

/// How orders asks for shipping quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuoteCalls {
    /// Concurrently with a limit, non-blocking.
    Concurrent,
    /// One after another with a blocking client on the async runtime.
    Blocking,
}

/// A distribution of latency: log-normal by median and 99th percentile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Median, milliseconds.
    pub median_ms: f64,
    /// 99th percentile, milliseconds; not below the median.
    pub p99_ms: f64,
}

/// A circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// Consecutive failures that open it.
    pub failures: u32,
    /// How long it stays open, milliseconds.
    pub reset_ms: u64,
}

/// Retries of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// Attempts after the first.
    pub max: u32,
    /// Wait before the first retry, doubled for each further one, milliseconds; 0 retries at once.
    pub backoff_ms: u64,
}

/// The nightly report.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Share of one core that it may use, 0 to 1; 0 stops it.
    pub duty: f64,
}

/// A value that can be set in a service. One that a service does not have is refused by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// checkout: how totals are computed. Default decimal.
    Money(Arithmetic),
    /// checkout: whether all attempts of one order carry the same idempotency key. Default true.
    StableIdempotencyKey(bool),
    /// checkout: how many requests may be worked on at once. Default 64.
    WorkerSlots(u32),
    /// checkout, pricing, promotions, payments, orders: timeout of an outgoing call, milliseconds. Default 3000.
    CallTimeoutMs(u64),
    /// checkout (to payments), payments (to psp): retries. Default none.
    Retries(Retries),
    /// checkout (around pricing, fallback: the total without discounts) and pricing (around promotions, fallback: no
    /// discount): circuit breaker; null takes it out. Default none.
    Breaker(Option<Breaker>),
    /// checkout, pricing, promotions: budget of one hop, milliseconds, handed on with the request and shrinking from hop to
    /// hop; null takes it out. Default none.
    DeadlineBudgetMs(Option<u64>),
    /// promotions: where a bundle's total comes from. Default local.
    CartTotals(CartTotals),
    /// payments: connections to the provider. Default 512.
    OutboundConnections(u32),
    /// psp, shipping: latency of an answer. Default 40/120 ms and 6/20 ms.
    Latency(Latency),
    /// psp: share of charges whose answer is lost after the work is done. Default 0.
    LostAnswers(f64),
    /// psp: share of charges that are processed late, and by how many milliseconds. Default none.
    DelayedCharges {
        /// 0 to 1.
        share: f64,
        /// Milliseconds.
        delay_ms: u64,
    },
    /// orders: how a history is read. Default batched.
    HistoryReads(HistoryReads),
    /// orders: how quotes are fetched. Default concurrent.
    QuoteCalls(QuoteCalls),
    /// orders: whether quotes are cached. Default true.
    QuoteCache(bool),
    /// orders: connections to the database for reading. Default 8.
    ReadConnections(u32),
    /// orders: whether the items table has an additional index. Default false.
    ExtraIndex(bool),
    /// ledger: difference per order that reconciliation ignores, minor units. Default 0.
    ReconciliationTolerance(i64),
    /// worker: the nightly report. Default off.
    Report(Report),
    /// worker: items of the settlement queue that it settles per second. Default 100. A scenario raises it while
    /// history is made at a multiple of the normal rate.
    SettlementPerS(u32),
}
