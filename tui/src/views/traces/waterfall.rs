//! One trace as rows: the tree of its spans, equal siblings folded into one row, and which spans are on the
//! critical path; what repeats and what is critical the lab derives. Pure: knows spans, no screen.

use std::collections::{HashMap, HashSet};

use crate::client::derived::{Derived, Operation};
use crate::client::tempo::Span;

/// Deepest nesting that is followed; a ring of parents in broken data ends there.
const DEEPEST: usize = 200;

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A span.
    Span {
        /// Its place among the spans.
        index: usize,
        /// How deep it is nested.
        depth: usize,
        /// Whether it has children, and whether they are folded away.
        folded: Option<bool>,
    },
    /// Equal siblings.
    Group {
        /// Their places among the spans, in order of time.
        members: Vec<usize>,
        /// How deep they are nested.
        depth: usize,
        /// Share of the trace's time in which at least one of them ran.
        share: f64,
        /// Whether they are shown below.
        open: bool,
    },
}

impl Row {
    /// The span that stands for the row.
    #[must_use]
    pub fn span(&self) -> usize {
        match self {
            Self::Span { index, .. } => *index,
            Self::Group { members, .. } => members[0],
        }
    }
}

/// Equal siblings: their places in order of time, and their share of the trace's time.
#[derive(Debug, Clone)]
struct Siblings {
    members: Vec<usize>,
    share: f64,
}

/// A trace that was read.
#[derive(Debug, Clone, Default)]
pub struct Waterfall {
    /// Its id.
    pub id: String,
    /// Its spans, in order of time.
    pub spans: Vec<Span>,
    /// Begin, nanoseconds.
    pub start_ns: i64,
    /// End, nanoseconds.
    pub end_ns: i64,
    /// Places of the spans on the critical path.
    pub critical: HashSet<usize>,
    /// What equal siblings do, under all their parents; the greatest share first.
    pub repeated: Vec<Operation>,
    groups: Vec<Siblings>,
    /// The group of a span that is in one.
    group_of: HashMap<usize, usize>,
    children: HashMap<usize, Vec<usize>>,
    roots: Vec<usize>,
}

impl Waterfall {
    /// Arranges the spans of a trace. What was derived of it may be younger than the spans by a moment: what it says of
    /// spans that are not there yet is left out.
    #[must_use]
    pub fn new(id: String, mut spans: Vec<Span>, derived: Derived) -> Self {
        spans.sort_by_key(|s| (s.start_ns, std::cmp::Reverse(s.end_ns)));
        let place: HashMap<&str, usize> = spans
            .iter()
            .enumerate()
            .map(|(i, s)| (s.id.as_str(), i))
            .collect();
        let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut roots = Vec::new();
        for (index, span) in spans.iter().enumerate() {
            match place.get(span.parent.as_str()).filter(|p| **p != index) {
                Some(parent) => children.entry(*parent).or_default().push(index),
                None => roots.push(index),
            }
        }
        let placed = |ids: &[String]| -> Vec<usize> {
            let places = ids.iter().filter_map(|id| place.get(id.as_str()).copied());
            places.collect()
        };
        let critical = derived
            .critical
            .iter()
            .filter_map(|id| place.get(id.as_str()).copied())
            .collect();
        let groups: Vec<Siblings> = derived
            .groups
            .iter()
            .map(|group| Siblings {
                members: placed(&group.span_ids),
                share: group.share,
            })
            .filter(|group| !group.members.is_empty())
            .collect();
        let mut group_of = HashMap::new();
        for (at, group) in groups.iter().enumerate() {
            group_of.extend(group.members.iter().map(|member| (*member, at)));
        }
        let start_ns = spans.iter().map(|s| s.start_ns).min().unwrap_or(0);
        let end_ns = spans
            .iter()
            .map(|s| s.end_ns)
            .max()
            .unwrap_or(0)
            .max(start_ns + 1);
        Self {
            id,
            start_ns,
            end_ns,
            critical,
            repeated: derived.operations,
            groups,
            group_of,
            children,
            roots,
            spans,
        }
    }

