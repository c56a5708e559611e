//! LogQL: parsed, and what parses is evaluated over a small store.
#![no_main]

#[allow(dead_code, reason = "shared by all targets")]
mod lab;

use libfuzzer_sys::fuzz_target;
use telemetry::Telemetry;
use telemetry::logs::{self, Grid, ast::Query};

thread_local! {
    static LAB: Telemetry = lab::filled();
}

fuzz_target!(|text: &str| {
    LAB.with(|lab| {
        let _ = lab.query_logs(text, lab::BEGIN_NS, lab::END_NS + 1, 100);
        if let Ok(Query::Metric(expression)) = logs::parse(text) {
            let segments = lab.intake().log_store().snapshot();
            let _ = logs::evaluate(&segments, &expression, Grid::instant(lab::END_NS));
        }
    });
});
