//! The governor of history: when the machine cannot follow, it slows the drill clock down, so that
//! history shows the shop and not the machine's own saturation.
//!
//! It goes by the cheapest request (browse touches one service and no fault) and by how late requests
//! are sent. How long a checkout takes says nothing: that may be the fault.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::clock::DrillClock;

/// How often the speed is looked at. The reaction must be quick: 50 ms are 6 s of history at 120x.
const PERIOD: Duration = Duration::from_millis(50);
/// A machine that keeps up answers a browse within it on the average, however small it is.
const BROWSE_STRAINED: Duration = Duration::from_millis(20);
/// Below it there is room to go faster again.
const BROWSE_EASY: Duration = Duration::from_millis(8);
/// Timers tick in milliseconds; requests sent later than this on the average wait for a core.
const LATE_STRAINED: Duration = Duration::from_millis(12);
/// Below it there is room to go faster again.
const LATE_EASY: Duration = Duration::from_millis(5);
/// Factor on strain and factor on ease, per period.
const SLOWER: f64 = 0.6;
/// See [`SLOWER`].
const FASTER: f64 = 1.1;

/// What happened since the last reading.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<Sums>);

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    browses: u32,
    browse: Duration,
    sent: u32,
    late: Duration,
}

/// Means of one period.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reading {
    browse: Duration,
    late: Duration,
}

impl Pulse {
    /// A request was sent so long after it was meant to be.
    pub(super) fn sent(&self, late: Duration) {
        let mut sums = self.0.lock();
        sums.sent += 1;
        sums.late += late;
    }

    /// A browse was answered.
    pub(super) fn browsed(&self, took: Duration) {
        let mut sums = self.0.lock();
        sums.browses += 1;
        sums.browse += took;
    }

    fn take(&self) -> Reading {
        let sums = std::mem::take(&mut *self.0.lock());
        Reading {
            browse: sums.browse / sums.browses.max(1),
            late: sums.late / sums.sent.max(1),
        }
    }
}

/// The factor on the speed that a reading asks for.
fn factor(reading: Reading) -> f64 {
    if reading.browse > BROWSE_STRAINED || reading.late > LATE_STRAINED {
        SLOWER
    } else if reading.browse < BROWSE_EASY && reading.late < LATE_EASY {
        FASTER
    } else {
        1.0
    }
}

/// Keeps the speed of history where the machine can follow, until the lead-in. Answers with the slowest speed there was.
pub(super) async fn govern(
    clock: &DrillClock,
    pulse: &Arc<Pulse>,
    cancel: &CancellationToken,
) -> f64 {
    let mut slowest = clock.nominal_speed();
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return slowest,
            () = clock.sleep_until(clock.fast_until_ns()) => return slowest,
            _ = period.tick() => {}
        }
        let speed = clock.speed();
        let next = (speed * factor(pulse.take())).min(clock.nominal_speed());
        if (next - speed).abs() > f64::EPSILON && speed > 0.0 {
            tracing::debug!(speed, next, "the speed of history changes");
            clock.set_speed(next);
            slowest = slowest.min(clock.speed().max(1.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strain_slows_down_ease_speeds_up_and_between_nothing_happens() {
        let reading = |browse, late| Reading {
            browse: Duration::from_millis(browse),
            late: Duration::from_millis(late),
        };
        assert!(factor(reading(60, 1)) < 1.0);
        assert!(factor(reading(2, 30)) < 1.0);
        assert!(factor(reading(2, 1)) > 1.0);
        assert!((factor(reading(12, 1)) - 1.0).abs() < 1e-9);
        assert!((factor(reading(2, 8)) - 1.0).abs() < 1e-9);
    }

    #[tokio::test(start_paused = true)]
    async fn a_strained_machine_makes_history_slower_and_the_lead_in_ends_it() {
        use scenarios::{scenario::History, span::Span};
        let clock = DrillClock::new(
            1_000_000_000_000_000,
            &History {
                span: Span::from_millis(900_000),
                speed: 100.0,
                lead_in: Span::from_millis(7_000),
            },
        );
        clock.start();
        let pulse = Arc::new(Pulse::default());
        let strained = async {
            loop {
                pulse.browsed(Duration::from_millis(200));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let cancel = CancellationToken::new();
        let slowest = tokio::select! {
            slowest = govern(&clock, &pulse, &cancel) => slowest,
            () = strained => unreachable!("it never ends"),
        };
        assert!(
            (slowest - crate::clock::SLOWEST_HISTORY).abs() < 0.1,
            "{slowest}"
        );
        assert!(clock.now_ns() >= clock.fast_until_ns());
    }
}
