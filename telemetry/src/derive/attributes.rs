//! What is different about some traces or spans: the attribute values that those a TraceQL query selects
//! have more often than the rest, with how surprising that is. Knows no HTTP.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::significance::{g_test, log_odds, p_value};
use super::{Cut, most};
use crate::attributes::{Attribute, Text};
use crate::error::QueryError;
use crate::logs::QUERY_TIME;
use crate::logs::record::SpanId;
use crate::time::TraceId;
use crate::traces::ast::{Field, Intrinsic, Query, Scope as FieldScope};
use crate::traces::span::Status;
use crate::traces::{Span, SpanSegment, Trace, assemble, matches};

/// Traces that are looked at, at most; the newest.
pub const TRACES_MAX: usize = 20_000;

/// A value must be in at least so many of the selected: fewer are chance.
pub const SUPPORT_MIN: usize = 3;

/// Distinct values of one attribute that are counted; an attribute with more is an identifier, whose
/// values say nothing of many traces.
const VALUES_PER_KEY_MAX: usize = 5_000;

/// Attributes that are counted: a hostile emitter invents names.
const KEYS_MAX: usize = 2_000;

/// Chance, over all values tested, from which on a difference does not count as one.
const SIGNIFICANT: f64 = 0.01;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// Traces: a value is in a trace when a span of it has it.
    Traces,
    /// Spans.
    Spans,
}

/// What the selected have more often than the rest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OverRepresented {
    /// Begin of the window, ns.
    pub start_ns: i64,
    /// End of the window, ns.
    pub end_ns: i64,
    /// What is counted.
    pub of: Of,
    /// How many the query selects.
    pub selected: usize,
    /// How many there are besides.
    pub rest: usize,
    /// How many values were compared; `p_value` takes it into account.
    pub tested: usize,
    /// The values that the selected have more often, the most surprising first. What the query itself
    /// asks for is left out.
    pub values: Vec<AttributeValue>,
    /// Limits that were met.
    pub limits: Vec<Cut>,
}

/// Where an attribute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Built into spans: name, kind, status, statusMessage.
    Intrinsic,
    /// On the resource.
    Resource,
    /// On the span.
    Span,
}

/// A value, and how often it is on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttributeValue {
    /// Where it stands.
    pub scope: Scope,
    /// Name of the attribute.
    pub key: String,
    /// Its value as text.
    pub value: String,
    /// How many of the selected have it.
    pub selected: usize,
    /// Their share, 0 to 1.
    pub selected_share: f64,
    /// How many of the rest have it.
    pub rest: usize,
    /// Their share, 0 to 1.
    pub rest_share: f64,
    /// Difference of the shares, 0 to 1.
    pub difference: f64,
    /// Logarithm of the odds ratio.
    pub log_odds: f64,
    /// The G statistic.
    pub g: f64,
    /// The chance of such a difference somewhere among the values tested where there is none (Bonferroni).
    pub p_value: f64,
    /// Whether that chance is below one in a hundred.
    pub significant: bool,
}

/// Compares what `query` selects with the rest, or with what `against` selects of it, among the traces
/// with a span that begins in `start_ns..end_ns`. At most `limit` values are told.
///
/// # Errors
/// [`QueryError::Limit`] when it takes too long.
pub fn over_represented(
    segments: &[Arc<SpanSegment>],
    query: &Query,
    against: Option<&Query>,
    of: Of,
    (start_ns, end_ns): (i64, i64),
    limit: usize,
) -> Result<OverRepresented, QueryError> {
    let deadline = Instant::now() + QUERY_TIME;
    let mut limits = Vec::new();
    let within = |begin_ns: i64| (start_ns..end_ns).contains(&begin_ns);
    let mut counts = Counts::default();
    for id in newest_traces(segments, within, &mut limits) {
        if Instant::now() > deadline {
            return Err(QueryError::Limit(format!(
                "the comparison took longer than {} s: narrow its time range",
                QUERY_TIME.as_secs()
            )));
        }
        let Some(trace) = assemble(segments, &id) else {
            continue;
        };
        match of {
            Of::Traces => {
                let selected = matches(query, &trace).is_some();
                let compared = against.is_none_or(|other| matches(other, &trace).is_some());
                if selected || compared {
                    counts.add(selected, trace.spans.iter().map(|span| &**span));
                }
            }
            Of::Spans => {
                let selected = selection(query, &trace);
                let compared = against.map(|other| selection(other, &trace));
                for span in trace.spans.iter().filter(|span| within(span.start_ns)) {
                    let is_selected = selected.contains(&span.span_id);
                    let is_compared = compared
                        .as_ref()
                        .is_none_or(|ids| ids.contains(&span.span_id));
                    if is_selected || is_compared {
                        counts.add(is_selected, std::iter::once(&**span));
                    }
                }
            }
        }
    }
    let (tested, mut values) = counts.values(&query.fields());
    most(&mut values, limit, "values", &mut limits);
    limits.extend(counts.limits());
    Ok(OverRepresented {
        start_ns,
        end_ns,
        of,
        selected: counts.selected,
        rest: counts.rest,
        tested,
        values,
        limits,
    })
}

