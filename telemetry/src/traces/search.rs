//! TraceQL over a snapshot of the store: newest first, and no further than needed. Traces are told from the columns; only those
//! that are found become spans.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use foldhash::fast::RandomState;

use super::ast::{Field, FieldExpr, Intrinsic, Query, SpansetExpr, SpansetOp};
use super::condition::any_may_hold;
use super::evaluate::{Spans, TraceHit, hit, sets};
use super::field::FieldValue;
use super::segment::{SpanRow, SpanSegment, assemble};
use crate::error::QueryError;
use crate::logs::QUERY_TIME;
use crate::logs::record::SpanId;
use crate::parallel::try_map;
use crate::time::TraceId;

/// Segments that are looked at before any count of what all hold: they fill most pages.
const FIRST_SEGMENTS: usize = 3;

/// Segments that are asked for traces, before an index of all traces costs less.
const PROBES_MAX: usize = 1 << 20;

/// Spans of a trace up to which comparing all pairs costs less than a table.
const FEW_SPANS: usize = 24;

/// Candidates that are looked at between two looks at whether the page is full: those of an ordinary page.
const CANDIDATES_AT_ONCE: usize = 32;

/// The newest `limit` traces that match and overlap the window, newest first; of those that begin at the same time the one with
/// the least id comes first.
///
/// # Errors
/// [`QueryError::Limit`] when the search takes too long.
pub fn search(
    segments: &[Arc<SpanSegment>],
    query: &Query,
    window: (i64, i64),
    limit: usize,
) -> Result<Vec<TraceHit>, QueryError> {
    probing(segments, query, window, limit, PROBES_MAX)
}

fn probing(
    segments: &[Arc<SpanSegment>],
    query: &Query,
    window: (i64, i64),
    limit: usize,
    probes_max: usize,
) -> Result<Vec<TraceHit>, QueryError> {
    let mut ordered: Vec<Placed<'_>> = segments
        .iter()
        .filter_map(|segment| Some((segment.starts_ns()?.1, &**segment)))
        .collect();
    ordered.sort_by_key(|(latest, _)| Reverse(*latest));
    let mut search = Search {
        segments,
        query,
        window,
        limit,
        deadline: Instant::now() + QUERY_TIME,
        seen: HashSet::default(),
        hits: Vec::new(),
        probes_max,
        index: None,
    };
    let needs = needs(&query.spans);
    let first = &ordered[..ordered.len().min(FIRST_SEGMENTS)];
    search.look_through(first, rarest(first, &needs)?)?;
    // what the newest segments do not fill is looked for everywhere, led by what is rarest there
    if let Some((latest_start_ns, _)) = ordered.get(first.len())
        && !search.is_full(*latest_start_ns)
    {
        search.look_through(&ordered, rarest(&ordered, &needs)?)?;
    }
    Ok(search.hits)
}

/// The need that the fewest spans of some segments may meet.
fn rarest<'n, 'q>(
    segments: &[Placed<'_>],
    needs: &'n [Vec<&'q FieldExpr>],
) -> Result<&'n [&'q FieldExpr], QueryError> {
    let mut rarest = (usize::MAX, &[][..]);
    for need in needs {
        let counts = match needs.len() {
            1 => Vec::new(),
            _ => try_map(segments, true, |(_, segment)| {
                Ok::<_, QueryError>(any_may_hold(segment, need).count())
            })?,
        };
        let count = counts.iter().sum();
        if count < rarest.0 {
            rarest = (count, need);
        }
    }
    Ok(rarest.1)
}

/// A segment with the latest begin in it, ns.
type Placed<'a> = (i64, &'a SpanSegment);

/// A trace that may match: it begins no later than this, ns.
type Candidate = (i64, TraceId);

struct Search<'a> {
    segments: &'a [Arc<SpanSegment>],
    query: &'a Query,
    window: (i64, i64),
    limit: usize,
    deadline: Instant,
    seen: HashSet<TraceId, RandomState>,
    /// The newest so far, newest first.
    hits: Vec<TraceHit>,
    /// Segments that may be asked for traces, before [`Search::index`] is made.
    probes_max: usize,
    /// Where traces lie, once so many are looked at that it pays to know of all.
    index: Option<TraceIndex<'a>>,
}

