//! What can be set in a service, healthy or not. A fault is a setting like any other: it reaches the
//! service over its control socket, at start or live, and really changes what its code does.

use serde::{Deserialize, Serialize};

use crate::shop::Role;

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

/// Share of one core that is computed away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CpuBurn {
    /// 0 to 1; 0 is none.
    pub duty: f64,
}

/// Memory that is allocated, touched and kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryLeak {
    /// How fast it grows, MiB per second, 0 to 1024; 0 is no leak.
    pub mib_per_s: f64,
    /// At how much it stops growing, MiB, at most 65536.
    pub most_mib: u32,
}

/// Descriptors that are opened and kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DescriptorLeak {
    /// How many a second, 0 to 10000; 0 is no leak.
    pub per_s: f64,
    /// How many more than when it began the process may have, at most 100000: so many it leaks, and what others close.
    pub most: u32,
}

/// Log lines that nobody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogFlood {
    /// Lines a second, 0 to 20000; 0 is none.
    pub lines_per_s: u32,
}

/// Requests that block the thread that serves them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockingWork {
    /// Which share of them, 0 to 1.
    pub share: f64,
    /// For how long, milliseconds, at most 60000.
    pub ms: u64,
}

/// Requests that meet a defect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// Which share of them, 0 to 1.
    pub share: f64,
}

/// How many requests are served, counted from when it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Requests.
    pub requests: u64,
}

/// What each statement or batch takes on top of the declared round trip: `delay_ms` more or less up to `jitter_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseDelay {
    /// Milliseconds, at most 60000.
    pub delay_ms: u64,
    /// Milliseconds, at most 60000. What is drawn below nothing is nothing.
    pub jitter_ms: u64,
}

/// A lock on everything the role keeps, which lets readers in and keeps writers out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteLock {
    /// How long it is held, milliseconds, at most 60000; 0 is never.
    pub hold_ms: u64,
    /// From one beginning to the next, milliseconds, not below `hold_ms`, at most 600000.
    pub every_ms: u64,
}

/// How inventory takes pieces off the shelves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reservations {
    /// In one statement that takes them only where there are enough.
    Conditional,
    /// By reading how many there are and writing back what is left: who writes last wins.
    ReadThenWrite,
}

/// How much of the orders is read for a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryLimit {
    /// The customer's newest hundred.
    Page,
    /// All of all customers, of which those of others are thrown away.
    None,
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

    // every role
    /// Computes this share of one core away, at the lowest priority. Default none.
    CpuBurn(CpuBurn),
    /// Default none; then all of it is given back.
    MemoryLeak(MemoryLeak),
    /// Default none; then all are closed and the former limit holds again.
    DescriptorLeak(DescriptorLeak),
    /// Default none.
    LogFlood(LogFlood),
    /// How far the service's clock is off, milliseconds, at most a day either way. Default 0.
    ClockSkewMs(i64),
    /// Default none.
    BlockingWork(BlockingWork),
    /// Default none.
    Defect(Defect),
    /// Callers whose credential is no longer taken: they get 401. Default none.
    RevokedCallers(Vec<Role>),
    /// Beyond it everyone gets 429; null lifts it. Default null.
    Quota(Option<Quota>),
    /// Whether `/readyz` may say that it is. Default true.
    Ready(bool),
    /// How long a start takes on top, milliseconds. Default 0.
    StartDelayMs(u64),
    /// The process ends with a panic so long after this came into force, or after its start, milliseconds; null never.
    /// Default null.
    ExitAfterMs(Option<u64>),
    /// Called services whose names cannot be looked up. Default none.
    Unresolvable(Vec<Role>),
    /// Whether a connection outlives its answer. Default true; the lab sets it to false while two releases share the traffic, so
    /// that every request chooses between them anew.
    KeepAlive(bool),
    // every role with a database
    /// Default none.
    DatabaseDelayMs(DatabaseDelay),
    /// Connections to the database that may be lent at once; for orders the lesser of it and `read-connections`. Null takes
    /// it out. Default null: 32, and for orders `read-connections`.
    DatabaseConnections(Option<u32>),
    /// Default none.
    WriteLock(WriteLock),
    /// Share of the batches of several statements that run without a transaction and lose their connection after the first.
    /// Default 0.
    PartialBatches(f64),
    /// Whether the database may not grow any more; SQLite only. Default false.
    DiskFull(bool),
    // of one role
    /// inventory: how stock is taken. Default conditional.
    Reservations(Reservations),
    /// orders: whether the items of an order are found by an index. Default true.
    ItemsIndex(bool),
    /// orders: what is read for a history. Default page.
    HistoryLimit(HistoryLimit),
    /// storefront: whether a page of goods waits for recommendations, which need the customer's history. Default false.
    Recommendations(bool),
}
