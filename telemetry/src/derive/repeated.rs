//! Groups of repeated spans in a trace: the same operation many times under one parent, such as a query
//! for each row of an earlier one. Knows no store.

use std::collections::BTreeMap;

use serde::Serialize;

use super::critical::share;
use super::tree::{Tree, covered_ns};
use super::{Cut, ROWS_MAX, SPANS_MAX, most};
use crate::attributes::hex;
use crate::traces::span::Status;
use crate::traces::{Span, Trace};

/// From so many equal siblings on they are a group: fewer are read at a glance.
pub const REPEATED_MIN: usize = 4;

/// Bytes of a group's name at most: a statement can be as long as its author likes.
const NAME_BYTES_MAX: usize = 1024;

/// Attributes that hold a query, the present semantic convention first.
const STATEMENTS: [&str; 4] = [
    "db.query.text",
    "db.statement",
    "db_query_text",
    "db_statement",
];

/// The groups of a trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Repeated {
    /// The trace, hexadecimal.
    pub trace_id: String,
    /// From the trace's first begin to its last end, ns.
    pub duration_ns: i64,
    /// Spans of the trace.
    pub spans: usize,
    /// Groups, the greatest share first.
    pub groups: Vec<Group>,
    /// The groups of one service and name together, under whatever parents, the greatest share first.
    pub operations: Vec<Operation>,
    /// Limits that were met.
    pub limits: Vec<Cut>,
}

/// What groups do, under all their parents.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Operation {
    /// Service that did it.
    pub service: String,
    /// As that of the groups.
    pub name: String,
    /// How many groups there are.
    pub groups: usize,
    /// How many spans there are in them.
    pub count: usize,
    /// Time in which at least one of them ran, ns.
    pub covered_ns: i64,
    /// The same as a share of the trace's time, 0 to 1.
    pub share: f64,
}

/// Equal siblings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Their parent, hexadecimal; `None` where they are roots.
    pub parent_span_id: Option<String>,
    /// The parent's name; `None` where they are roots.
    pub parent_name: Option<String>,
    /// Service that did them.
    pub service: String,
    /// What they did: the statement with `?` for its literals where they are queries, else their name.
    pub name: String,
    /// How many there are.
    pub count: usize,
    /// How many of them failed.
    pub errors: usize,
    /// Sum of their lengths, ns.
    pub total_ns: i64,
    /// Time in which at least one of them ran, ns.
    pub covered_ns: i64,
    /// The same as a share of the trace's time, 0 to 1.
    pub share: f64,
    /// Whether each waited for the one before.
    pub sequential: bool,
    /// The spans, hexadecimal, by begin.
    pub span_ids: Vec<String>,
}

/// The groups of at least [`REPEATED_MIN`] equal siblings.
#[must_use]
pub fn repeated(trace: &Trace) -> Repeated {
    let tree = Tree::new(trace);
    let mut alike = Alike::new();
    for (at, span) in trace.spans.iter().enumerate() {
        let key = (tree.parent[at], span.service(), label(span));
        alike.entry(key).or_default().push(at);
    }
    let duration_ns = trace.duration_ns();
    alike.retain(|_, members| members.len() >= REPEATED_MIN);
    let mut operations = operations(trace, &alike);
    let mut groups: Vec<Group> = alike
        .into_iter()
        .map(|((parent, _, name), members)| {
            let parent = parent.map(|at| tree.span(at));
            group(&tree, parent, name, &members, duration_ns)
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.covered_ns));
    let mut limits = Vec::new();
    most(&mut groups, ROWS_MAX, "groups", &mut limits);
    most(&mut operations, ROWS_MAX, "operations", &mut limits);
    let mut left = SPANS_MAX;
    let held = groups.iter().map(|group| group.count).sum();
    for group in &mut groups {
        group.span_ids.truncate(left);
        left -= group.span_ids.len();
    }
    if held > SPANS_MAX {
        limits.push(Cut::new("span_ids", SPANS_MAX, held));
    }
    Repeated {
        trace_id: hex(&trace.id),
        duration_ns,
        spans: trace.spans.len(),
        groups,
        operations,
        limits,
    }
}

