//! PromQL: parsed, and what parses is evaluated over a small store.
#![no_main]

#[allow(dead_code, reason = "shared by all targets")]
mod lab;

use libfuzzer_sys::fuzz_target;
use telemetry::Telemetry;

thread_local! {
    static LAB: Telemetry = lab::filled();
}

fuzz_target!(|text: &str| {
    LAB.with(|lab| {
        let _ = lab.metrics.instant(text, lab::END_NS);
        let _ = lab
            .metrics
            .range(text, lab::BEGIN_NS, lab::END_NS, 10_000_000_000);
    });
});