/// The traces with a span whose begin `within` accepts, those of the newest segments first.
fn newest_traces(
    segments: &[Arc<SpanSegment>],
    within: impl Fn(i64) -> bool,
    limits: &mut Vec<Cut>,
) -> Vec<TraceId> {
    let mut seen = HashSet::new();
    let mut traces = Vec::new();
    for segment in segments.iter().rev() {
        let spans = segment.rows().rev();
        for span in spans.filter(|span| within(span.start_ns())) {
            if seen.insert(span.trace_id()) && traces.len() < TRACES_MAX {
                traces.push(span.trace_id());
            }
        }
    }
    if seen.len() > traces.len() {
        limits.push(Cut::new("traces", traces.len(), seen.len()));
    }
    traces
}

fn selection(query: &Query, trace: &Trace) -> HashSet<SpanId> {
    let sets = matches(query, trace)
        .map(|hit| hit.sets)
        .unwrap_or_default();
    let spans = sets.into_iter().flat_map(|set| set.spans);
    spans.map(|span| span.span_id).collect()
}

/// How many have each value: of the selected, of the rest.
type Values = HashMap<String, (usize, usize)>;

#[derive(Default)]
struct Counts {
    selected: usize,
    rest: usize,
    keys: HashMap<(Scope, Text), Values>,
    dropped_keys: usize,
    dropped_values: usize,
}

