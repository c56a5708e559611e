//! The schedule: says when each arrival is due, on a thread of its own, as timers of the async runtime tick in milliseconds only.

use std::time::Duration;

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Lab, plan::Waits};
use crate::load::arrivals::Arrivals;

/// How often the rate of a ramp changes.
const RAMP_STEP: Duration = Duration::from_millis(20);
/// Longest sleep: how soon a cancelled run is left.
const SLEEP_MAX: Duration = Duration::from_millis(20);

/// An arrival.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub index: u64,
    pub at: Instant,
}

/// Says what is due when it is, until the end of the plan; blocks its thread.
pub(super) fn pace(
    lab: &Lab,
    started: Instant,
    to: &mpsc::Sender<Due>,
    cancel: &CancellationToken,
) {
    for (index, after) in Schedule::new(lab) {
        let at = started + after;
        loop {
            if cancel.is_cancelled() {
                return;
            }
            let wait = at.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                break;
            }
            std::thread::sleep(wait.min(SLEEP_MAX));
        }
        match to.try_send(Due { index, at }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => lab.tally.unsent(),
            Err(mpsc::error::TrySendError::Closed(_)) => return,
        }
    }
    // the plan lasts as long as it says, whatever the last arrival was
    while !cancel.is_cancelled() {
        let wait = (started + lab.plan.duration).saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return;
        }
        std::thread::sleep(wait.min(SLEEP_MAX));
    }
}

/// All arrivals of a plan in order, with how long after its start they are due. Pure.
pub(super) struct Schedule<'a> {
    lab: &'a Lab,
    waits: Waits,
    arrivals: Arrivals,
    /// How far the rate is known.
    stepped: Duration,
}

impl<'a> Schedule<'a> {
    pub(super) fn new(lab: &'a Lab) -> Self {
        let waits = Waits {
            source: lab.source(),
            arrival: lab.plan.arrival,
        };
        Self {
            lab,
            waits,
            arrivals: Arrivals::new(waits, 0, lab.plan.rate_at(RAMP_STEP / 2)),
            stepped: Duration::ZERO,
        }
    }
}

impl Iterator for Schedule<'_> {
    type Item = (u64, Duration);

    fn next(&mut self) -> Option<(u64, Duration)> {
        let plan = &self.lab.plan;
        loop {
            let next = self.arrivals.next();
            let next = next.map(|(index, at)| (index, Duration::from_nanos(at.cast_unsigned())));
            let step = self.stepped + RAMP_STEP;
            match next {
                Some((index, after)) if after < step || self.stepped >= plan.ramp => {
                    self.arrivals.advance(self.waits);
                    return (after < plan.duration).then_some((index, after));
                }
                _ if step > plan.ramp + RAMP_STEP => return None,
                _ => {}
            }
            self.stepped = step;
            // the rate in the middle of the step is that of all of it
            let rate = plan.rate_at(step + RAMP_STEP / 2);
            self.arrivals.set_rate(crate::clock::nanos(step), rate);
        }
    }
}
