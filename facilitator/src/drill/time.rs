//! The telemetry's time in a drill: the drill clock, and an anchor for each trace, so that the spans
//! of a trace keep their real offsets even while the clock runs fast. A log record without one whose emitter's clock is off is
//! shown as far off as that clock is, and not where the fast part of history was, or will be, at that wall time.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use simulator::clock::DrillClock;
use telemetry::time::{TimeSource, TraceId};

/// Traces whose anchors are kept: those of the last minutes at any speed. At the limit the oldest are
/// forgotten; records that still come for them are mapped by the clock alone.
const ANCHORS: usize = 65_536;

/// How long a log record may be under way: services send each 200 ms and wait a second for an answer, on a busy machine several
/// times that. What is older was dated by a clock that is slow, or held up by a standstill: past history both are the same.
const UNDER_WAY_NS: i64 = 5_000_000_000;

/// See the head of this file.
pub(super) struct LabTime {
    clock: Arc<DrillClock>,
    anchors: Mutex<Anchors>,
}

#[derive(Default)]
struct Anchors {
    /// Drill time minus wall time of each trace's root, nanoseconds.
    shift: HashMap<TraceId, i64>,
    order: VecDeque<TraceId>,
}

impl LabTime {
    pub(super) fn new(clock: Arc<DrillClock>) -> Self {
        Self {
            clock,
            anchors: Mutex::new(Anchors::default()),
        }
    }

    /// Keeps the anchor of a trace: its root's wall and drill time, nanoseconds.
    pub(super) fn anchor(&self, trace: TraceId, wall_ns: i64, drill_ns: i64) {
        let mut anchors = self.anchors.lock();
        if anchors
            .shift
            .insert(trace, drill_ns.saturating_sub(wall_ns))
            .is_none()
        {
            anchors.order.push_back(trace);
        }
        if anchors.order.len() > ANCHORS
            && let Some(oldest) = anchors.order.pop_front()
        {
            anchors.shift.remove(&oldest);
        }
    }
}

impl LabTime {
    /// The time of what belongs to a trace with an anchor.
    fn anchored_ns(&self, emitted_ns: i64, trace: Option<TraceId>) -> Option<i64> {
        let shift = self.anchors.lock().shift.get(&trace?).copied()?;
        Some(emitted_ns.saturating_add(shift))
    }
}

impl TimeSource for LabTime {
    fn now_ns(&self) -> i64 {
        self.clock.now_ns()
    }

    fn stamp_ns(&self, emitted_ns: i64, trace: Option<TraceId>) -> i64 {
        self.anchored_ns(emitted_ns, trace)
            .unwrap_or_else(|| self.clock.map_wall_ns(emitted_ns))
    }

    fn event_ns(&self, emitted_ns: i64, trace: Option<TraceId>) -> i64 {
        self.anchored_ns(emitted_ns, trace).unwrap_or_else(|| {
            let wall_ns = self.clock.wall_now_ns();
            let age_ns = wall_ns.saturating_sub(emitted_ns);
            if (0..=UNDER_WAY_NS).contains(&age_ns) {
                self.clock.map_wall_ns(emitted_ns)
            } else {
                self.clock.map_wall_ns(wall_ns).saturating_sub(age_ns)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use scenarios::{scenario::History, span::Span};

    const PAGE: i64 = 1_800_000_000_000_000_000;

    fn time() -> LabTime {
        LabTime::new(Arc::new(DrillClock::new(
            PAGE,
            &History {
                span: Span::from_millis(900_000),
                speed: 100.0,
                lead_in: Span::from_millis(10_000),
            },
        )))
    }

    #[test]
    fn records_of_a_trace_keep_their_real_offsets() {
        let time = time();
        time.anchor([7; 16], 1_000, PAGE);
        assert_eq!(time.stamp_ns(1_250, Some([7; 16])), PAGE + 250);
        assert_eq!(time.stamp_ns(900, Some([7; 16])), PAGE - 100);
    }

    #[test]
    fn a_trace_without_an_anchor_is_mapped_by_the_clock() {
        let time = time();
        assert_eq!(time.stamp_ns(0, Some([8; 16])), PAGE - 900_000_000_000);
        assert_eq!(time.stamp_ns(0, None), PAGE - 900_000_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_off_shows_its_records_as_far_off_in_history_and_after() {
        const SECOND: i64 = 1_000_000_000;
        let time = time();
        time.clock.start();
        // history, 890 s of it in 8.9; then ten seconds of lead-in; then an hour
        for seconds in [4, 15, 3_600] {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            let (wall, now) = (time.clock.wall_now_ns(), time.now_ns());
            for off in [-3_600, -30, 30, 3_600].map(|off| off * SECOND) {
                assert_eq!(time.event_ns(wall + off, None), now + off, "{seconds}");
                // on a batch's way time passes: what was first stays first, and as far apart
                let two = [0, SECOND / 2].map(|ago| time.event_ns(wall + off - ago, None));
                assert_eq!(two[0] - two[1], SECOND / 2);
                time.anchor([7; 16], wall, now);
                let traced = time.event_ns(wall + off, Some([7; 16]));
                assert_eq!(traced, now + off, "beside those of a trace");
            }
            // a clock that is right is followed to where it was, however fast drill time passed
            let before = wall - 2 * SECOND;
            assert_eq!(
                time.event_ns(before, None),
                time.clock.map_wall_ns(before),
                "{seconds}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_view_shows_the_lines_of_a_slow_clock_in_their_order_and_as_late_as_it_is() {
        const SECOND: i64 = 1_000_000_000;
        let time = Arc::new(time());
        let telemetry =
            telemetry::Telemetry::new(telemetry::TelemetryConfig::default(), time.clone());
        time.clock.start();
        // just past the page: a minute ago, by the wall, nothing had begun
        tokio::time::advance(Duration::from_secs(19)).await;
        let began = time.now_ns();
        for (line, off) in [("one", 0), ("two", -60), ("three", 0), ("four", -60)] {
            tokio::time::advance(Duration::from_secs(1)).await;
            let wall = time.clock.wall_now_ns() + off * SECOND;
            let batch = super::super::instruments::batch("payments", "p-1", "INFO", line, wall);
            telemetry.intake().logs(batch).await;
        }
        let shown = telemetry
            .query_logs("{service=\"payments\"}", 0, i64::MAX, 10)
            .unwrap();
        let shown: Vec<_> = shown
            .iter()
            .map(|line| (line.line.as_str(), (line.ts_ns - began) / SECOND))
            .collect();
        assert_eq!(
            shown,
            [("two", -58), ("four", -56), ("one", 1), ("three", 3)]
        );
    }

    #[test]
    fn the_oldest_anchors_are_forgotten_at_the_limit() {
        let time = time();
        let id = |n: usize| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&n.to_be_bytes());
            id
        };
        for n in 0..=ANCHORS {
            time.anchor(id(n), 0, 5);
        }
        assert_eq!(time.stamp_ns(0, Some(id(0))), PAGE - 900_000_000_000);
        assert_eq!(time.stamp_ns(0, Some(id(1))), 5);
        assert_eq!(time.anchors.lock().shift.len(), ANCHORS);
    }
}