/// The segments that hold each trace.
struct TraceIndex<'a> {
    /// Of each trace the first of its links.
    first: HashMap<&'a TraceId, u32, RandomState>,
    /// Place of a segment, and the trace's next link; none where that is itself.
    links: Vec<(u32, u32)>,
}

impl<'a> TraceIndex<'a> {
    fn of(segments: &'a [Arc<SpanSegment>]) -> Self {
        let mut index = Self {
            first: HashMap::default(),
            links: Vec::new(),
        };
        // the last segment first, so that the links of a trace lead through its segments in order
        for (place, segment) in segments.iter().enumerate().rev() {
            for (id, _) in segment.traces() {
                // fewer than the spans that memory holds
                let link = index.links.len() as u32;
                let next = index.first.insert(id, link).unwrap_or(link);
                index.links.push((place as u32, next));
            }
        }
        index
    }

    /// Places of the segments that hold a trace, in order.
    fn places(&self, id: &TraceId) -> impl Iterator<Item = usize> {
        let first = self.first.get(id).copied();
        let links = std::iter::successors(first, |&link| {
            let (_, next) = self.links[link as usize];
            (next != link).then_some(next)
        });
        links.map(|link| self.links[link as usize].0 as usize)
    }
}

impl<'a> Search<'a> {
    /// Whether no trace that begins at `start_ns` or before can be among the newest.
    fn is_full(&self, start_ns: i64) -> bool {
        let oldest = self.hits.last().map(|hit| hit.trace.start_ns());
        self.limit == 0
            || self.hits.len() >= self.limit && oldest.is_some_and(|oldest| oldest > start_ns)
    }

