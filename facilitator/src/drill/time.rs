//! The telemetry's time in a drill: the drill clock, and an anchor for each trace, so that the spans
//! of a trace keep their real offsets even while the clock runs fast.

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

impl TimeSource for LabTime {
    fn now_ns(&self) -> i64 {
        self.clock.now_ns()
    }

    fn stamp_ns(&self, emitted_ns: i64, trace: Option<TraceId>) -> i64 {
        let shift = trace.and_then(|trace| self.anchors.lock().shift.get(&trace).copied());
        match shift {
            Some(shift) => emitted_ns.saturating_add(shift),
            None => self.clock.map_wall_ns(emitted_ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
