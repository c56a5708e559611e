//! The tree of a trace's spans, whatever an emitter made of their parents: orphans are roots, a ring is
//! cut open at its earliest span, so that every span has exactly one place. Knows no derivation; nothing
//! here recurses, however deep a trace is nested.

use std::collections::HashMap;

use crate::logs::record::SpanId;
use crate::traces::{Span, Trace};

/// The spans of a trace by place; places are those of [`Trace::spans`].
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub trace: &'a Trace,
    /// The parent's place; `None` at a root.
    pub parent: Vec<Option<usize>>,
    /// Places of the children, by begin.
    pub children: Vec<Vec<usize>>,
    /// Places of the roots, by begin.
    pub roots: Vec<usize>,
    /// Spans whose parent is not held.
    pub orphans: usize,
    /// Rings of parents that were cut open.
    pub rings: usize,
}

impl<'a> Tree<'a> {
    pub fn new(trace: &'a Trace) -> Self {
        let place: HashMap<SpanId, usize> = trace
            .spans
            .iter()
            .enumerate()
            .map(|(at, span)| (span.span_id, at))
            .collect();
        let mut orphans = 0;
        let mut parent: Vec<Option<usize>> = Vec::with_capacity(trace.spans.len());
        for span in &trace.spans {
            let at = span.parent.and_then(|id| place.get(&id).copied());
            orphans += usize::from(span.parent.is_some() && at.is_none());
            parent.push(at);
        }
        let rings = cut_rings(&mut parent);
        let mut children = vec![Vec::new(); parent.len()];
        let mut roots = Vec::new();
        for (at, above) in parent.iter().enumerate() {
            match above {
                Some(above) => children[*above].push(at),
                None => roots.push(at),
            }
        }
        Self {
            trace,
            parent,
            children,
            roots,
            orphans,
            rings,
        }
    }

    pub fn span(&self, at: usize) -> &'a Span {
        &self.trace.spans[at]
    }

    /// The place of the trace's root.
    pub fn root(&self) -> usize {
        let parentless = |at: &&usize| self.span(**at).parent.is_none();
        let root = self.roots.iter().find(parentless).or(self.roots.first());
        // a trace has spans, and a tree of spans a root
        root.copied().unwrap_or(0)
    }

    /// All places, every parent before its children.
    pub fn top_down(&self) -> Vec<usize> {
        let mut order = self.roots.clone();
        let mut next = 0;
        while let Some(&at) = order.get(next) {
            order.extend(&self.children[at]);
            next += 1;
        }
        order
    }
}

/// Makes one span of each ring of parents a root; returns how many rings there were.
fn cut_rings(parent: &mut [Option<usize>]) -> usize {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        // on the way up that began at this place
        From(usize),
    }
    let mut seen = vec![Seen::No; parent.len()];
    let mut rings = 0;
    for start in 0..parent.len() {
        let mut at = start;
        while seen[at] == Seen::No {
            seen[at] = Seen::From(start);
            match parent[at] {
                Some(above) if seen[above] == Seen::From(start) => {
                    // places are in order of time: the least place of the ring began first
                    let mut earliest = above;
                    let mut on_ring = above;
                    while let Some(next) = parent[on_ring].filter(|next| *next != above) {
                        earliest = earliest.min(next);
                        on_ring = next;
                    }
                    parent[earliest] = None;
                    rings += 1;
                    break;
                }
                Some(above) => at = above,
                None => break,
            }
        }
    }
    rings
}

/// Length of the time that intervals cover together, ns; overlaps count once.
pub(super) fn covered_ns(intervals: &mut [(i64, i64)]) -> i64 {
    intervals.sort_unstable();
    let (mut covered, mut until) = (0, i64::MIN);
    for &(from, to) in &*intervals {
        let from = from.max(until);
        if to > from {
            covered += to - from;
            until = to;
        }
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::fixture::{at, trace};

    #[test]
    fn every_span_has_one_place_in_the_tree_whatever_its_parents_say() {
        // 1 ─ 2; 3 is an orphan; 4 ─ 5 ─ 6 ─ 4 is a ring with 7 hanging on it; 8 is its own parent
        let trace = trace(&[
            at(1, 0, "a", "root", 0, 100),
            at(2, 1, "a", "child", 1, 2),
            at(3, 99, "a", "orphan", 3, 4),
            at(5, 4, "a", "ring", 5, 6),
            at(4, 6, "a", "ring", 6, 7),
            at(6, 5, "a", "ring", 7, 8),
            at(7, 6, "a", "on the ring", 8, 9),
            at(8, 8, "a", "own parent", 9, 10),
        ]);
        let tree = Tree::new(&trace);
        assert_eq!((tree.orphans, tree.rings), (1, 2));
        let id = |place: &usize| trace.spans[*place].span_id[7];
        assert_eq!(tree.roots.iter().map(id).collect::<Vec<_>>(), [1, 3, 5, 8]);
        let mut all: Vec<_> = tree.top_down().iter().map(id).collect();
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(id(&tree.root()), 1);
    }

    #[test]
    fn overlapping_times_count_once() {
        assert_eq!(covered_ns(&mut [(5, 9), (0, 4), (1, 2), (3, 6), (7, 7)]), 9);
        assert_eq!(covered_ns(&mut []), 0);
    }
}