    /// Whether its root span is not there yet: a span arrives when it ends, so the request is still running. A root has no
    /// parent, or receives what a caller sent whose own span nobody keeps; then it is the earliest span.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let parentless = self.spans.iter().any(|s| s.parent.is_empty());
        let first = self.spans.first();
        !parentless && first.is_some_and(|s| !matches!(s.kind, "server" | "consumer"))
    }

    /// Duration in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.end_ns - self.start_ns) as f64 / 1e9
    }

    /// The rows to show, with these spans folded and these groups (by the id of their first member) open.
    #[must_use]
    pub fn rows(&self, folded: &HashSet<String>, open: &HashSet<String>) -> Vec<Row> {
        let mut out = Vec::new();
        self.siblings(&self.roots, 0, folded, open, &mut out);
        out
    }

    fn siblings(
        &self,
        siblings: &[usize],
        depth: usize,
        folded: &HashSet<String>,
        open: &HashSet<String>,
        out: &mut Vec<Row>,
    ) {
        if depth > DEEPEST {
            return;
        }
        for index in siblings {
            let group = self.group_of.get(index).map(|at| &self.groups[*at]);
            let first = group.map(|group| group.members[0]);
            let is_open = first.is_some_and(|first| open.contains(&self.spans[first].id));
            if let Some(group) = group.filter(|group| group.members[0] == *index) {
                out.push(Row::Group {
                    members: group.members.clone(),
                    depth,
                    share: group.share,
                    open: is_open,
                });
            }
            if group.is_some() && !is_open {
                continue;
            }
            let below = self.children.get(index).map_or(&[][..], Vec::as_slice);
            let is_folded = folded.contains(&self.spans[*index].id);
            let depth = depth + usize::from(group.is_some());
            out.push(Row::Span {
                index: *index,
                depth,
                folded: (!below.is_empty()).then_some(is_folded),
            });
            if !is_folded {
                self.siblings(below, depth + 1, folded, open, out);
            }
        }
    }

    /// Services that the trace enters more than once on the way down: a call that comes back.
    #[must_use]
    pub fn revisited(&self) -> Vec<String> {
        let mut out = Vec::new();
        for root in &self.roots {
            self.walk_revisited(*root, &mut Vec::new(), 0, &mut out);
        }
        out
    }

    fn walk_revisited(
        &self,
        index: usize,
        above: &mut Vec<String>,
        depth: usize,
        out: &mut Vec<String>,
    ) {
        if depth > DEEPEST {
            return;
        }
        let service = &self.spans[index].service;
        let entered = above.last() != Some(service);
        if entered && above.contains(service) && !out.contains(service) {
            out.push(service.clone());
        }
        if entered {
            above.push(service.clone());
        }
        for child in self.children.get(&index).map_or(&[][..], Vec::as_slice) {
            self.walk_revisited(*child, above, depth + 1, out);
        }
        if entered {
            above.pop();
        }
    }
}

/// What a span is called: its statement where it is a query, else its name.
#[must_use]
pub fn label(span: &Span) -> String {
    let statement = [
        "db.query.text",
        "db.statement",
        "db_query_text",
        "db_statement",
    ]
    .iter()
    .find_map(|k| span.attributes.get(*k));
    statement.cloned().unwrap_or_else(|| span.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::derived::Group;

    fn span(id: &str, parent: &str, service: &str, name: &str, from: i64, to: i64) -> Span {
        Span {
            id: id.to_owned(),
            parent: parent.to_owned(),
            service: service.to_owned(),
            name: name.to_owned(),
            start_ns: from,
            end_ns: to,
            ..Span::default()
        }
    }

    fn history() -> Waterfall {
        let mut spans = vec![
            span("r", "", "orders", "GET /orders", 0, 1000),
            span("x", "r", "orders", "render", 960, 990),
        ];
        spans.extend((0..9).map(|i| {
            span(
                &format!("q{i}"),
                "r",
                "orders",
                "SELECT items",
                i * 100,
                i * 100 + 80,
            )
        }));
        let derived = Derived {
            critical: HashSet::from(["r".to_owned(), "q8".to_owned(), "younger".to_owned()]),
            groups: vec![Group {
                span_ids: (0..9)
                    .map(|i| format!("q{i}"))
                    .chain(["younger".to_owned()])
                    .collect(),
                share: 0.72,
            }],
            operations: vec![Operation {
                service: "orders".to_owned(),
                name: "SELECT items".to_owned(),
                count: 9,
                share: 0.72,
            }],
        };
        Waterfall::new("t".to_owned(), spans, derived)
    }

    #[test]
    fn equal_siblings_become_one_row_with_their_share() {
        let waterfall = history();
        let rows = waterfall.rows(&HashSet::new(), &HashSet::new());
        assert_eq!(rows.len(), 3);
        let Row::Group { members, share, .. } = &rows[1] else {
            panic!("{rows:?}")
        };
        assert_eq!(members.len(), 9);
        assert!((share - 0.72).abs() < 1e-9);
        assert_eq!(waterfall.repeated[0].count, 9);
        let critical: HashSet<&str> = waterfall
            .critical
            .iter()
            .map(|i| waterfall.spans[*i].id.as_str())
            .collect();
        assert_eq!(critical, HashSet::from(["r", "q8"]));
        let opened = waterfall.rows(&HashSet::new(), &HashSet::from(["q0".to_owned()]));
        assert_eq!(opened.len(), 12);
    }

    #[test]
    fn a_service_that_calls_itself_through_others_is_named() {
        let spans = vec![
            span("1", "", "checkout", "a", 0, 9),
            span("2", "1", "pricing", "b", 1, 8),
            span("3", "2", "promotions", "c", 2, 7),
            span("4", "3", "checkout", "d", 3, 6),
        ];
        assert_eq!(
            Waterfall::new("t".to_owned(), spans, Derived::default()).revisited(),
            ["checkout"]
        );
    }

    #[test]
    fn a_ring_of_parents_ends() {
        let spans = vec![
            span("r", "", "x", "r", 0, 9),
            span("a", "b", "x", "a", 0, 9),
            span("b", "a", "x", "b", 0, 9),
            span("s", "s", "x", "own parent", 0, 9),
        ];
        let waterfall = Waterfall::new("t".to_owned(), spans, Derived::default());
        assert_eq!(waterfall.rows(&HashSet::new(), &HashSet::new()).len(), 2);
    }
}
