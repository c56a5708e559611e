//! TraceQL: parsed, and what parses is evaluated over a small store.
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
        let _ = lab.search_traces(text, lab::BEGIN_NS, lab::END_NS, 20);
    });
});