    /// Goes through segments, the newest first, until the page is full.
    fn look_through(
        &mut self,
        mut segments: &[Placed<'a>],
        need: &[&FieldExpr],
    ) -> Result<(), QueryError> {
        // a page is mostly full after the first segment; the less it is so, the more are looked at together
        let mut together = 1;
        while let Some((latest_start_ns, _)) = segments.first() {
            // a trace of a span begins no later than the span, so all further ones are older
            if self.is_full(*latest_start_ns) {
                break;
            }
            let (now, later) = segments.split_at(together.min(segments.len()));
            self.look_at(now, need)?;
            (segments, together) = (later, together * 2);
        }
        Ok(())
    }

    /// Finds the traces that have spans in some segments.
    fn look_at(&mut self, segments: &[Placed<'a>], need: &[&FieldExpr]) -> Result<(), QueryError> {
        let found = try_map(segments, true, |(_, segment)| {
            self.in_time()?;
            let mut found = candidates(segment, need);
            self.keep_near(segment, &mut found);
            Ok(found)
        })?;
        let new = found.into_iter().flatten();
        let mut new: Vec<Candidate> = new.filter(|(_, id)| self.seen.insert(*id)).collect();
        new.sort_unstable_by_key(|(start_ns, id)| (Reverse(*start_ns), *id));
        let (mut rest, mut together) = (new.as_slice(), CANDIDATES_AT_ONCE);
        while let Some((start_ns, _)) = rest.first() {
            if self.is_full(*start_ns) {
                break;
            }
            let (now, later) = rest.split_at(together.min(rest.len()));
            if self.index.is_none() && now.len() * self.segments.len() > self.probes_max {
                self.index = Some(TraceIndex::of(self.segments));
            }
            let found = try_map(now, true, |(_, id)| {
                self.in_time()?;
                Ok(self.find(id))
            })?;
            self.hits.extend(found.into_iter().flatten());
            self.hits
                .sort_by_key(|hit| (Reverse(hit.trace.start_ns()), hit.trace.id));
            self.hits.truncate(self.limit);
            (rest, together) = (later, together * 2);
        }
        Ok(())
    }

    fn in_time(&self) -> Result<(), QueryError> {
        if Instant::now() <= self.deadline {
            return Ok(());
        }
        Err(QueryError::Limit(format!(
            "the search took longer than {} s: narrow its time range or its span sets",
            QUERY_TIME.as_secs()
        )))
    }

    /// Leaves out the traces of a segment beside the window that cannot reach it: those without spans in any segment within, or on
    /// the other side of it.
    fn keep_near(&self, segment: &SpanSegment, found: &mut Vec<Candidate>) {
        let (start_ns, end_ns) = self.window;
        if segment.overlaps(start_ns, end_ns) {
            return;
        }
        let after =
            |segment: &SpanSegment| segment.starts_ns().is_some_and(|(first, _)| first > end_ns);
        let side = after(segment);
        let reach: Vec<&Arc<SpanSegment>> = self
            .segments
            .iter()
            .filter(|other| other.overlaps(start_ns, end_ns) || after(other) != side)
            .collect();
        found.retain(|(_, id)| reach.iter().any(|other| other.holds(id)));
    }

    /// The trace, if it matches and overlaps the window.
    fn find(&self, id: &TraceId) -> Option<TraceHit> {
        let segments = self.segments;
        let rows = match &self.index {
            Some(index) => TraceRows::of(index.places(id).map(|at| &segments[at]), id),
            None => TraceRows::of(segments, id),
        };
        let (start_ns, end_ns) = self.window;
        if rows.start_ns > end_ns || rows.end_ns < start_ns {
            return None;
        }
        hit(sets(self.query, &rows), || assemble(self.segments, id))
    }
}

/// What every trace that an expression finds has: for each entry a span of which one of the conditions holds.
fn needs(expression: &SpansetExpr) -> Vec<Vec<&FieldExpr>> {
    match expression {
        SpansetExpr::Filter(filter) => vec![vec![filter]],
        SpansetExpr::Operation(SpansetOp::Or, left, right) => {
            // one of each side's is enough to tell that neither side is there
            let one = |side| needs(side).pop().unwrap_or_default();
            vec![[one(left), one(right)].concat()]
        }
        SpansetExpr::Operation(_, left, right) => [needs(left), needs(right)].concat(),
    }
}

/// The traces of a segment with a row of which one of the conditions may hold.
fn candidates(segment: &SpanSegment, need: &[&FieldExpr]) -> Vec<Candidate> {
    let may_hold = any_may_hold(segment, need);
    if may_hold.is_empty() {
        return Vec::new();
    }
    let traces = segment.traces();
    traces
        .filter(|(_, rows)| rows.iter().any(|&row| may_hold.contains(usize::from(row))))
        .map(|(id, rows)| (segment.row(rows[0]).start_ns(), *id))
        .collect()
}

/// The rows of one trace, each span once, by begin: the same spans in the same order as in a [`super::Trace`].
struct TraceRows<'a> {
    rows: Vec<SpanRow<'a>>,
    start_ns: i64,
    end_ns: i64,
}

impl<'a> TraceRows<'a> {
    fn of(segments: impl IntoIterator<Item = &'a Arc<SpanSegment>>, id: &TraceId) -> Self {
        let rows = segments
            .into_iter()
            .flat_map(|segment| segment.of_trace(id));
        let mut rows: Vec<SpanRow<'a>> = rows.collect();
        rows.sort_by_key(|row| row.start_ns());
        if rows.len() <= FEW_SPANS {
            let mut at = 0;
            while at < rows.len() {
                let id = rows[at].span_id();
                if rows[..at].iter().any(|before| before.span_id() == id) {
                    rows.remove(at);
                } else {
                    at += 1;
                }
            }
        } else {
            let mut seen: HashSet<SpanId, RandomState> = HashSet::default();
            rows.retain(|row| seen.insert(row.span_id()));
        }
        Self {
            start_ns: rows.first().map_or(i64::MAX, |row| row.start_ns()),
            end_ns: rows
                .iter()
                .map(|row| row.end_ns())
                .max()
                .unwrap_or(i64::MIN),
            rows,
        }
    }

    fn root(&self) -> Option<SpanRow<'a>> {
        let parentless = self.rows.iter().find(|row| row.parent().is_none());
        parentless.or(self.rows.first()).copied()
    }
}

