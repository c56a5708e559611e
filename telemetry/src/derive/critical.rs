//! A trace's critical path: the spans, and the parts of them, that had to be shorter for the trace to be
//! shorter. Knows no store.
//!
//! The algorithm is that of Uber's CRISP (Zhang et al., USENIX ATC 2022) and of Jaeger: from the end of
//! the root backwards, the child that finished last before the moment determined it; then what finished
//! before that child began. What no child covers is the span's own. Children are cut to the time of their
//! parent, for clocks differ; one that lies outside of it, or consumes what its parent only produced, was
//! not waited for. So the sections cover the time of the root exactly once.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::tree::{Tree, covered_ns};
use super::{Cut, SPANS_MAX, most};
use crate::attributes::hex;
use crate::traces::Trace;
use crate::traces::span::Kind;

/// The critical path of a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CriticalPath {
    /// The trace, hexadecimal.
    pub trace_id: String,
    /// The span from whose end it is walked, hexadecimal: the trace's root.
    pub root_span_id: String,
    /// Begin of the root, ns.
    pub start_ns: i64,
    /// Length of the root, ns: the sum of all `path_ns`.
    pub duration_ns: i64,
    /// Spans on the path, by begin.
    pub spans: Vec<PathSpan>,
    /// The same by service and name, the greatest share first.
    pub operations: Vec<PathOperation>,
    /// Children that were cut to the time of their parent: their clock differs, or nobody waited for their end.
    pub clamped: usize,
    /// Children that were left out: outside of their parent's time, or consumers of what it produced.
    pub detached: usize,
    /// Spans of the trace whose parent is not held: what lies below them is not on the path.
    pub orphans: usize,
    /// Rings of parents, which a broken emitter made.
    pub rings: usize,
    /// Limits that were met.
    pub limits: Vec<Cut>,
}

/// A span on the critical path.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathSpan {
    /// Hexadecimal.
    pub span_id: String,
    /// Hexadecimal; `None` at a root.
    pub parent_span_id: Option<String>,
    /// Service that did it.
    pub service: String,
    /// What was done.
    pub name: String,
    /// Kind, as in TraceQL.
    pub kind: &'static str,
    /// Begin, ns.
    pub start_ns: i64,
    /// Length, ns.
    pub duration_ns: i64,
    /// Time in which none of its children ran, ns.
    pub self_ns: i64,
    /// Time that is its own on the path, ns.
    pub path_ns: i64,
    /// The same as a share of the path, 0 to 1.
    pub share: f64,
    /// Begin and end of the parts that are its own, ns, in order of time.
    pub sections_ns: Vec<(i64, i64)>,
}

/// What spans of one name have on the critical path.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathOperation {
    /// Service.
    pub service: String,
    /// Name of the spans.
    pub name: String,
    /// How many of them are on the path.
    pub spans: usize,
    /// Their time on it, ns.
    pub path_ns: i64,
    /// The same as a share of the path, 0 to 1.
    pub share: f64,
}

/// A span that is being walked, from its end to its begin.
struct Frame {
    at: usize,
    start_ns: i64,
    /// Everything after this is accounted for.
    until_ns: i64,
    /// Place, begin and end of the children within the span, what ended last at the end of the list.
    children: Vec<(usize, i64, i64)>,
}

/// What a walk found.
#[derive(Default)]
struct Walk {
    /// Sections of each place.
    sections: HashMap<usize, Vec<(i64, i64)>>,
    clamped: usize,
    detached: usize,
}

/// The critical path of a trace.
#[must_use]
pub fn critical_path(trace: &Trace) -> CriticalPath {
    let tree = Tree::new(trace);
    let root = tree.root();
    let walk = walk(&tree, root);
    let duration_ns = tree.span(root).duration_ns();
    let mut spans: Vec<PathSpan> = walk
        .sections
        .into_iter()
        .map(|(at, sections)| path_span(&tree, at, sections, duration_ns))
        .collect();
    let operations = operations(&spans, duration_ns);
    let mut limits = Vec::new();
    spans.sort_by(|a, b| (b.path_ns, &a.span_id).cmp(&(a.path_ns, &b.span_id)));
    most(&mut spans, SPANS_MAX, "spans", &mut limits);
    spans.sort_by_key(|span| (span.start_ns, -span.duration_ns));
    CriticalPath {
        trace_id: hex(&trace.id),
        root_span_id: hex(&tree.span(root).span_id),
        start_ns: tree.span(root).start_ns,
        duration_ns,
        spans,
        operations,
        clamped: walk.clamped,
        detached: walk.detached,
        orphans: tree.orphans,
        rings: tree.rings,
        limits,
    }
}

