//! Two traces side by side, aligned by structure: spans whose way from the root has the same services and
//! names are the same step. Says what was added, removed, slower, faster. Knows no store.
//!
//! As a span's time holds that of its children, rows are ordered by the difference in self time: the step
//! where time is lost comes before those that only wait for it.

use std::collections::HashMap;

use serde::Serialize;

use super::critical::self_ns;
use super::tree::Tree;
use super::{Cut, ROWS_MAX, most};
use crate::attributes::hex;
use crate::traces::Trace;
use crate::traces::span::Status;

/// Steps of a path that are written out; of a longer one the last.
const PATH_STEPS: usize = 32;

/// A difference in time counts from this share of the longer on …
const DIFFERS_SHARE: f64 = 0.1;
/// … and from this length on, ns: below a millisecond a machine's noise is greater than any cause.
const DIFFERS_NS: i64 = 1_000_000;

/// Two traces compared; `a` is the one before, `b` the one after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The first trace.
    pub a: Side,
    /// The second trace.
    pub b: Side,
    /// Steps, the greatest difference in self time first.
    pub steps: Vec<Step>,
    /// How many steps were added.
    pub added: usize,
    /// How many were removed.
    pub removed: usize,
    /// How many take longer.
    pub slower: usize,
    /// How many take less long.
    pub faster: usize,
    /// Limits that were met.
    pub limits: Vec<Cut>,
}

/// One of the traces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// Hexadecimal.
    pub trace_id: String,
    /// From the first begin to the last end, ns.
    pub duration_ns: i64,
    /// How many spans it has.
    pub spans: usize,
    /// How many of them failed.
    pub errors: usize,
}

/// How a step of `b` differs from that of `a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Only `b` has it.
    Added,
    /// Only `a` has it.
    Removed,
    /// It takes longer in `b`, by a tenth and a millisecond at least.
    Slower,
    /// It takes less long in `b`, likewise.
    Faster,
    /// Neither.
    Same,
}

/// Spans of one way from the root.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Service.
    pub service: String,
    /// Name of the spans.
    pub name: String,
    /// `service: name` of each span from the root down, this one last; the last 32 of a longer way.
    pub path: Vec<String>,
    /// Spans above it.
    pub depth: usize,
    /// How it differs.
    pub change: Change,
    /// Its spans in `a`.
    pub a: Sum,
    /// Its spans in `b`.
    pub b: Sum,
    /// How much more time the spans take in `b`, ns.
    pub difference_ns: i64,
    /// How much more of it is their own, ns.
    pub self_difference_ns: i64,
}

/// The spans of a step in one trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many.
    pub count: usize,
    /// How many failed.
    pub errors: usize,
    /// Sum of their lengths, ns.
    pub total_ns: i64,
    /// Sum of the time in which none of their children ran, ns.
    pub self_ns: i64,
}

/// Steps as a tree: each with the one above it.
#[derive(Default)]
struct Steps<'a> {
    known: HashMap<(Option<usize>, &'a str, &'a str), usize>,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    above: Option<usize>,
    service: &'a str,
    name: &'a str,
    depth: usize,
    sums: [Sum; 2],
}

/// Compares `b` with `a`.
#[must_use]
pub fn compare(a: &Trace, b: &Trace) -> Comparison {
    let mut steps = Steps::default();
    let trees = [Tree::new(a), Tree::new(b)];
    for (side, tree) in trees.iter().enumerate() {
        steps.add(tree, side);
    }
    let mut found: Vec<(usize, Change, i64, i64)> = steps
        .rows
        .iter()
        .enumerate()
        .map(|(at, row)| {
            let [a, b] = row.sums;
            let (total, own) = (b.total_ns - a.total_ns, b.self_ns - a.self_ns);
            (at, change(&a, &b), total, own)
        })
        .collect();
    found.sort_by_key(|&(at, _, total, own)| (std::cmp::Reverse((own.abs(), total.abs())), at));
    let count = |wanted: Change| found.iter().filter(|row| row.1 == wanted).count();
    let [added, removed, slower, faster] = [
        Change::Added,
        Change::Removed,
        Change::Slower,
        Change::Faster,
    ]
    .map(count);
    let mut limits = Vec::new();
    most(&mut found, ROWS_MAX, "steps", &mut limits);
    let steps = found.into_iter().map(|(at, change, total, own)| {
        let row = &steps.rows[at];
        Step {
            service: row.service.to_owned(),
            name: row.name.to_owned(),
            path: steps.path(at),
            depth: row.depth,
            change,
            a: row.sums[0],
            b: row.sums[1],
            difference_ns: total,
            self_difference_ns: own,
        }
    });
    Comparison {
        a: side(a),
        b: side(b),
        steps: steps.collect(),
        added,
        removed,
        slower,
        faster,
        limits,
    }
}