/// Places of equal siblings, by parent, service and name.
type Alike<'a> = BTreeMap<(Option<usize>, &'a str, String), Vec<usize>>;

/// Begins and ends, ns.
type Times = Vec<(i64, i64)>;

fn operations(trace: &Trace, alike: &Alike<'_>) -> Vec<Operation> {
    let mut times: BTreeMap<(&str, &str), (usize, Times)> = BTreeMap::new();
    for ((_, service, name), members) in alike {
        let all = times.entry((service, name)).or_default();
        all.0 += 1;
        let spans = members.iter().map(|&at| &trace.spans[at]);
        all.1.extend(spans.map(|span| (span.start_ns, span.end_ns)));
    }
    let one = |((service, name), (groups, mut times)): ((&str, &str), (usize, Times))| {
        let covered_ns = covered_ns(&mut times);
        Operation {
            service: service.to_owned(),
            name: name.to_owned(),
            groups,
            count: times.len(),
            covered_ns,
            share: share(covered_ns, trace.duration_ns()),
        }
    };
    let mut operations: Vec<_> = times.into_iter().map(one).collect();
    operations.sort_by_key(|operation| std::cmp::Reverse(operation.covered_ns));
    operations
}

fn group(
    tree: &Tree<'_>,
    parent: Option<&Span>,
    name: String,
    members: &[usize],
    duration_ns: i64,
) -> Group {
    let spans = || members.iter().map(|&at| tree.span(at));
    let mut times: Vec<_> = spans().map(|span| (span.start_ns, span.end_ns)).collect();
    let covered_ns = covered_ns(&mut times);
    Group {
        parent_span_id: parent.map(|span| hex(&span.span_id)),
        parent_name: parent.map(|span| span.name.to_string()),
        service: tree.span(members[0]).service().to_owned(),
        name,
        count: members.len(),
        errors: spans().filter(|span| span.status == Status::Error).count(),
        total_ns: spans().map(Span::duration_ns).sum(),
        covered_ns,
        share: share(covered_ns, duration_ns),
        sequential: times.windows(2).all(|two| two[0].1 <= two[1].0),
        span_ids: spans().map(|span| hex(&span.span_id)).collect(),
    }
}

/// What a span did: its statement where it is a query, else its name.
fn label(span: &Span) -> String {
    let statement = STATEMENTS
        .iter()
        .find_map(|name| crate::attributes::find(&span.attributes, name));
    match statement {
        Some(statement) => without_literals(&statement.text()),
        None => cut(&span.name).to_owned(),
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(NAME_BYTES_MAX)]
}

