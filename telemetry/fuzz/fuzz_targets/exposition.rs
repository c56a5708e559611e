//! Expositions in both formats: lines, the series and the exemplar of each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::scrape::exposition::{Entry, Format, Lines, parse_exemplar, parse_series};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for format in [Format::Text, Format::OpenMetrics] {
        for entry in Lines::new(text, format) {
            if let Ok(Entry::Sample(sample)) = entry {
                let _ = parse_series(sample.series, sample.position);
                if let Some(exemplar) = sample.exemplar {
                    let _ = parse_exemplar(exemplar, sample.position);
                }
            }
        }
    }
});
