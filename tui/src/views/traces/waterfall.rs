//! One trace as rows: the tree of its spans, runs of equal siblings folded into one row, and the critical path.
//! Pure: knows spans, no screen.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::client::tempo::Span;

/// From so many equal siblings on they are one row: fewer are read at a glance.
const GROUP: usize = 4;
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
    children: HashMap<usize, Vec<usize>>,
    roots: Vec<usize>,
}

impl Waterfall {
    /// Arranges the spans of a trace.
    #[must_use]
    pub fn new(id: String, mut spans: Vec<Span>) -> Self {
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
        let start_ns = spans.iter().map(|s| s.start_ns).min().unwrap_or(0);
        let end_ns = spans
            .iter()
            .map(|s| s.end_ns)
            .max()
            .unwrap_or(0)
            .max(start_ns + 1);
        let mut waterfall = Self {
            id,
            start_ns,
            end_ns,
            critical: HashSet::new(),
            children,
            roots,
            spans,
        };
        let mut critical = HashSet::new();
        if let Some(root) = waterfall.roots.first().copied() {
            waterfall.walk_critical(root, waterfall.spans[root].end_ns, 0, &mut critical);
        }
        waterfall.critical = critical;
        waterfall
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

    /// From its end backwards: the child that ended last before the moment determined it, then what ended before that child began.
    fn walk_critical(&self, index: usize, until: i64, depth: usize, path: &mut HashSet<usize>) {
        if depth > DEEPEST || !path.insert(index) {
            return;
        }
        let mut before = until;
        let mut children: Vec<usize> = self.children.get(&index).cloned().unwrap_or_default();
        children.sort_by_key(|c| std::cmp::Reverse(self.spans[*c].end_ns));
        for child in children {
            let span = &self.spans[child];
            if span.end_ns <= before {
                self.walk_critical(child, span.end_ns, depth + 1, path);
                before = span.start_ns;
            }
        }
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
        let mut alike: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for index in siblings {
            alike.entry(self.likeness(*index)).or_default().push(*index);
        }
        for index in siblings {
            let members = &alike[&self.likeness(*index)];
            let grouped = members.len() >= GROUP;
            let is_open = open.contains(&self.spans[members[0]].id);
            if grouped && members[0] == *index {
                out.push(Row::Group {
                    members: members.clone(),
                    depth,
                    share: self.share(members),
                    open: is_open,
                });
            }
            if grouped && !is_open {
                continue;
            }
            let below = self.children.get(index).map_or(&[][..], Vec::as_slice);
            let is_folded = folded.contains(&self.spans[*index].id);
            let depth = depth + usize::from(grouped);
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

    /// What makes siblings equal: service, and the statement or the name.
    fn likeness(&self, index: usize) -> (String, String) {
        (self.spans[index].service.clone(), label(&self.spans[index]))
    }

    /// Share of the trace's time that is covered by these spans; overlaps count once.
    fn share(&self, members: &[usize]) -> f64 {
        let (mut covered, mut until) = (0, i64::MIN);
        for index in members {
            let span = &self.spans[*index];
            let from = span.start_ns.max(until);
            if span.end_ns > from {
                covered += span.end_ns - from;
                until = span.end_ns;
            }
        }
        covered as f64 / (self.end_ns - self.start_ns) as f64
    }

    /// Groups of equal siblings anywhere in the trace: count, label, share; the greatest share first.
    #[must_use]
    pub fn repeated(&self) -> Vec<(usize, String, f64)> {
        let all_open: HashSet<String> = self.spans.iter().map(|s| s.id.clone()).collect();
        let rows = self.rows(&HashSet::new(), &all_open);
        let mut groups: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for row in rows {
            if let Row::Group { members, .. } = row {
                groups
                    .entry(self.likeness(members[0]))
                    .or_default()
                    .extend(members);
            }
        }
        let mut out: Vec<(usize, String, f64)> = groups
            .into_iter()
            .map(|((service, name), mut members)| {
                members.sort_by_key(|i| self.spans[*i].start_ns);
                (
                    members.len(),
                    format!("{service}: {name}"),
                    self.share(&members),
                )
            })
            .collect();
        out.sort_by(|a, b| b.2.total_cmp(&a.2));
        out
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
        Waterfall::new("t".to_owned(), spans)
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
        assert_eq!(waterfall.repeated()[0].0, 9);
        let opened = waterfall.rows(&HashSet::new(), &HashSet::from(["q0".to_owned()]));
        assert_eq!(opened.len(), 12);
    }

    #[test]
    fn the_critical_path_goes_through_what_ended_last() {
        let spans = vec![
            span("r", "", "a", "r", 0, 100),
            span("fast", "r", "b", "fast", 0, 40),
            span("slow", "r", "c", "slow", 0, 90),
            span("tail", "slow", "d", "tail", 50, 90),
        ];
        let waterfall = Waterfall::new("t".to_owned(), spans);
        let named: HashSet<&str> = waterfall
            .critical
            .iter()
            .map(|i| waterfall.spans[*i].name.as_str())
            .collect();
        assert_eq!(named, HashSet::from(["r", "slow", "tail"]));
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
            Waterfall::new("t".to_owned(), spans).revisited(),
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
        let waterfall = Waterfall::new("t".to_owned(), spans);
        assert_eq!(waterfall.rows(&HashSet::new(), &HashSet::new()).len(), 2);
    }
}