/// A statement with `?` for numbers and quoted text, so that one query with many values is one query.
fn without_literals(statement: &str) -> String {
    let mut out = String::with_capacity(statement.len().min(NAME_BYTES_MAX));
    let mut chars = cut(statement).chars().peekable();
    let mut in_word = false;
    while let Some(c) = chars.next() {
        if c == '\'' {
            // a doubled quote within text is text
            while let Some(inner) = chars.next() {
                if inner == '\'' && chars.next_if_eq(&'\'').is_none() {
                    break;
                }
            }
            out.push('?');
        } else if c.is_ascii_digit() && !in_word {
            while chars
                .next_if(|next| next.is_ascii_alphanumeric() || *next == '.')
                .is_some()
            {}
            out.push('?');
        } else {
            out.push(c);
        }
        // $1, :name2 and t1 keep their digits
        in_word = c.is_alphanumeric() || matches!(c, '_' | '$' | ':' | '@');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::fixture::{at, chain, trace};
    use crate::logs::fixture::text;
    use crate::traces::fixture::Shape;

    const MS: i64 = 1_000_000;

    fn query(span: u64, parent: u64, statement: &str, from: u64, to: u64) -> (&'static str, Shape) {
        let mut query = at(span, parent, "orders", "SELECT", from, to);
        query.1.attributes = vec![text("db.query.text", statement)];
        query
    }

    #[test]
    fn equal_siblings_are_a_group_with_their_share_of_the_time() {
        let mut spans = vec![at(1, 0, "orders", "GET /orders", 0, 1000)];
        for n in 0..9 {
            let statement = format!("select * from items where id = {n} and kind = 'it''s {n}'");
            spans.push(query(10 + n, 1, &statement, n * 100, n * 100 + 80));
        }
        spans.push(query(30, 1, "select 1 from t1", 990, 995));
        let mut failed = query(
            40,
            1,
            "select * from items where id = 12 and kind = ''",
            985,
            990,
        );
        failed.1.error = true;
        spans.push(failed);
        let found = repeated(&trace(&spans));
        assert_eq!((found.groups.len(), found.spans), (1, 12));
        let group = &found.groups[0];
        assert_eq!(group.name, "select * from items where id = ? and kind = ?");
        assert_eq!((group.count, group.errors), (10, 1));
        assert_eq!(group.covered_ns, 725 * MS);
        assert!((group.share - 0.725).abs() < 1e-12 && group.sequential);
        assert_eq!(group.parent_name.as_deref(), Some("GET /orders"));
        assert_eq!(group.span_ids[0], "000000000000000a");
    }

    #[test]
    fn groups_under_several_parents_are_told_together_too() {
        let mut spans = vec![at(1, 0, "a", "root", 0, 100), at(2, 1, "a", "one", 0, 40)];
        spans.push(at(3, 1, "a", "two", 20, 100));
        for n in 0..4 {
            spans.push(at(10 + n, 2, "b", "x", 10 * n, 10 * n + 10));
            spans.push(at(20 + n, 3, "b", "x", 20 + 10 * n, 20 + 10 * n + 10));
        }
        let found = repeated(&trace(&spans));
        assert_eq!((found.groups.len(), found.operations.len()), (2, 1));
        let all = &found.operations[0];
        assert_eq!((all.groups, all.count), (2, 8));
        assert_eq!(
            (all.covered_ns, all.share),
            (60 * MS, 0.6),
            "overlaps count once"
        );
    }

    #[test]
    fn siblings_of_another_parent_service_or_name_are_apart() {
        let mut spans = vec![
            at(1, 0, "a", "root", 0, 100),
            at(2, 0, "a", "second", 0, 100),
        ];
        for n in 0..3 {
            spans.push(at(10 + n, 1, "a", "x", n, n + 1));
            spans.push(at(20 + n, 2, "a", "x", n, n + 1));
            spans.push(at(30 + n, 1, "b", "x", n, n + 1));
            spans.push(at(40 + n, 1, "a", "y", n, n + 1));
        }
        assert_eq!(repeated(&trace(&spans)).groups, []);
    }

    #[test]
    fn those_that_ran_at_once_cover_their_time_once() {
        let mut spans = vec![at(1, 0, "a", "root", 0, 100)];
        spans.extend((0..4).map(|n| at(10 + n, 1, "a", "x", 0, 50)));
        let group = repeated(&trace(&spans)).groups.remove(0);
        assert_eq!(
            (group.total_ns, group.covered_ns, group.sequential),
            (200 * MS, 50 * MS, false)
        );
    }

    #[test]
    fn literals_go_and_names_stay() {
        for (statement, name) in [
            (
                "select a1 from t2 where x = 15",
                "select a1 from t2 where x = ?",
            ),
            ("x in (1, 2.5, 0xff)", "x in (?, ?, ?)"),
            ("x = $1 and y = :p2", "x = $1 and y = :p2"),
            ("x = 'open", "x = ?"),
            ("é = 'é'", "é = ?"),
        ] {
            assert_eq!(without_literals(statement), name);
        }
    }

    #[test]
    fn a_huge_trace_gives_a_bounded_answer_and_says_so() {
        assert_eq!(repeated(&chain(100_000)).groups, []);
        let mut spans: Vec<_> = (2..30_002)
            .map(|span| at(span, 1, "a", "query", span, span + 1))
            .collect();
        spans.push(at(1, 0, "a", "root", 0, 60_000));
        let found = repeated(&trace(&spans));
        assert_eq!(
            (found.groups[0].count, found.groups[0].span_ids.len()),
            (30_000, SPANS_MAX)
        );
        assert_eq!(found.limits[0].what, "span_ids");
    }
}
