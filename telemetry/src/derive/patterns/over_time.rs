//! How often each pattern comes in each step of a window. Knows nothing of novelty.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Miner;
use crate::error::QueryError;
use crate::logs::{Plan, Segment};

/// A pattern of one level, over all services.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternCounts {
    /// Level of its lines.
    pub level: &'static str,
    /// Their text, [`super::VALUE`] for what differs.
    pub template: String,
    /// Lines by number of the step from the window's start on.
    pub steps: BTreeMap<i64, u64>,
}

/// The patterns of the lines that `plan` finds in `start_ns..end_ns`, by steps of `step_ns`, sorted by level and template.
///
/// # Errors
/// [`QueryError::Limit`] when it takes too long.
pub fn pattern_counts(
    segments: &[Arc<Segment>],
    plan: &Plan,
    (start_ns, end_ns): (i64, i64),
    step_ns: i64,
) -> Result<Vec<PatternCounts>, QueryError> {
    let mut miner = Miner::default();
    let mut counts: Vec<BTreeMap<i64, u64>> = Vec::new();
    plan.each(segments, (start_ns, end_ns), |entry| {
        let (row, line) = (&entry.row, &entry.line);
        let stream = miner.stream(&row.origin().service, row.level().name());
        let step = row.ts_ns().saturating_sub(start_ns) / step_ns.max(1);
        if let Some(at) = miner.add(stream, line, row.ts_ns(), false) {
            counts.resize_with(miner.templates.len(), BTreeMap::new);
            *counts[at].entry(step).or_default() += 1;
        }
    })?;
    let mut found: BTreeMap<(&'static str, String), BTreeMap<i64, u64>> = BTreeMap::new();
    for (template, steps) in miner.templates.iter().zip(counts) {
        let pattern = template.pattern(&miner, None);
        let kept = found.entry((pattern.level, pattern.template)).or_default();
        for (step, count) in steps {
            *kept.entry(step).or_default() += count;
        }
    }
    let one = |((level, template), steps)| PatternCounts {
        level,
        template,
        steps,
    };
    Ok(found.into_iter().map(one).collect())
}