fn walk(tree: &Tree<'_>, root: usize) -> Walk {
    let mut walk = Walk::default();
    let span = tree.span(root);
    let mut frames = vec![frame(
        tree,
        root,
        (span.start_ns, span.end_ns),
        &mut walk.clamped,
        &mut walk.detached,
    )];
    while let Some(top) = frames.last_mut() {
        // a child that ended later overlaps one that is on the path: it did not hold the path up
        let next = std::iter::from_fn(|| top.children.pop())
            .find(|(_, _, end_ns)| *end_ns <= top.until_ns);
        let own_from_ns = next.map_or(top.start_ns, |(_, _, end_ns)| end_ns);
        let sections = walk.sections.entry(top.at).or_default();
        if own_from_ns < top.until_ns {
            sections.push((own_from_ns, top.until_ns));
        }
        match next {
            Some((at, start_ns, end_ns)) => {
                top.until_ns = start_ns;
                let below = frame(
                    tree,
                    at,
                    (start_ns, end_ns),
                    &mut walk.clamped,
                    &mut walk.detached,
                );
                frames.push(below);
            }
            None => {
                sections.reverse();
                frames.pop();
            }
        }
    }
    walk
}

/// Begins to walk a span within `start_ns..end_ns`.
fn frame(
    tree: &Tree<'_>,
    at: usize,
    (start_ns, end_ns): (i64, i64),
    clamped: &mut usize,
    detached: &mut usize,
) -> Frame {
    let produces = tree.span(at).kind == Kind::Producer;
    let mut children = Vec::new();
    for &child in &tree.children[at] {
        let span = tree.span(child);
        let within = (span.start_ns.max(start_ns), span.end_ns.min(end_ns));
        // what takes no time determines none
        if within.0 >= within.1 || (produces && span.kind == Kind::Consumer) {
            *detached += usize::from(span.end_ns > span.start_ns);
            continue;
        }
        *clamped += usize::from(within != (span.start_ns, span.end_ns));
        children.push((child, within.0, within.1));
    }
    children.sort_by_key(|&(child, from_ns, to_ns)| (to_ns, from_ns, std::cmp::Reverse(child)));
    Frame {
        at,
        start_ns,
        until_ns: end_ns,
        children,
    }
}

fn path_span(tree: &Tree<'_>, at: usize, sections: Vec<(i64, i64)>, duration_ns: i64) -> PathSpan {
    let span = tree.span(at);
    let path_ns = sections.iter().map(|(from, to)| to - from).sum();
    PathSpan {
        span_id: hex(&span.span_id),
        parent_span_id: span.parent.map(|id| hex(&id)),
        service: span.service().to_owned(),
        name: span.name.to_string(),
        kind: span.kind.name(),
        start_ns: span.start_ns,
        duration_ns: span.duration_ns(),
        self_ns: self_ns(tree, at),
        path_ns,
        share: share(path_ns, duration_ns),
        sections_ns: sections,
    }
}

/// Time in which none of a span's children ran, ns.
pub(super) fn self_ns(tree: &Tree<'_>, at: usize) -> i64 {
    let span = tree.span(at);
    let mut within: Vec<(i64, i64)> = tree.children[at]
        .iter()
        .map(|&child| tree.span(child))
        .map(|child| {
            (
                child.start_ns.max(span.start_ns),
                child.end_ns.min(span.end_ns),
            )
        })
        .collect();
    span.duration_ns() - covered_ns(&mut within)
}

/// A part of a time as a share; 0 of nothing.
pub(super) fn share(part_ns: i64, whole_ns: i64) -> f64 {
    if whole_ns > 0 {
        part_ns as f64 / whole_ns as f64
    } else {
        0.0
    }
}

