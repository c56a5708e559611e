//! What time does to the screen: the drill's clock runs on between answers, views refresh, messages go.

use api::Phase;

use super::App;
use crate::ask::Ask;
use crate::client::Asker;
use crate::views::{ViewId, act, traces};

/// How long a message stands, milliseconds.
pub const TOAST_MS: u64 = 5_000;
/// How long a new page flashes, milliseconds.
pub const FLASH_MS: u64 = 6_000;
/// After how long a query that is under way is shown as such, milliseconds.
pub const SHOW_PROGRESS_MS: u64 = 200;
/// How often the state of the drill is asked for, milliseconds: quickly while progress is shown.
const DRILL_MS: (u64, u64) = (250, 1_000);
/// How often a view that follows asks again, milliseconds.
const VIEW_MS: u64 = 1_500;
/// How often changes and notebook are asked for, milliseconds.
const SLOW_MS: u64 = 5_000;
/// How often the names of the fields of log lines are asked for, milliseconds: new ones come when something new breaks.
const FIELDS_MS: u64 = 15_000;
/// How far the clock is carried on without an answer, milliseconds: after that it stands, and the banner says why.
const CARRY_MS: u64 = 3_000;

/// When what is due.
#[derive(Debug, Clone, Copy, Default)]
pub struct Schedule {
    drill_ms: u64,
    view_ms: u64,
    slow_ms: u64,
    fields_ms: u64,
    /// When the drill was last told, on the screen's clock.
    pub told_ms: u64,
}

impl App {
    /// Carries the clock on and asks for what is due; `mono_ms` counts from the opening of the screen.
    pub fn tick(&mut self, mono_ms: u64) {
        self.mono_ms = mono_ms;
        if self.toast.as_ref().is_some_and(|t| t.until_ms <= mono_ms) {
            self.toast = None;
        }
        self.carry_clock();
        let preparing = self.phase() == Phase::Preparing;
        if mono_ms >= self.schedule.drill_ms {
            let pause = match (preparing, self.lab_closed()) {
                (_, true) => SLOW_MS,
                (true, _) => DRILL_MS.0,
                (false, _) => DRILL_MS.1,
            };
            self.schedule.drill_ms = mono_ms + pause;
            self.ask_quietly(Ask::Drill);
        }
        if self.drill().is_none() || self.lab_closed() {
            return;
        }
        if mono_ms >= self.schedule.view_ms {
            self.schedule.view_ms = mono_ms + VIEW_MS;
            // rows that were told keep their numbers until they are asked for anew
            if self.range.grows() && !self.typed {
                self.refresh_quietly();
            }
            // a held time range holds no request up
            if self.view == ViewId::Traces && !self.typed {
                traces::state::look_again(self);
            }
            if self.known.proof.value.as_ref().is_some_and(|p| p.running) {
                self.ask_quietly(Ask::Proof);
            }
            // whoever rolls out may look elsewhere meanwhile
            if act::state::rolls(self) {
                self.ask_quietly(Ask::Remedies);
            }
        }
        if mono_ms >= self.schedule.fields_ms {
            self.schedule.fields_ms = mono_ms + FIELDS_MS;
            let (services, window) = (self.services(), self.range.passed());
            self.ask_quietly(Ask::LogFields { services, window });
        }
        if mono_ms >= self.schedule.slow_ms {
            self.schedule.slow_ms = mono_ms + SLOW_MS;
            self.ask_quietly(Ask::Changes);
            self.ask_quietly(Ask::Case);
            // triggers join the vocabulary as changes happen
            self.ask_quietly(Ask::Vocabulary);
            if self.known.remedies.value.is_none() {
                self.ask_quietly(Ask::Remedies);
            }
            if self.known.proof.value.is_none() {
                self.ask_quietly(Ask::Proof);
            }
            if self.known.metrics.is_empty() || preparing {
                self.ask_quietly(Ask::MetricNames);
            }
            if self.phase() == Phase::Ended && self.known.debrief.value.is_none() {
                self.ask(Ask::Debrief, Asker::Screen);
            }
        }
    }

    fn carry_clock(&mut self) {
        if let Some(drill) = &self.known.drill.value {
            let since = self
                .mono_ms
                .saturating_sub(self.schedule.told_ms)
                .min(CARRY_MS);
            let speed = if drill.phase == Phase::Ended {
                0.0
            } else {
                drill.speed
            };
            self.range.now_ms = drill.now_ms + (since as f64 * speed) as i64;
            self.range.history_start_ms = drill.history_start_ms;
        }
    }

    pub(super) fn drill_told(&mut self) {
        self.schedule.told_ms = self.mono_ms;
        self.carry_clock();
    }

    /// How long the screen may sleep before it must look again, milliseconds.
    #[must_use]
    pub fn next_look_ms(&self) -> u64 {
        let hurried = self.phase() == Phase::Preparing
            || self.flights.values().any(|f| f.asker == Asker::Person)
            || self.flash_until_ms > self.mono_ms;
        if hurried { 250 } else { 1_000 }
    }
}