impl Spans for TraceRows<'_> {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn ids(&self, at: usize) -> (SpanId, Option<SpanId>) {
        (self.rows[at].span_id(), self.rows[at].parent())
    }

    fn value<'a>(&'a self, field: &Field, at: usize) -> FieldValue<'a> {
        let of_root = |text: Option<&'a str>| text.map_or(FieldValue::Nil, FieldValue::borrowed);
        match field {
            Field::Intrinsic(Intrinsic::TraceDuration) => {
                FieldValue::Number((self.end_ns - self.start_ns) as f64)
            }
            Field::Intrinsic(Intrinsic::RootName) => of_root(self.root().map(SpanRow::name)),
            Field::Intrinsic(Intrinsic::RootServiceName) => {
                of_root(self.root().map(SpanRow::service))
            }
            field => self.rows[at].field(field),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::fixture::{Shape, batch};
    use crate::traces::{TRACE_BYTES, TraceStore, parse};

    const ALL_TIME: (i64, i64) = (i64::MIN, i64::MAX);

    /// Traces 1 to 9,000, a second apart, of two spans from two services each.
    fn segments() -> Vec<Arc<SpanSegment>> {
        let store = TraceStore::new(TRACE_BYTES);
        for trace in 1..=9_000 {
            let mut child = Shape::child(trace, 2, 1);
            child.error = trace % 3_000 == 0;
            store.append(&batch("b", &[child]));
            store.append(&batch("a", &[Shape::root(trace, 1)]));
        }
        store.snapshot()
    }

    fn found(query: &str, window: (i64, i64), limit: usize) -> Vec<u8> {
        let hits = search(&segments(), &parse(query).unwrap(), window, limit).unwrap();
        hits.iter()
            .map(|hit| hit.trace.start_ns() / 1_000_000_000)
            .map(|s| (s / 100) as u8)
            .collect()
    }

    #[test]
    fn the_newest_come_first_and_no_more_than_asked_for() {
        let hits = search(&segments(), &parse("{}").unwrap(), ALL_TIME, 3).unwrap();
        let seconds: Vec<_> = hits
            .iter()
            .map(|hit| hit.trace.start_ns() / 1_000_000_000)
            .collect();
        assert_eq!(seconds, [9000, 8999, 8998]);
        assert_eq!(hits[0].trace.spans.len(), 2, "the whole trace is there");
        assert!(found("{}", ALL_TIME, 0).is_empty());
    }

    #[test]
    fn rare_traces_are_found_in_every_segment() {
        assert_eq!(found("{ status = error }", ALL_TIME, 20), [90, 60, 30]);
        assert_eq!(
            found(
                "{ status = error && rootServiceName = \"a\" }",
                ALL_TIME,
                20
            ),
            [90, 60, 30]
        );
        assert_eq!(
            found(
                "{ resource.service.name = \"a\" } > { status = error }",
                ALL_TIME,
                2
            ),
            [90, 60]
        );
    }

    #[test]
    fn only_traces_that_overlap_the_window_are_found() {
        let second = 1_000_000_000;
        assert_eq!(
            found("{ status = error }", (3001 * second, 6001 * second), 20),
            [60]
        );
        assert_eq!(
            found(
                "{ status = error }",
                (6000 * second + 50_000_000, 6000 * second + 60_000_000),
                20
            ),
            [60]
        );
        assert!(found("{ status = error }", (6001 * second, 6002 * second), 20).is_empty());
    }

    #[test]
    fn an_index_of_all_traces_finds_what_asking_each_segment_finds() {
        let segments = segments();
        for query in [
            "{ status = error }",
            "{} > { kind = server }",
            "{} | count() > 2",
        ] {
            let query = parse(query).unwrap();
            let ids = |probes_max| -> Vec<_> {
                let hits = probing(&segments, &query, ALL_TIME, 9_000, probes_max).unwrap();
                hits.iter().map(|hit| hit.trace.id).collect()
            };
            assert_eq!(ids(0), ids(usize::MAX));
        }
    }

    #[test]
    fn of_traces_that_begin_together_the_least_ids_come_first_wherever_they_lie() {
        let store = TraceStore::new(TRACE_BYTES);
        let together = |trace| Shape {
            start_ms: 1,
            ..Shape::root(trace, 1)
        };
        // more than a segment of the later ids before the earlier ones
        for traces in [5_000..10_000, 1..3] {
            store.append(&batch("a", &traces.map(together).collect::<Vec<_>>()));
        }
        let hits = search(&store.snapshot(), &parse("{}").unwrap(), ALL_TIME, 3).unwrap();
        let ids: Vec<_> = hits.iter().map(|hit| hit.trace.id).collect();
        assert_eq!(ids, [1, 2, 5_000].map(Shape::trace_id));
    }
}
