//! How a function of a range vector meets its windows: one after another, or all of a series in one pass. Knows no function.

use std::cell::RefCell;

use crate::error::QueryError;
use crate::promql::matrix::Loaded;
use crate::promql::rows::absent;
use crate::promql::value::Grid;

/// What a range function sees at one step.
pub(super) struct Window<'a> {
    /// The times of the samples in the window, ms, in order; never empty.
    pub times_ms: &'a [i64],
    /// Their values, without stale markers.
    pub values: &'a [f64],
    /// The step's time, ms.
    pub now_ms: i64,
    /// The scalar arguments at this step, in order.
    pub scalars: &'a [f64],
    room: &'a RefCell<Vec<f64>>,
}

impl Window<'_> {
    /// Gives `of` values that it may put into another order, in room that is used again and again.
    pub fn sorting(
        &self,
        values: impl Iterator<Item = f64>,
        of: impl FnOnce(&mut [f64]) -> f64,
    ) -> f64 {
        let mut room = self.room.borrow_mut();
        room.clear();
        room.extend(values);
        of(&mut room)
    }
}

/// Whether the scalar arguments at a step will do.
pub(super) type Check = fn(&[f64]) -> Result<(), QueryError>;
/// A function of one window.
pub(super) type OfWindow = fn(&Window<'_>) -> Option<f64>;

/// The steps that a pass is over.
#[derive(Clone, Copy)]
pub(in crate::promql) struct Steps<'a> {
    /// The first one's place in the query's grid.
    pub first: usize,
    pub grid: Grid,
    /// The scalar arguments over the whole grid, in order.
    pub scalars: &'a [Vec<f64>],
}

/// Computes the values of one series after another over the steps; may remember between them what depends on times only.
pub(in crate::promql) trait Pass {
    /// Fills `out`, a value for each step, or [`absent`].
    fn row(&mut self, loaded: &Loaded<'_>, out: &mut [f64]) -> Result<(), QueryError>;
}

/// A function of a range vector.
pub(in crate::promql) struct Over {
    pub keeps_name: bool,
    way: Way,
}

#[derive(Clone, Copy)]
pub(super) enum Way {
    Windows(OfWindow, Check),
    Sliding(fn() -> Box<dyn Pass>),
}

impl Over {
    pub(super) fn windows(of: OfWindow, check: Check, keeps_name: bool) -> Self {
        let way = Way::Windows(of, check);
        Self { keeps_name, way }
    }

    pub(super) fn sliding(pass: fn() -> Box<dyn Pass>) -> Self {
        let way = Way::Sliding(pass);
        Self {
            keeps_name: false,
            way,
        }
    }

    /// A pass over the given steps.
    pub fn pass<'a>(&self, steps: Steps<'a>) -> Box<dyn Pass + 'a> {
        match self.way {
            Way::Sliding(pass) => pass(),
            Way::Windows(of, check) => Box::new(Each {
                of,
                check,
                steps,
                now: vec![0.0; steps.scalars.len()],
                room: RefCell::default(),
            }),
        }
    }
}

/// A function that sees one window after another.
struct Each<'a> {
    of: OfWindow,
    check: Check,
    steps: Steps<'a>,
    now: Vec<f64>,
    room: RefCell<Vec<f64>>,
}

impl Pass for Each<'_> {
    fn row(&mut self, loaded: &Loaded<'_>, out: &mut [f64]) -> Result<(), QueryError> {
        for (at, (out, (from, to))) in out.iter_mut().zip(loaded.spans).enumerate() {
            *out = absent();
            if from == to {
                continue;
            }
            let step = self.steps.first + at;
            for (now, all) in self.now.iter_mut().zip(self.steps.scalars) {
                *now = all[step];
            }
            (self.check)(&self.now)?;
            let window = Window {
                times_ms: &loaded.columns.times_ms[*from..*to],
                values: &loaded.columns.values[*from..*to],
                now_ms: self.steps.grid.time(step),
                scalars: &self.now,
                room: &self.room,
            };
            if let Some(value) = (self.of)(&window) {
                *out = value;
            }
        }
        Ok(())
    }
}