impl Counts {
    /// Counts one thing, which has all values of its spans.
    fn add<'a>(&mut self, selected: bool, spans: impl Iterator<Item = &'a Span>) {
        if selected {
            self.selected += 1;
        } else {
            self.rest += 1;
        }
        let mut seen: HashSet<(Scope, &str, String)> = HashSet::new();
        for span in spans {
            let mut of = |scope, key: &'a Text, value: String| {
                if seen.insert((scope, key, value.clone())) {
                    self.count(selected, scope, key, value);
                }
            };
            let sides = [
                (Scope::Span, &span.attributes),
                (Scope::Resource, &span.origin.resource),
            ];
            for (scope, attributes) in sides {
                for Attribute { key, value } in attributes {
                    of(scope, key, value.text().into_owned());
                }
            }
            for (key, value) in intrinsics(span) {
                if seen.insert((Scope::Intrinsic, key, value.to_owned())) {
                    self.count(
                        selected,
                        Scope::Intrinsic,
                        &Text::from(key),
                        value.to_owned(),
                    );
                }
            }
        }
    }

    fn count(&mut self, selected: bool, scope: Scope, key: &Text, value: String) {
        let key = (scope, key.clone());
        if self.keys.len() >= KEYS_MAX && !self.keys.contains_key(&key) {
            self.dropped_keys += 1;
            return;
        }
        let values = self.keys.entry(key).or_default();
        if values.len() >= VALUES_PER_KEY_MAX && !values.contains_key(&value) {
            self.dropped_values += 1;
            return;
        }
        let count = values.entry(value).or_default();
        if selected {
            count.0 += 1;
        } else {
            count.1 += 1;
        }
    }

    /// How many values were tested, and those that the selected have more often.
    fn values(&self, asked: &[&Field]) -> (usize, Vec<AttributeValue>) {
        let mut tested = 0;
        let mut values = Vec::new();
        for ((scope, key), counted) in &self.keys {
            if asked.iter().any(|field| names(field, *scope, key)) {
                continue;
            }
            for (value, &(selected, rest)) in counted {
                if selected < SUPPORT_MIN {
                    continue;
                }
                tested += 1;
                let row = self.row(*scope, key, value, selected, rest);
                if row.difference > 0.0 {
                    values.push(row);
                }
            }
        }
        for row in &mut values {
            row.p_value = (row.p_value * tested as f64).min(1.0);
            row.significant = row.p_value < SIGNIFICANT;
        }
        values.sort_by(|a, b| {
            let by_name = || (a.scope, &a.key, &a.value).cmp(&(b.scope, &b.key, &b.value));
            b.g.total_cmp(&a.g).then_with(by_name)
        });
        (tested, values)
    }

    fn row(
        &self,
        scope: Scope,
        key: &str,
        value: &str,
        selected: usize,
        rest: usize,
    ) -> AttributeValue {
        let share = |part: usize, all: usize| part as f64 / all.max(1) as f64;
        let (selected_share, rest_share) = (share(selected, self.selected), share(rest, self.rest));
        let g = g_test(selected, self.selected, rest, self.rest);
        AttributeValue {
            scope,
            key: key.to_owned(),
            value: value.to_owned(),
            selected,
            selected_share,
            rest,
            rest_share,
            difference: selected_share - rest_share,
            log_odds: log_odds(selected, self.selected, rest, self.rest),
            g,
            p_value: p_value(g),
            significant: false,
        }
    }

    fn limits(&self) -> Vec<Cut> {
        let mut limits = Vec::new();
        if self.dropped_keys > 0 {
            limits.push(Cut::new(
                "attributes",
                KEYS_MAX,
                KEYS_MAX + self.dropped_keys,
            ));
        }
        if self.dropped_values > 0 {
            let counted = self.keys.values().map(HashMap::len).sum();
            limits.push(Cut::new(
                "distinct values",
                counted,
                counted + self.dropped_values,
            ));
        }
        limits
    }
}

fn intrinsics(span: &Span) -> impl Iterator<Item = (&'static str, &str)> {
    let message = (span.status == Status::Error).then_some(&*span.status_message);
    [
        ("name", &*span.name),
        ("kind", span.kind.name()),
        ("status", span.status.name()),
    ]
    .into_iter()
    .chain(message.map(|message| ("statusMessage", message)))
}