fn operations(spans: &[PathSpan], duration_ns: i64) -> Vec<PathOperation> {
    let mut sums: BTreeMap<(&str, &str), (usize, i64)> = BTreeMap::new();
    for span in spans {
        let sum = sums.entry((&span.service, &span.name)).or_default();
        sum.0 += 1;
        sum.1 += span.path_ns;
    }
    let one = |((service, name), (spans, path_ns)): ((&str, &str), (usize, i64))| PathOperation {
        service: service.to_owned(),
        name: name.to_owned(),
        spans,
        path_ns,
        share: share(path_ns, duration_ns),
    };
    let mut operations: Vec<_> = sums.into_iter().map(one).collect();
    operations.sort_by_key(|operation| std::cmp::Reverse(operation.path_ns));
    operations
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::derive::fixture::{at, chain, trace};
    use crate::traces::fixture::Shape;

    const MS: i64 = 1_000_000;

    /// Last digits of the ids on the path, with their own time on it in ms.
    fn path(spans: &[(&'static str, Shape)]) -> Vec<(u8, i64)> {
        let path = critical_path(&trace(spans));
        let id = |span: &PathSpan| u8::from_str_radix(&span.span_id[14..], 16).unwrap();
        path.spans
            .iter()
            .map(|span| (id(span), span.path_ns / MS))
            .collect()
    }

    #[test]
    fn what_ended_last_is_on_the_path_and_what_ran_beside_it_is_not() {
        // 1 ├─ 2 ──┤   ├─ 4 ──┤   2 and 3 at once, 3 ends later; then 4 with 5 inside
        //   ├─ 3 ────┤   ├5┤
        let spans = [
            at(1, 0, "a", "root", 0, 100),
            at(2, 1, "b", "fast", 10, 40),
            at(3, 1, "c", "slow", 10, 50),
            at(4, 1, "d", "last", 60, 95),
            at(5, 4, "e", "inner", 70, 80),
        ];
        // root: 0..10, 50..60, 95..100
        assert_eq!(path(&spans), [(1, 25), (3, 40), (4, 25), (5, 10)]);
        let path = critical_path(&trace(&spans));
        assert_eq!(
            path.spans[0].sections_ns,
            [(0, 10 * MS), (50 * MS, 60 * MS), (95 * MS, 100 * MS)]
        );
        assert_eq!(path.spans[0].self_ns, 25 * MS);
        assert_eq!(path.operations[0].name, "slow");
        assert!((path.operations[0].share - 0.4).abs() < 1e-12);
        assert_eq!((path.clamped, path.detached, path.orphans), (0, 0, 0));
    }

    #[test]
    fn one_after_the_other_are_all_on_the_path() {
        let spans = [
            at(1, 0, "a", "root", 0, 30),
            at(2, 1, "a", "query", 0, 10),
            at(3, 1, "a", "query", 10, 20),
            at(4, 1, "a", "query", 20, 30),
        ];
        assert_eq!(path(&spans), [(1, 0), (2, 10), (3, 10), (4, 10)]);
    }

    #[test]
    fn clocks_that_differ_are_cut_to_the_parent() {
        // 2 seems to begin before its parent and 3 to end after it; 4 lies wholly outside
        let spans = [
            at(1, 0, "a", "root", 100, 200),
            at(2, 1, "b", "early", 80, 120),
            at(3, 1, "b", "late", 150, 260),
            at(4, 1, "b", "elsewhen", 300, 400),
        ];
        assert_eq!(path(&spans), [(2, 20), (1, 30), (3, 50)]);
        let path = critical_path(&trace(&spans));
        assert_eq!((path.clamped, path.detached), (2, 1));
        assert_eq!(path.duration_ns, 100 * MS);
    }

    #[test]
    fn nobody_waits_for_a_consumer_of_what_it_only_produced() {
        let mut send = at(2, 1, "a", "send", 10, 90);
        send.1.kind = 4;
        let mut receive = at(3, 2, "b", "receive", 20, 80);
        receive.1.kind = 5;
        let spans = [at(1, 0, "a", "root", 0, 100), send, receive];
        assert_eq!(path(&spans), [(1, 20), (2, 80)]);
        assert_eq!(critical_path(&trace(&spans)).detached, 1);
    }

    #[test]
    fn a_second_root_orphans_and_rings_are_counted_and_left_out() {
        let spans = [
            at(1, 0, "a", "root", 0, 50),
            at(2, 0, "a", "second root", 10, 90),
            at(3, 77, "a", "orphan", 20, 30),
            at(4, 5, "a", "ring", 21, 30),
            at(5, 4, "a", "ring", 22, 30),
        ];
        assert_eq!(path(&spans), [(1, 50)]);
        let path = critical_path(&trace(&spans));
        assert_eq!((path.orphans, path.rings), (1, 1));
    }

    #[test]
    fn a_trace_that_takes_no_time_has_no_shares() {
        let path = critical_path(&trace(&[at(1, 0, "a", "root", 5, 5)]));
        assert_eq!((path.duration_ns, path.spans[0].share), (0, 0.0));
    }

    #[test]
    fn the_deepest_and_the_widest_trace_are_walked_without_recursion() {
        let deep = critical_path(&chain(100_000));
        assert_eq!(deep.spans.len(), SPANS_MAX);
        assert_eq!(deep.limits[0].held, 100_000);
        let mut wide: Vec<_> = (2..50_000)
            .map(|span| at(span, 1, "a", "query", span, span + 1))
            .collect();
        wide.push(at(1, 0, "a", "root", 0, 60_000));
        let wide = critical_path(&trace(&wide));
        assert_eq!(
            (wide.operations[0].spans, wide.operations[0].path_ns / MS),
            (49_998, 49_998)
        );
    }

    proptest! {
        /// Whatever the spans, the path covers the root's time exactly once.
        #[test]
        fn the_sections_cover_the_root_exactly_once(
            spans in proptest::collection::vec((0_u64..12, 0_u64..100, 0_u64..60, 1_i32..6), 1..12)
        ) {
            let shapes: Vec<_> = spans.iter().zip(1..).map(|((parent, start, length, kind), id)| {
                let mut span = at(id, *parent, "a", "x", *start, start + length);
                span.1.kind = *kind;
                span
            }).collect();
            let path = critical_path(&trace(&shapes));
            let mut sections: Vec<_> = path.spans.iter().flat_map(|span| span.sections_ns.clone()).collect();
            sections.sort_unstable();
            let mut at_ns = path.start_ns;
            for (from_ns, to_ns) in sections {
                prop_assert_eq!(from_ns, at_ns);
                at_ns = to_ns;
            }
            prop_assert_eq!(at_ns, path.start_ns + path.duration_ns);
            for span in &path.spans {
                prop_assert!(span.self_ns >= 0 && span.self_ns <= span.duration_ns);
            }
        }
    }
}
