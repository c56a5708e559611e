//! How many lines streams have, and how many bytes, step by step. Looks at no line where a line's stream
//! and time tell enough.

use std::collections::HashMap;
use std::sync::Arc;

use super::record::Level;
use super::scan::{Deadline, Plan, overlapping};
use super::segment::Segment;
use super::tally::Amount;
use crate::attributes::Text;
use crate::error::QueryError;

/// Service, level and number of the step, and what there is of it.
pub type Volumes = HashMap<(Text, Level, i64), Amount>;

/// The lines with `start_ns <= ts < end_ns` that the selector and the line filters of `plan` let pass, by
/// stream and by `step_of` their time, which must not fall while time rises. Further stages of the plan
/// are not looked at.
///
/// # Errors
/// [`QueryError::Limit`] when it takes too long.
pub fn volumes(
    plan: &Plan,
    segments: &[Arc<Segment>],
    window_ns: (i64, i64),
    step_of: impl Fn(i64) -> i64,
) -> Result<Volumes, QueryError> {
    let deadline = Deadline::start();
    let mut volumes = Volumes::new();
    for segment in overlapping(segments, window_ns) {
        deadline.check()?;
        let mut add = |stream: usize, step: i64, amount: Amount| {
            let stream = &segment.streams()[stream];
            let key = (stream.origin.service.clone(), stream.level, step);
            volumes.entry(key).or_default().add(amount);
        };
        if let Some(step) = single_step(plan, segment, window_ns, &step_of) {
            for (index, stream) in segment.streams().iter().enumerate() {
                if plan.selects(stream) {
                    let (lines, bytes) = (stream.rows, stream.body_bytes);
                    add(index, step, Amount { lines, bytes });
                }
            }
            continue;
        }
        let Some(rows) = plan.candidates(segment, window_ns) else {
            continue;
        };
        let (times, streams) = (segment.times_ns(), segment.stream_indexes());
        let bodies = segment.bodies();
        // the step that each stream is at, and what came of it since
        let mut at: Vec<(i64, Amount)> = vec![(0, Amount::default()); segment.streams().len()];
        for row in rows.iter() {
            let stream = usize::from(streams[row]);
            let (step, so_far) = &mut at[stream];
            let now = step_of(times[row]);
            if now != *step && so_far.lines > 0 {
                add(stream, *step, std::mem::take(so_far));
            }
            *step = now;
            let bytes = (bodies.end(row) - bodies.start(row)) as u64;
            so_far.add(Amount { lines: 1, bytes });
        }
        for (stream, (step, amount)) in at.into_iter().enumerate() {
            if amount.lines > 0 {
                add(stream, step, amount);
            }
        }
    }
    Ok(volumes)
}

/// The step of all rows of a segment, where it has but one and the whole segment is asked for.
fn single_step(
    plan: &Plan,
    segment: &Segment,
    (start_ns, end_ns): (i64, i64),
    step_of: impl Fn(i64) -> i64,
) -> Option<i64> {
    let (first, last) = segment.span_ns()?;
    let whole = start_ns <= first && last < end_ns && plan.pipeline().filters().is_empty();
    let step = step_of(first);
    (whole && plan.pipeline().trace().is_none() && step == step_of(last)).then_some(step)
}