/// Whether a field of a query is this attribute.
fn names(field: &Field, scope: Scope, key: &str) -> bool {
    match field {
        Field::Attribute(within, name) => {
            let fits = match within {
                FieldScope::Any => scope != Scope::Intrinsic,
                FieldScope::Span => scope == Scope::Span,
                FieldScope::Resource => scope == Scope::Resource,
            };
            fits && name == key
        }
        Field::Intrinsic(intrinsic) => {
            scope == Scope::Intrinsic
                && Intrinsic::ALL
                    .iter()
                    .any(|(name, other)| other == intrinsic && *name == key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::fixture::{int, text};
    use crate::traces::fixture::{Shape, batch};
    use crate::traces::{TRACE_BYTES, TraceStore, parse};

    const ALL_TIME: (i64, i64) = (0, i64::MAX);

    /// 400 traces of two spans; each tenth is slow, and four of five slow ones are of the version 2.0 that
    /// one of ten others has.
    fn segments() -> Vec<Arc<SpanSegment>> {
        let store = TraceStore::new(TRACE_BYTES);
        for trace in 1..=400_u64 {
            let slow = trace % 10 == 0;
            let new = if slow {
                trace % 50 != 0
            } else {
                trace % 10 == 1
            };
            let mut root = Shape::root(trace, 1);
            root.duration_ms = if slow { 3_000 } else { 50 };
            root.attributes = vec![text("customer", &format!("c{trace}"))];
            let mut child = Shape::child(trace, 2, 1);
            child.attributes = vec![
                text("version", if new { "2.0" } else { "1.9" }),
                int("shard", (trace % 4) as i64),
            ];
            store.append(&batch("front", &[root]));
            store.append(&batch("shop", &[child]));
        }
        store.snapshot()
    }

    fn ask(query: &str, against: Option<&str>, of: Of, window: (i64, i64)) -> OverRepresented {
        let parse = |text: &str| parse(text).unwrap();
        let against = against.map(parse);
        over_represented(&segments(), &parse(query), against.as_ref(), of, window, 10).unwrap()
    }

    #[test]
    fn the_value_that_the_selected_share_comes_first_with_its_significance() {
        let found = ask("{ duration > 2s }", None, Of::Traces, ALL_TIME);
        assert_eq!((found.selected, found.rest), (40, 360));
        let first = &found.values[0];
        assert_eq!((&*first.key, &*first.value), ("version", "2.0"));
        assert_eq!(first.scope, Scope::Span);
        assert_eq!((first.selected, first.rest), (32, 40));
        assert!((first.selected_share - 0.8).abs() < 1e-12);
        assert!((first.difference - (0.8 - 40.0 / 360.0)).abs() < 1e-12);
        assert!(first.significant && first.p_value < 1e-15 && first.log_odds > 3.0);
        let others: Vec<_> = found.values[1..]
            .iter()
            .filter(|row| row.significant)
            .collect();
        // each tenth number is even, so that shards 0 and 2 are no chance either
        assert!(others.iter().all(|row| row.key == "shard"), "{others:?}");
        assert!(
            found.values.iter().all(|row| row.key != "customer"),
            "values of one trace are chance"
        );
    }

    #[test]
    fn spans_are_compared_too_and_what_the_query_asks_is_no_finding() {
        let found = ask("{ span.version = \"2.0\" }", None, Of::Spans, ALL_TIME);
        assert_eq!((found.selected, found.rest), (72, 728));
        assert!(found.values.iter().all(|row| row.key != "version"));
        let service = found
            .values
            .iter()
            .find(|row| row.key == "service.name")
            .unwrap();
        assert_eq!((&*service.value, service.scope), ("shop", Scope::Resource));
        assert_eq!((service.selected, service.rest), (72, 328));
        let among = ask(
            "{ span.version = \"2.0\" }",
            Some("{ resource.service.name = \"shop\" }"),
            Of::Spans,
            ALL_TIME,
        );
        assert_eq!((among.selected, among.rest), (72, 328));
        assert!(among.values.iter().all(|row| row.key != "service.name"));
    }

    #[test]
    fn nothing_selected_nothing_left_and_an_empty_window_are_clear() {
        let none = ask("{ name = \"nonesuch\" }", None, Of::Traces, ALL_TIME);
        assert_eq!((none.selected, none.rest, none.values.len()), (0, 400, 0));
        let all = ask("{}", None, Of::Traces, ALL_TIME);
        assert_eq!((all.selected, all.rest), (400, 0));
        assert!(all.values.iter().all(|row| !row.significant));
        let empty = ask("{}", None, Of::Traces, (0, 5));
        assert_eq!((empty.selected, empty.rest, empty.tested), (0, 0, 0));
    }

    #[test]
    fn more_answers_and_more_values_than_the_limits_are_said() {
        let query = parse("{ duration > 2s }").unwrap();
        let found = over_represented(&segments(), &query, None, Of::Traces, ALL_TIME, 1).unwrap();
        assert_eq!(found.values.len(), 1);
        assert_eq!(found.limits[0].what, "values");
        let store = TraceStore::new(TRACE_BYTES);
        for trace in 1..=(VALUES_PER_KEY_MAX as u64 + 5) {
            let mut root = Shape::root(trace, 1);
            root.attributes = vec![text("id", &trace.to_string())];
            store.append(&batch("a", &[root]));
        }
        let all = parse("{}").unwrap();
        let found =
            over_represented(&store.snapshot(), &all, None, Of::Traces, ALL_TIME, 10).unwrap();
        assert_eq!(found.limits, [Cut::new("distinct values", 5_005, 5_010)]);
    }
}
