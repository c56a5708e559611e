//! TraceQL's expressions of span sets on one trace: which spans stand in the relation that was asked for. Each span is walked
//! over once, however deep the trace.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::ast::{FieldExpr, SpansetExpr, SpansetOp};
use super::evaluate::{Spans, holds};
use crate::logs::record::SpanId;

/// For each span of a trace whether it is chosen.
type Chosen = Vec<bool>;

/// The spans that an expression selects.
pub(super) fn select(expression: &SpansetExpr, spans: &impl Spans) -> Chosen {
    match expression {
        SpansetExpr::Filter(filter) => fitting(filter, spans),
        SpansetExpr::Operation(..) => chosen(expression, spans, &Family::of(spans)),
    }
}

fn fitting(filter: &FieldExpr, spans: &impl Spans) -> Chosen {
    let all = 0..spans.count();
    all.map(|at| holds(filter, spans, at)).collect()
}

fn chosen(expression: &SpansetExpr, spans: &impl Spans, family: &Family) -> Chosen {
    let (op, left, right) = match expression {
        SpansetExpr::Filter(filter) => return fitting(filter, spans),
        SpansetExpr::Operation(op, left, right) => (*op, left, right),
    };
    let left = chosen(left, spans, family);
    let needs_both = op != SpansetOp::Or;
    if needs_both && !left.contains(&true) {
        return left;
    }
    let right = chosen(right, spans, family);
    if needs_both && !right.contains(&true) {
        return right;
    }
    let pairs = |left: &Chosen, both: fn(bool, bool) -> bool| {
        let pairs = left.iter().zip(&right);
        pairs.map(|(&left, &right)| both(left, right)).collect()
    };
    match family.related(op, &left) {
        None => pairs(&left, |left, right| left || right),
        Some(related) => pairs(&related, |related, right| related && right),
    }
}

/// Who is whose parent.
struct Family {
    /// Of each span its parent's place, if it is held.
    parent: Vec<Option<usize>>,
    /// Of each span its parent's id, held or not.
    parent_id: Vec<Option<SpanId>>,
}

impl Family {
    fn of(spans: &impl Spans) -> Self {
        let count = spans.count();
        let mut places: HashMap<SpanId, usize, RandomState> =
            HashMap::with_capacity_and_hasher(count, RandomState::default());
        let mut parent_id = Vec::with_capacity(count);
        for at in 0..count {
            let (id, parent) = spans.ids(at);
            places.insert(id, at);
            parent_id.push(parent);
        }
        let place = |id: &Option<SpanId>| places.get(id.as_ref()?).copied();
        Self {
            parent: parent_id.iter().map(place).collect(),
            parent_id,
        }
    }

    /// The spans that stand in a relation to one on the left; `None` where single spans need none.
    fn related(&self, op: SpansetOp, left: &Chosen) -> Option<Chosen> {
        let of_parent = |side: &Chosen| -> Chosen {
            let chosen = |parent: &Option<usize>| parent.is_some_and(|at| side[at]);
            self.parent.iter().map(chosen).collect()
        };
        Some(match op {
            SpansetOp::And | SpansetOp::Or => return None,
            SpansetOp::Child => of_parent(left),
            SpansetOp::Descendant => self.below(left),
            SpansetOp::Parent => {
                let mut parents = vec![false; left.len()];
                for at in places(left).filter_map(|at| self.parent[at]) {
                    parents[at] = true;
                }
                parents
            }
            SpansetOp::Ancestor => self.above(left),
            SpansetOp::Sibling => self.siblings(left),
        })
    }

    /// The spans above any of these. A ring that a broken emitter made of parents ends where it began.
    fn above(&self, left: &Chosen) -> Chosen {
        let mut above = vec![false; left.len()];
        for at in places(left) {
            let mut next = self.parent[at];
            while let Some(at) = next.filter(|&at| !above[at]) {
                above[at] = true;
                next = self.parent[at];
            }
        }
        above
    }

    /// The spans below any of these, in the same manner.
    fn below(&self, left: &Chosen) -> Chosen {
        let mut known: Vec<Option<bool>> = vec![None; left.len()];
        // where on the way up from the span at hand each one is
        let mut step: Vec<Option<usize>> = vec![None; left.len()];
        for span in 0..left.len() {
            let mut path: Vec<usize> = Vec::new();
            let mut at = Some(span);
            while let Some(span) = at.filter(|&span| known[span].is_none()) {
                if let Some(ring) = step[span] {
                    // all of a ring are below each other
                    let ring = path.split_off(ring);
                    let below = ring.iter().any(|&span| left[span]);
                    ring.iter().for_each(|&span| known[span] = Some(below));
                    break;
                }
                step[span] = Some(path.len());
                path.push(span);
                at = self.parent[span];
            }
            while let Some(span) = path.pop() {
                let parent = self.parent[span];
                let below = parent.is_some_and(|at| left[at] || known[at] == Some(true));
                known[span] = Some(below);
            }
        }
        known.into_iter().map(|below| below == Some(true)).collect()
    }

    /// The spans that share their parent, held or not, with another of these.
    fn siblings(&self, left: &Chosen) -> Chosen {
        // of each parent: how many of its children are on the left, and one of them
        let mut children: HashMap<SpanId, (usize, usize), RandomState> = HashMap::default();
        for at in places(left) {
            if let Some(parent) = self.parent_id[at] {
                children.entry(parent).or_insert((0, at)).0 += 1;
            }
        }
        let related = |(at, parent): (usize, &Option<SpanId>)| {
            let found = parent.as_ref().and_then(|parent| children.get(parent));
            found.is_some_and(|&(count, one)| count > 1 || one != at)
        };
        self.parent_id.iter().enumerate().map(related).collect()
    }
}

fn places(chosen: &Chosen) -> impl Iterator<Item = usize> {
    (0..chosen.len()).filter(|&at| chosen[at])
}
