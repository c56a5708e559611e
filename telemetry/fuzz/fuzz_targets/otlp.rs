//! OTLP bodies: any signal, protobuf or JSON, plain or compressed, through the HTTP door into the stores.
#![no_main]

#[allow(dead_code, reason = "shared by all targets")]
mod lab;

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use telemetry::Telemetry;

thread_local! {
    static LAB: RefCell<Telemetry> = RefCell::new(lab::empty());
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let path = ["/v1/logs", "/v1/traces", "/v1/metrics"][usize::from(choice % 3)];
    let format = ["application/x-protobuf", "application/json"][usize::from(choice / 3 % 2)];
    let mut headers = vec![("content-type", format)];
    if let Some(packed) = [None, Some("gzip"), Some("zstd")][usize::from(choice / 6 % 3)] {
        headers.push(("content-encoding", packed));
    }
    LAB.with_borrow(|lab| {
        let status = lab::post(lab, path, &headers, body.to_vec());
        assert_ne!(status.as_u16(), 500);
    });
});