impl<'a> Steps<'a> {
    fn add(&mut self, tree: &Tree<'a>, side: usize) {
        let mut step_of = vec![0; tree.trace.spans.len()];
        for at in tree.top_down() {
            let span = tree.span(at);
            let above = tree.parent[at].map(|parent| step_of[parent]);
            let depth = above.map_or(0, |above| self.rows[above].depth + 1);
            let key = (above, span.service(), &*span.name);
            let step = *self.known.entry(key).or_insert_with(|| {
                self.rows.push(Row {
                    above,
                    service: span.service(),
                    name: &span.name,
                    depth,
                    sums: [Sum::default(); 2],
                });
                self.rows.len() - 1
            });
            step_of[at] = step;
            let sum = &mut self.rows[step].sums[side];
            sum.count += 1;
            sum.errors += usize::from(span.status == Status::Error);
            sum.total_ns = sum.total_ns.saturating_add(span.duration_ns());
            sum.self_ns = sum.self_ns.saturating_add(self_ns(tree, at));
        }
    }

    fn path(&self, at: usize) -> Vec<String> {
        let up = std::iter::successors(Some(at), |at| self.rows[*at].above);
        let mut path: Vec<String> = up
            .take(PATH_STEPS)
            .map(|at| format!("{}: {}", self.rows[at].service, self.rows[at].name))
            .collect();
        path.reverse();
        path
    }
}

fn change(a: &Sum, b: &Sum) -> Change {
    let difference = b.total_ns - a.total_ns;
    let longer = a.total_ns.max(b.total_ns) as f64;
    let differs =
        difference.abs() >= DIFFERS_NS && difference.abs() as f64 >= DIFFERS_SHARE * longer;
    match (a.count, b.count) {
        (0, _) => Change::Added,
        (_, 0) => Change::Removed,
        _ if !differs => Change::Same,
        _ if difference > 0 => Change::Slower,
        _ => Change::Faster,
    }
}

fn side(trace: &Trace) -> Side {
    let failed = trace
        .spans
        .iter()
        .filter(|span| span.status == Status::Error);
    Side {
        trace_id: hex(&trace.id),
        duration_ns: trace.duration_ns(),
        spans: trace.spans.len(),
        errors: failed.count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::fixture::{at, chain, trace};

    const MS: i64 = 1_000_000;

    #[test]
    fn what_was_added_removed_or_takes_longer_is_told_where_the_time_is_lost_first() {
        let before = trace(&[
            at(1, 0, "front", "GET /", 0, 100),
            at(2, 1, "front", "call", 10, 90),
            at(3, 2, "shop", "GET /items", 20, 80),
            at(4, 3, "shop", "SELECT", 30, 40),
            at(5, 1, "front", "cache", 0, 5),
        ]);
        let after = trace(&[
            at(1, 0, "front", "GET /", 0, 300),
            at(2, 1, "front", "call", 10, 290),
            at(3, 2, "shop", "GET /items", 20, 280),
            at(4, 3, "shop", "SELECT", 30, 100),
            at(6, 3, "shop", "SELECT", 100, 200),
            at(7, 3, "shop", "lock", 200, 240),
        ]);
        let found = compare(&before, &after);
        let row = |step: &Step| (step.name.clone(), step.change, step.self_difference_ns / MS);
        assert_eq!(
            found.steps.iter().map(row).collect::<Vec<_>>(),
            [
                ("SELECT".into(), Change::Slower, 160),
                ("lock".into(), Change::Added, 40),
                ("GET /".into(), Change::Slower, 5),
                ("cache".into(), Change::Removed, -5),
                // they only wait for what is below
                ("call".into(), Change::Slower, 0),
                ("GET /items".into(), Change::Slower, 0),
            ]
        );
        let slow = &found.steps[0];
        assert_eq!((slow.a.count, slow.b.count, slow.depth), (1, 2, 3));
        assert_eq!(
            slow.path,
            [
                "front: GET /",
                "front: call",
                "shop: GET /items",
                "shop: SELECT"
            ]
        );
        assert_eq!(
            (found.added, found.removed, found.slower, found.faster),
            (1, 1, 4, 0)
        );
        assert_eq!((found.a.duration_ns, found.b.spans), (100 * MS, 6));
        let back = compare(&after, &before);
        assert_eq!((back.added, back.removed, back.faster), (1, 1, 4));
    }

    #[test]
    fn a_trace_is_the_same_as_itself() {
        let trace = chain(20);
        let found = compare(&trace, &trace);
        assert!(found.steps.iter().all(|step| step.change == Change::Same));
        assert_eq!(found.steps.len(), 20);
    }

    #[test]
    fn a_name_under_another_parent_is_another_step() {
        let one = trace(&[at(1, 0, "a", "root", 0, 9), at(2, 1, "a", "x", 0, 9)]);
        let other = trace(&[at(1, 0, "a", "root", 0, 9), at(2, 0, "a", "x", 0, 9)]);
        let found = compare(&one, &other);
        assert_eq!((found.added, found.removed), (1, 1));
    }

    #[test]
    fn the_deepest_trace_gives_a_bounded_answer() {
        let found = compare(&chain(100_000), &chain(3));
        assert_eq!((found.steps.len(), found.removed), (ROWS_MAX, 99_997));
        assert!(found.steps.iter().all(|step| step.path.len() <= PATH_STEPS));
        assert_eq!(found.limits[0].held, 100_000);
    }
}
