//! How each mechanism is shown: where it is injected, with which values, and what real traffic tells
//! of it then and at no other time.

use serde_json::Value;

/// What tells that a mechanism is in force.
#[derive(Debug, Clone, Copy)]
pub enum Seen {
    /// A PromQL query is over a bound.
    Over(&'static str, f64),
    /// A PromQL query is under a bound.
    Under(&'static str, f64),
    /// A PromQL query has grown by a factor.
    Times(&'static str, f64),
    /// A counter grows: what happens once to each of a few connections has no rate.
    Counts(&'static str),
    /// A LogQL query, asked about a moment so many milliseconds ahead, is over a bound.
    Logs(&'static str, i64, f64),
    /// A process of a service is in a state, or has ended with these words.
    State(&'static str, &'static str),
    /// Processes of a service are started again.
    Restarts(&'static str),
    /// Connections over a link stay open after their last byte.
    Close(&'static str),
}

/// One proof.
#[derive(Debug)]
pub struct Row {
    pub mechanism: &'static str,
    pub at: &'static str,
    values: &'static str,
    pub seen: Seen,
}

impl Row {
    /// The values that it is given.
    pub fn values(&self) -> Value {
        serde_json::from_str(self.values).unwrap()
    }
}

const fn row(mechanism: &'static str, at: &'static str, values: &'static str, seen: Seen) -> Row {
    Row {
        mechanism,
        at,
        values,
        seen,
    }
}

/// Mean time of a caller's calls.
macro_rules! call_time {
    ($from:literal, $to:literal) => {
        concat!(
            "sum(rate(http_client_request_duration_seconds_sum{service=\"",
            $from,
            "\",peer=\"",
            $to,
            "\"}[5s])) / ",
            "sum(rate(http_client_request_duration_seconds_count{service=\"",
            $from,
            "\",peer=\"",
            $to,
            "\"}[5s]))"
        )
    };
}

/// A caller's calls a second that ended so.
macro_rules! calls {
    ($from:literal, $to:literal, $status:literal) => {
        concat!(
            "sum(rate(http_client_request_duration_seconds_count{service=\"",
            $from,
            "\",peer=\"",
            $to,
            "\",status=~\"",
            $status,
            "\"}[5s]))"
        )
    };
}

/// A service's answers a second with this status.
macro_rules! answers {
    ($service:literal, $status:literal) => {
        concat!(
            "sum(rate(http_server_request_duration_seconds_count{service=\"",
            $service,
            "\",status=~\"",
            $status,
            "\"}[5s]))"
        )
    };
}

/// Mean time of a service's database operations.
macro_rules! query_time {
    ($service:literal, $operation:literal) => {
        concat!(
            "sum(rate(db_client_operation_duration_seconds_sum{service=\"",
            $service,
            "\",operation=~\"",
            $operation,
            "\"}[5s])) / ",
            "sum(rate(db_client_operation_duration_seconds_count{service=\"",
            $service,
            "\",operation=~\"",
            $operation,
            "\"}[5s]))"
        )
    };
}

/// Called requests per call: above one somebody repeats them on the way, below one somebody answers instead.
const POSTED_PER_CALL: &str = "sum(rate(http_server_request_duration_seconds_count{service=\"payments\",method=\"POST\"}[5s])) / sum(rate(http_client_request_duration_seconds_count{service=\"checkout\",peer=\"payments\"}[5s]))";
const HISTORIES_PER_CALL: &str = "sum(rate(http_server_request_duration_seconds_count{service=\"orders\",method=\"GET\"}[5s])) / sum(rate(http_client_request_duration_seconds_count{service=\"storefront\",peer=\"orders\"}[5s]))";
const CALLS_PER_CHARGE: &str = "sum(rate(http_client_request_duration_seconds_count{service=\"checkout\",peer=\"payments\"}[5s])) / sum(rate(checkout_total[5s]))";
const QUERIES_PER_HISTORY: &str = "sum(rate(db_client_operation_duration_seconds_count{service=\"orders\",operation=~\"SELECT.*\"}[5s])) / sum(rate(http_server_request_duration_seconds_count{service=\"orders\",method=\"GET\"}[5s]))";
const ROWS_PER_QUERY: &str = "sum(rate(db_client_response_returned_rows_sum{service=\"orders\",operation=\"SELECT orders\"}[5s])) / sum(rate(db_client_response_returned_rows_count{service=\"orders\",operation=\"SELECT orders\"}[5s]))";
/// Mean time that a call to the ledger takes on the way: what the caller waits less what the callee works.
const LEDGER_ON_THE_WAY: &str = concat!(
    call_time!("checkout", "ledger"),
    " - sum(rate(http_server_request_duration_seconds_sum{service=\"ledger\"}[5s])) / sum(rate(http_server_request_duration_seconds_count{service=\"ledger\"}[5s]))"
);
/// How much dearer the one query is than the other: a busy machine slows both.
const ITEMS_TO_ORDERS: &str = concat!(
    query_time!("orders", "SELECT items"),
    " / (",
    query_time!("orders", "SELECT orders"),
    ")"
);

/// Every mechanism, in the order of the vocabulary.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row("latency", "checkout->payments", r#"{"delay_ms":400}"#, Seen::Over(call_time!("checkout", "payments"), 0.35)),
    row("jitter", "checkout->ledger", r#"{"jitter_ms":300}"#, Seen::Over(call_time!("checkout", "ledger"), 0.15)),
    row("bandwidth", "storefront->orders", r#"{"rate_kb_s":4}"#, Seen::Over(call_time!("storefront", "orders"), 0.4)),
    row("packet-slicing", "checkout->pricing", r#"{"piece_bytes":8,"pause_us":20000}"#, Seen::Over(call_time!("checkout", "pricing"), 0.25)),
    row("connection-reset", "checkout->payments", "{}", Seen::Over(calls!("checkout", "payments", "unreachable"), 0.0)),
    row("half-open", "checkout->pricing", "{}", Seen::Counts("sum(http_client_request_duration_seconds_count{service=\"checkout\",peer=\"pricing\",status=\"timeout\"}) or vector(0)")),
    row("partition", "pricing->promotions", "{}", Seen::Over(calls!("pricing", "promotions", "timeout"), 0.0)),
    row("partition", "checkout->inventory", r#"{"direction":"downstream"}"#, Seen::Over(calls!("checkout", "inventory", "timeout"), 0.0)),
    row("slow-close", "outside->pricing", r#"{"delay_ms":1500}"#, Seen::Close("outside->pricing")),
    row("dns-failure", "checkout->inventory", "{}", Seen::Over(calls!("checkout", "inventory", "unreachable"), 0.0)),

    row("error-status", "checkout->inventory", r#"{"share":0.5}"#, Seen::Over(calls!("checkout", "inventory", "503"), 0.0)),
    row("fail-first-n", "checkout->ledger", r#"{"requests":40,"per":"link"}"#, Seen::Over(calls!("checkout", "ledger", "503"), 0.0)),
    row("delay-share", "checkout->pricing", r#"{"share":1,"delay_ms":500}"#, Seen::Over(call_time!("checkout", "pricing"), 0.4)),
    row("malformed-body", "checkout->pricing", r#"{"share":1}"#, Seen::Over(answers!("checkout", "5.."), 0.0)),
    row("truncated-body", "checkout->pricing", r#"{"share":1}"#, Seen::Over(calls!("checkout", "pricing", "unreachable"), 0.0)),
    row("rate-limit", "checkout->inventory", r#"{"per_s":1,"burst":1}"#, Seen::Over(calls!("checkout", "inventory", "429"), 0.0)),
    row("lost-response", "checkout->ledger", r#"{"share":0.5}"#, Seen::Over(calls!("checkout", "ledger", "unreachable"), 0.0)),

    row("upstream-failure-without-fallback", "checkout->pricing", "{}", Seen::Over(calls!("checkout", "pricing", "503"), 0.0)),
    row("retry-storm", "checkout->payments", r#"{"share":0.8}"#, Seen::Over(CALLS_PER_CHARGE, 2.0)),
    row("missing-timeout", "checkout->pricing", r#"{"share":1}"#, Seen::Over("max(worker_slots_in_use{service=\"checkout\"})", 12.0)),
    row("expired-credential", "checkout->payments", "{}", Seen::Over(calls!("checkout", "payments", "401"), 0.0)),
    row("quota-exhausted", "payments", r#"{"requests":3}"#, Seen::Over(calls!("checkout", "payments", "429"), 0.0)),

    row("circular-wait", "promotions", r#"{"slots":2}"#, Seen::Over("max(worker_slots_waiting{service=\"checkout\"})", 0.0)),
    row("pool-exhaustion", "checkout", r#"{"size":1}"#, Seen::Under("max(worker_slots_limit{service=\"checkout\"})", 2.0)),
    row("pool-exhaustion", "inventory", r#"{"size":1}"#, Seen::Under("max(connection_pool_limit{service=\"inventory\",pool=\"database\"})", 2.0)),
    row("lock-contention", "orders", r#"{"hold_ms":900,"every_ms":1000}"#, Seen::Over(query_time!("orders", "INSERT.*"), 0.2)),
    row("lost-update", "inventory", "{}", Seen::Over("sum(rate(db_client_operation_duration_seconds_count{service=\"inventory\",operation=\"SELECT stock\"}[5s]))", 0.0)),
    row("thread-starvation", "pricing", r#"{"share":1,"block_ms":300}"#, Seen::Over(call_time!("checkout", "pricing"), 0.25)),
    row("unbounded-queue", "worker", r#"{"per_s":1}"#, Seen::Over("max(queue_depth{service=\"worker\"})", 30.0)),

    row("binary-float-money", "checkout", "{}", Seen::Over("max(abs(delta(ledger_reconciliation_drift_minor_units[6s])))", 0.0)),
    row("missing-idempotency", "checkout", r#"{"lost_answers":0.6}"#, Seen::Over("max(delta(ledger_duplicate_charges[6s]))", 0.0)),
    row("stale-cache", "storefront->orders", r#"{"ttl_ms":60000}"#, Seen::Under(HISTORIES_PER_CALL, 0.6)),
    row("schema-drift", "checkout->pricing", "{}", Seen::Over(answers!("checkout", "5.."), 0.0)),
    row("clock-skew", "payments", r#"{"offset_ms":60000}"#, Seen::Logs("sum(count_over_time({service=\"payments\"}[30s]))", 75_000, 0.0)),
    row("duplicate-delivery", "checkout->payments", r#"{"share":1}"#, Seen::Over(POSTED_PER_CALL, 1.5)),
    row("reordering", "checkout->ledger", r#"{"share":0.9,"hold_ms":600}"#, Seen::Over(LEDGER_ON_THE_WAY, 0.05)),
    row("partial-transaction", "inventory", r#"{"share":1}"#, Seen::Over(answers!("inventory", "5.."), 0.0)),
    row("delayed-processing", "psp", r#"{"share":1,"delay_ms":1000}"#, Seen::Over(call_time!("payments", "psp"), 0.7)),

    row("n-plus-one", "orders", "{}", Seen::Over(QUERIES_PER_HISTORY, 5.0)),
    row("missing-index", "orders", "{}", Seen::Times(ITEMS_TO_ORDERS, 1.5)),
    row("slow-database", "orders", r#"{"delay_ms":80}"#, Seen::Over(query_time!("orders", ".*"), 0.07)),
    row("unbounded-result", "orders", "{}", Seen::Over(ROWS_PER_QUERY, 200.0)),

    row("cpu-burn", "shipping", r#"{"cores":0.8}"#, Seen::Over("sum(rate(process_cpu_seconds_total{service=\"shipping\"}[5s]))", 0.3)),
    row("memory-leak", "pricing", r#"{"mib_per_s":64,"most_mib":64}"#, Seen::Over("max(process_resident_memory_bytes{service=\"pricing\"})", 60e6)),
    row("memory-limit-kill", "pricing", r#"{"limit_mib":1}"#, Seen::State("pricing", "137")),
    row("descriptor-leak", "inventory", r#"{"per_s":20,"most":200}"#, Seen::Times("max(process_open_fds{service=\"inventory\"})", 1.5)),
    row("disk-full", "orders", "{}", Seen::Over(answers!("orders", "5.."), 0.0)),
    row("log-flood", "shipping", r#"{"lines_per_s":400}"#, Seen::Logs("sum(count_over_time({service=\"shipping\"}[5s]))", 0, 500.0)),

    row("crash", "ledger", "{}", Seen::Restarts("ledger")),
    row("crash-loop", "ledger", r#"{"after_ms":300}"#, Seen::Restarts("ledger")),
    row("hang", "promotions", "{}", Seen::Over(calls!("pricing", "promotions", "timeout"), 0.0)),
    row("slow-start", "psp", r#"{"delay_ms":4000}"#, Seen::State("psp", "starting")),
    row("failed-readiness", "shipping", "{}", Seen::State("shipping", "unready")),

    row("bad-release", "pricing", r#"{"share":1}"#, Seen::Over(answers!("pricing", "5.."), 0.0)),
    row("bad-configuration", "payments", r#"{"call_timeout_ms":1}"#, Seen::Over(calls!("payments", "psp", "timeout"), 0.0)),
    row("feature-flag", "storefront", "{}", Seen::Over("sum(rate(http_client_request_duration_seconds_count{service=\"storefront\",peer=\"orders\"}[5s])) / sum(rate(http_server_request_duration_seconds_count{service=\"storefront\",route=\"/orders/{customer}\"}[5s]))", 1.8)),
    row("infrastructure-drift", "inventory", r#"{"connections":1}"#, Seen::Under("max(connection_pool_limit{service=\"inventory\",pool=\"database\"})", 2.0)),
    row("traffic-surge", "load", r#"{"factor":5}"#, Seen::Over("sum(rate(load_journeys_total[5s]))", 15.0)),
];
