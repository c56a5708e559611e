//! How long things took: a histogram in microseconds with three significant digits.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Durations up to a longest one; what is longer counts as that.
#[derive(Debug, Clone)]
pub(super) struct Latencies {
    histogram: Histogram<u64>,
    longest_us: u64,
}

impl Latencies {
    /// Tells durations apart up to `longest`.
    pub(super) fn up_to(longest: Duration) -> Self {
        let longest_us = u64::try_from(longest.as_micros())
            .unwrap_or(u64::MAX)
            .max(2);
        Self {
            histogram: Histogram::new_with_bounds(1, longest_us, 3)
                .expect("the bounds are in order"),
            longest_us,
        }
    }

    pub(super) fn record(&mut self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(self.longest_us);
        self.histogram.saturating_record(us);
    }

    pub(super) fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// A quantile, from 0 to 1; nothing when nothing was recorded.
    pub(super) fn at(&self, quantile: f64) -> Duration {
        Duration::from_micros(self.histogram.value_at_quantile(quantile))
    }

    pub(super) fn most(&self) -> Duration {
        Duration::from_micros(self.histogram.max())
    }

    pub(super) fn mean(&self) -> Duration {
        Duration::try_from_secs_f64(self.histogram.mean() / 1e6).unwrap_or_default()
    }

    pub(super) fn reset(&mut self) {
        self.histogram.reset();
    }
}
